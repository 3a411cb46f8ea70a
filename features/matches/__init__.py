"""Matches: deterministic discrepancies between databases, facts to verify that are kept apart from every score."""

from features.matches.declared import Kind, kinds
from features.matches.find import Match, matches

__all__ = ["Kind", "Match", "kinds", "matches"]
