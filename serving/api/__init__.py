"""API: the service and the desks that answer it, and the document that describes it."""
