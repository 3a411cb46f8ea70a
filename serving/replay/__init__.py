"""Replay: a past score computed anew, compared to the bit, and told in a report."""
