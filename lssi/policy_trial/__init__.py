"""Months of plan, visit, reaction and retraining on a simulated city, under declared arms."""
