"""The data contract of the IDHRSS, read from the one declaration `contract.txt`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from features.errors import CatalogueError

KINDS = ("id", "day", "month", "fen", "minutes", "persons", "count", "year", "kwh", "microdegree", "flag",
         "probability", "choice")
LONGEST = 256
"""Letters of the longest identifier that a source may hold, a store keeps and the API takes; row ids too."""
FLAGS = {"0": 0, "false": 0, "1": 1, "true": 1}
"""The texts of a flag, in any case; a whole number may have zeros behind its point."""
UNITS = {"fen": "fen", "minutes": "minutes", "persons": "persons", "kwh": "kWh", "microdegree": "1e-6 degree"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, whether it may be empty, and its meaning in both languages."""

    name: str
    kind: str
    detail: tuple[str, ...]
    optional: bool
    zh: str
    en: str

    @property
    def space(self) -> str:
        """The name space of an `id` column."""
        return self.detail[0]

    @property
    def past(self) -> bool:
        """Whether this is a day on which something has happened: it never lies after `recorded_on`."""
        return self.kind == "day" and "past" in self.detail

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a `choice` column; the code in a store is the position."""
        return self.detail


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns (without the common ones) and its business key."""

    name: str
    zh: str
    en: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        for column in self.columns + COMMON:
            if column.name == name:
                return column
        raise CatalogueError(f"table {self.name!r} has no column {name!r}; it has {', '.join(c.name for c in self.columns)}")


COMMON = (
    Column("row_id", "id", ("row",), False, "行编号", "row number, unique in its table"),
    Column("recorded_on", "day", (), False, "入库日期", "day the database knew it"),
    Column("retracted", "flag", (), False, "是否撤回", "1 in a row that takes the key back"),
)


def column_of(line: str) -> Column:
    """Return the column that one line `name | type | zh | en` declares.

    >>> column_of("kwh | kwh ? | 用电量 | electricity used").optional
    True
    """
    name, declared, zh, en = (part.strip() for part in line.split("|"))
    words = declared.split()
    optional = words[-1] == "?"
    kind, *detail = words[:-1] if optional else words
    if kind not in KINDS:
        raise CatalogueError(f"column {name!r} has type {kind!r}; a type should be one of {', '.join(KINDS)}")
    return Column(name, kind, tuple(detail), optional, zh, en)


def tables_of(text: str) -> dict[str, Table]:
    """Return the tables that a declaration text holds, by name, in its order."""
    tables: dict[str, Table] = {}
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        if not lines:
            continue
        name, zh, en, key = (part.strip() for part in lines[0].split("|"))
        columns = tuple(column_of(line) for line in lines[1:])
        tables[name] = Table(name, zh, en, tuple(part.strip() for part in key.split(",")), columns)
    return tables


@cache
def contract() -> dict[str, Table]:
    """Return the published tables by name."""
    return tables_of(resources.files("features").joinpath("contract.txt").read_text("utf-8"))


def as_json() -> list[dict[str, Any]]:
    """Return the contract as plain values, for `lssi contract --json` and the documentation."""
    return [
        {"table": table.name, "zh": table.zh, "en": table.en, "key": list(table.key),
         "columns": [
             {"name": c.name, "type": c.kind, "values": list(c.choices) if c.kind == "choice" else None,
              "space": c.space if c.kind == "id" else None, "unit": UNITS.get(c.kind), "optional": c.optional, "past": c.past,
              "zh": c.zh, "en": c.en}
             for c in table.columns + COMMON]}
        for table in contract().values()
    ]
