"""Values over the whole network of a day: computed once for a history and a month end, kept beside it, looked up."""

from features.network.stored import stored_values

__all__ = ["stored_values"]
