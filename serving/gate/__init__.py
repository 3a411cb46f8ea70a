"""Gate: what every request passes before it is answered: keys, routes, limits, and HTTP read strictly."""
