"""What is a model, what does it say, and why? Targets, bundles, explanations, reasons, policy and plan."""
