"""A simulated city: a source like any other, with a truth that no view of it reads."""
