"""Models: fit, calibration and the registry."""
