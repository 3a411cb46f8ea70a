"""Baselines: what a user would pick in place of a model, judged beside it from the same days."""
