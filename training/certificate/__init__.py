"""Certificate: proof that no feature, label or split knew what was recorded later."""
