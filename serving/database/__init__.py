"""Where a ledger lies, and how an open one is spoken to, whichever database holds it."""
