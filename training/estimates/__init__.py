"""City-wide truth: how many enterprises violate and how many workers lack cover, from the visits that a lottery drew."""
