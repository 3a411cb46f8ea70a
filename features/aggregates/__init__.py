"""Aggregates: sums, counts and order statistics of the rows that each unit knew by its day."""
