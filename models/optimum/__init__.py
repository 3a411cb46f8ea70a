"""The optimum: which visits make the best plan of the whole city, and what the rule set declares for it."""
