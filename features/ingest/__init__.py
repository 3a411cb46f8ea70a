"""Ingest: how files become rows, with nothing about them guessed."""
