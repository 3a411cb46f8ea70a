"""What was said before an appeal and rests on its row: recorded scores, alerts and lines of plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.calendar import date_of
from serving.ledger.naming import records_naming
from serving.loop.act_once import Loop
from serving.loop.statements import Statement, statements_of

UnitsByKind = Mapping[str, Sequence[str]]
"""The identifiers of units by what they are: enterprise, claim or provider."""


@dataclass(frozen=True, slots=True)
class RowInForce:
    """A row of a source by table and number, which counted from the day `known` to the one before `until`."""

    table: str
    row_id: str
    known: int
    until: int

    def counted_on(self, day: int) -> bool:
        """Tell whether the row counted on a day."""
        return self.known <= day < self.until

    def is_named_by(self, grounds: Any) -> bool:
        """Tell whether grounds name the row: a fact by the numbers of its rows, a match by each row of its own."""
        if isinstance(grounds, Mapping):
            numbers = [*grounds.get("row_ids", ()), grounds.get("row_id")]
            names_row = grounds.get("table") == self.table and self.row_id in numbers
            return names_row or any(map(self.is_named_by, grounds.values()))
        return isinstance(grounds, list | tuple) and any(map(self.is_named_by, grounds))


@dataclass(frozen=True, slots=True)
class RestingRecord:
    """What a record says of a unit and a row bears; `names_row`: whether its grounds name the row, None where they are gone."""

    said: Statement
    names_row: bool | None

    def as_json(self) -> dict[str, Any]:
        """Return the record as plain values."""
        statement = self.said
        return {
            "record_id": statement.record_id,
            "what": statement.what,
            statement.kind: statement.unit,
            "target": statement.target,
            "as_of": date_of(statement.as_of).isoformat(),
            "names_row": self.names_row,
        }


def records_on_row(loop: Loop, units: UnitsByKind, row: RowInForce) -> list[RestingRecord]:
    """Return the scores, alerts and lines of plans that rest on a row, oldest first.

    They are of a unit that the row names, as of a day on which it counted, or of another whose grounds name it.
    """
    texts = {row.row_id, *(unit for of_kind in units.values() for unit in of_kind)}
    resting: list[RestingRecord] = []
    for stored in records_naming(loop.ledger.path, texts):
        for statement in statements_of(loop, stored):
            names_row = None if statement.grounds is None else row.is_named_by(statement.grounds)
            is_of_unit = statement.unit in units.get(statement.kind, ())
            if row.counted_on(statement.as_of) and (is_of_unit or names_row):
                resting.append(RestingRecord(statement, names_row))
    return resting
