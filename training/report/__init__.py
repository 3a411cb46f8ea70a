"""The report of a training: one page in Chinese and English that a labour inspector can read."""
