"""Dump: how the tables of a bureau's database become relations, with every form stated."""
