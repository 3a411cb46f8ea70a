"""Ledger: append-only records in a Merkle tree, kept in one SQLite file or in PostgreSQL."""
