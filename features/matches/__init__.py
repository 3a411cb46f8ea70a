"""Matches: deterministic discrepancies between databases, facts to verify that are kept apart from every score."""
