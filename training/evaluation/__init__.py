"""Evaluation: how good a model is, at capacity and by group."""
