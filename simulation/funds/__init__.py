"""Funds: providers, medical claims, benefits and the reviews of claims."""
