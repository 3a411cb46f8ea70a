"""Values over the whole network of a day: computed once for a history and a month end, kept beside it, looked up."""
