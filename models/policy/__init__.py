"""Policy: rules, capacity, lottery and the plan of a week."""
