"""Commands, one module for each group; a command imports what it needs when it is called."""
