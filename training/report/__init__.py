"""The report of a training: one page in Chinese and English that a labour inspector can read, and lines for a terminal."""
