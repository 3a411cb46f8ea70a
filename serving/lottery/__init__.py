"""The week's lottery in the ledger: committed before a public value is known, drawn with it, and verified by anybody."""
