"""What an upheld appeal corrects, as a row of the table it is about: the row as it was, with other values, from its day on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.connection import Relation, named, quoted


@dataclass(frozen=True, slots=True)
class PostedCorrection:
    """One row that an appeal corrects: its table and number, the day, the ledger's record, and the values by column.

    A value is the whole number that a store holds, None where the column is to be empty.
    """

    table: str
    row_id: str
    day: int
    record: str
    values: Mapping[str, str | None]

    @property
    def corrected_row_id(self) -> str:
        """The number of the corrected row: no source gives such a one."""
        return f"appeal-{self.record}"


CORRECTED = """WITH rows AS ({rows}),
wrong AS (
    SELECT * FROM rows WHERE row_id = {row_id} AND sign = 1
    AND NOT EXISTS (FROM rows AS later WHERE later.row_id = {row_id} AND later.sign = -1 AND later.known <= {day})
    ORDER BY known LIMIT 1
),
corrected AS (SELECT * REPLACE ({values}, {new_id} AS row_id) FROM wrong),
ends AS (
    SELECT min(rows.known) AS day FROM rows JOIN wrong ON {same_key} WHERE rows.sign = 1 AND rows.known > {day}
)
SELECT * REPLACE (CAST({day} AS INTEGER) AS known) FROM corrected
UNION ALL
SELECT corrected.* REPLACE (ends.day AS known, CAST(-1 AS TINYINT) AS sign) FROM corrected, ends WHERE ends.day IS NOT NULL"""
"""The corrected row of one that holds on the day, until the source sends another one under the same key."""


def corrected_sql(rows: Relation, key: tuple[str, ...], correction: PostedCorrection) -> str:
    """Return in SQL the signed rows that a correction adds to the signed `rows` of its table; none if its row no longer holds."""
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    values = []
    for name, value in correction.values.items():
        number = "NULL" if value is None else str(int(value))
        values.append(f"CAST({number} AS {kinds[name]}) AS {named(name)}")
    same_key = [f"rows.{named(name)} IS NOT DISTINCT FROM wrong.{named(name)}" for name in key]
    return CORRECTED.format(
        rows=rows.sql_query(),
        row_id=quoted(correction.row_id),
        day=correction.day,
        values=", ".join(values),
        new_id=quoted(correction.corrected_row_id),
        same_key=" AND ".join(same_key),
    )
