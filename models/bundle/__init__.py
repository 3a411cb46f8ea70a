"""Bundle: a model as a folder of text files that is read only when every digest agrees."""
