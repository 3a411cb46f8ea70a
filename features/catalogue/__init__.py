"""The catalogue: measures, windows and features as declared tables, read from the text files of this folder."""
