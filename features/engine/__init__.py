"""Engine: who lives on a day, and the features of those units as one matrix."""
