"""Loop: what people did with a list comes back, each act once, in the ledger and in the journal."""
