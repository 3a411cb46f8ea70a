"""Check: what a load accepted and refused, and what is odd about it."""
