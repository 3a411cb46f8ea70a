"""The values that an upheld appeal corrects: read as the contract's, and refused where the row could not be so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.calendar import date_of
from features.connection import quoted
from features.contract.row_order import laws
from features.contract.tables import RECORDED, Column
from features.online.request_values import READERS, sent_value, whole_number
from features.store.store import Store
from serving.errors import ActRefused
from serving.requests import LodgedAppeal


def corrected_values(store: Store, asked: LodgedAppeal) -> dict[str, int | None]:
    """Return the corrected values of an appeal by column, as the whole numbers that a store holds.

    ActRefused for a column that names whose row it is, or that the table lacks; RequestError for a value that is none.
    """
    table = store.tables[asked.table]
    declared = {column.name: column for column in table.columns}
    values: dict[str, int | None] = {}
    for name, value in (asked.corrected or {}).items():
        column = declared.get(name)
        if column is None or column.kind == "id" or name in table.key:
            raise ActRefused(
                f"{name!r} is no column whose value an appeal corrects; give one of {_correctable(declared, table.key)}; "
                "a row that is another's is taken back, and its source sends the right one"
            )
        values[name] = sent_value((asked.table, 1), column, value, _reader(column))
    return values


def _correctable(declared: Mapping[str, Column], key: tuple[str, ...]) -> str:
    names = [name for name, one in declared.items() if one.kind != "id" and name not in key]
    return ", ".join(names)


def _reader(column: Column) -> Any:
    if column.kind == "choice":
        return column.choices.index
    return READERS.get(column.kind, whole_number)


def check_correction(store: Store, asked: LodgedAppeal, day: int) -> None:
    """Raise ActRefused unless the row still holds on a day, and may be as it is corrected."""
    table = store.tables[asked.table]
    names = [column.name for column in table.columns]
    picked = ", ".join(f'"{name}"' for name in (*names, "known", "sign"))
    rows = store.sql(
        f"SELECT {picked} FROM {asked.table} WHERE row_id = {quoted(asked.row_id)} AND known <= {day} ORDER BY known, sign"
    ).to_pylist()
    if sum(row["sign"] for row in rows) != 1:
        raise ActRefused(
            f"the row no longer holds on {date_of(day)}; appeal against the one that stands in its place"
        )
    corrected = {**rows[0], **corrected_values(store, asked), "retracted": 0, RECORDED: day}
    for reason in laws(table.name, table.columns).broken(corrected):
        raise ActRefused(f"the row cannot be so: {reason}")
