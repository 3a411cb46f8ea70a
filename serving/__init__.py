"""Serving: the scorer, the service, the ledger and its records."""
