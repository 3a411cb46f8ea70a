"""Appeals: what upheld ones change in the history, from their day on."""
