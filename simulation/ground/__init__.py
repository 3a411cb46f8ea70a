"""Ground: what a city stands on: cells, sectors, parameters and pieces of rows."""
