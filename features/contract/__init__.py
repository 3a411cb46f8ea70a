"""Contract: the tables of a source, their columns, and what cannot be in one row."""
