"""Dynamics: what a block carries from month to month: work, reactions, phoenix firms, claims in cash."""
