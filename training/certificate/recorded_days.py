"""Custody: does the store know each row from the day that its source says?"""

from __future__ import annotations

import pyarrow as pa

from features.connection import ConnectionLimits, named
from features.ingest.source import Source
from features.ingest.typed_sql import in_one_line, reading_connection, relation
from features.store.store import Store
from training.certificate.sample import refused_ids, workplace

ROWS = 4_000
"""Rows of each table that are read, the first ones; a choice: more would take longer and show no more kinds of days."""


def misdated(source: Source, store: Store) -> dict[str, int]:
    """Return by table how many of a source's first rows the store knows from another day.

    Rows that it lacks do not count, nor those whose row id it has refused.
    """
    sizes: dict[str, int] = {}
    with workplace() as folder:
        connection = reading_connection(source, ConnectionLimits(spill=folder))
        for table in (name for name in source.tables if store.has(name)):
            with in_one_line(source.tables[table]):
                rows = relation(connection, source, table)
                columns = f"{source_text('row_id')}, {source_text('recorded_on')}"
                first_rows = rows.project(columns).limit(ROWS).to_arrow_table()
                # Of a row id that repeats one row was kept: which, a limited sort does not say.
                repeated = pa.table({"row_id": pa.array(refused_ids(store, table), pa.string())})
                statement = WRONG.format(named(table))
                wrong = store.sql(statement, given=first_rows, repeated=repeated)
            size = wrong["size"][0].as_py()
            if size:
                sizes[table] = size
    return sizes


def source_text(name: str) -> str:
    """Return a common column as the text that its source gives.

    >>> source_text("row_id")
    'trim(CAST("row_id" AS VARCHAR)) AS "row_id"'
    """
    return f"trim(CAST({named(name)} AS VARCHAR)) AS {named(name)}"


WRONG = """
WITH once AS (
    SELECT row_id, any_value(TRY_CAST(recorded_on AS DATE) - DATE '1970-01-01') AS day FROM given
    ANTI JOIN repeated USING (row_id) GROUP BY row_id HAVING count(*) = 1 AND max(length(recorded_on)) = 10
)
SELECT count(*) AS size FROM {} AS held JOIN once USING (row_id) WHERE held.sign = 1 AND held.known <> once.day
"""
