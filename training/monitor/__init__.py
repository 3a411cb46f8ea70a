"""Watching a model in use: what has moved since it was trained, how it does, and when to halt it."""
