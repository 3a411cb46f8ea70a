"""Data: cases, labels, folds and the training matrix."""
