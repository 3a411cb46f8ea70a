"""Proof: what a ledger can show to others: its audit, signed checkpoints, and what leaves it to be checked elsewhere."""
