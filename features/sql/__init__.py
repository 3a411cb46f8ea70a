"""SQL: the catalogue as one statement, for DuckDB and for Spark."""
