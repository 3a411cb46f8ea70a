"""Evaluation: how good a model is, at capacity, in numbers and over what nobody chose."""
