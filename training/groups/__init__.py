"""Groups: the audit of a training by attributes, who is chosen and for whom the list errs."""
