"""Explain: contributions of features, and reasons in words that can be checked on site."""
