"""How does a model answer, and what remains? The scorer, the service, the ledger and its records."""
