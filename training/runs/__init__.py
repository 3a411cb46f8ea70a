"""Runs: training, ablation and what they say."""
