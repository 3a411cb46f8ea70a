"""Store: the signed rows of a history as sorted columns, a base and the segments of later days."""
