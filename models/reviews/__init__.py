"""Reviews: the week's lists of claims and providers, for the teams that review them, by dated rules of their own."""
