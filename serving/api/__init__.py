"""API: routes, keys, and the service that answers them."""
