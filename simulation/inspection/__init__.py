"""Inspection: complaints, visits, what they find, and the campaign of medals."""
