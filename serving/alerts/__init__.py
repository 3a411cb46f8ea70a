"""Alerts: when rows or scores cross a declared, dated rule, the team of the cell is told, once and with what to check."""
