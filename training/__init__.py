"""How is a model made, and is it good? Labels, data sets, fits, evaluation and the registry."""
