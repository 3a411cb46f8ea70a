"""Output: a city written as Parquet, as a dump of the platform, and as a page."""
