"""Scoring: a unit's score with its reasons, recorded before it is answered."""
