"""The data contract of the IDHRSS, read from the one declaration `contract.txt`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from features.errors import CatalogueError

KINDS = (
    "id",
    "day",
    "month",
    "fen",
    "minutes",
    "persons",
    "count",
    "year",
    "kwh",
    "microdegree",
    "flag",
    "probability",
    "choice",
)
RECORDED = "recorded_on"
PARTS = {"day": ("", ""), "month": ("所在月", "the month of "), "year": ("所在年", "the year of ")}
"""What of another day a column of a kind is compared with, in both languages."""
DATED = tuple(PARTS)
LONGEST = 256
"""Letters of the longest identifier that a source may hold, a store keeps and the API takes; row ids too."""
FLAGS = {"0": 0, "false": 0, "1": 1, "true": 1}
"""The texts of a flag, in any case; a whole number may have zeros behind its point."""
PROBABLE = (0.000001, 1)
"""The least and the most that a probability may be: it is held in whole millionths."""
UNITS = {
    "fen": "fen",
    "minutes": "minutes",
    "persons": "persons",
    "kwh": "kWh",
    "microdegree": "1e-6 degree",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, whether it may be empty, and its meaning in both languages.

    Its day (or month, or year) lies neither before the days in the columns `not_before` nor after those in `not_after`,
    and its number between the least and the most of `bounds`, where these are declared. `claims.filed_on` is the day
    in another table's row, which this row names by its key.
    """

    name: str
    kind: str
    detail: tuple[str, ...]
    optional: bool
    zh: str
    en: str
    not_before: tuple[str, ...] = ()
    not_after: tuple[str, ...] = ()
    bounds: tuple[int, int | None] | None = None

    @property
    def space(self) -> str:
        """The name space of an `id` column."""
        return self.detail[0]

    @property
    def past(self) -> bool:
        """Whether this is a day on which something has happened: it never lies after `recorded_on`."""
        return self.kind == "day" and RECORDED in self.not_after

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
        raise CatalogueError(
            f"table {self.name!r} has no column {name!r}; it has {', '.join(c.name for c in self.columns)}"
        )


COMMON = (
    Column("row_id", "id", ("row",), False, "行编号", "row number, unique in its table"),
    Column("recorded_on", "day", (), False, "入库日期", "day the database knew it"),
    Column("retracted", "flag", (), False, "是否撤回", "1 in a row that takes the key back"),
)


def declared_column(line: str) -> Column:
    """Return the column that one line `name | type | zh | en` declares.

    >>> declared_column("kwh | kwh ? | 用电量 | electricity used").optional
    True
    """
    name, declared, zh, en = (part.strip() for part in line.split("|"))
    words = declared.split()
    optional = words[-1] == "?"
    kind, *detail = words[:-1] if optional else words
    if kind not in KINDS:
        raise CatalogueError(
            f"column {name!r} has type {kind!r}; a type should be one of {', '.join(KINDS)}"
        )
    if kind in ("id", "choice"):
        return Column(name, kind, tuple(detail), optional, zh, en)
    not_before, not_after, bounds = _marks(name, detail)
    return Column(name, kind, (), optional, zh, en, not_before, not_after, bounds)


Marks = tuple[tuple[str, ...], tuple[str, ...], tuple[int, int | None] | None]


def _marks(name: str, words: list[str]) -> Marks:
    """Return the columns named after `from`, those after `until` or meant by `past`, and the least and most of `1..10`."""
    not_before: list[str] = []
    not_after: list[str] = []
    bounds: tuple[int, int | None] | None = None
    # `from` and `until` take the word after them, so the loop and `next` share one iterator.
    remaining = iter(words)
    for word in remaining:
        if word == "from":
            not_before.append(next(remaining, ""))
        elif word == "until":
            not_after.append(next(remaining, ""))
        elif word == "past":
            not_after.append(RECORDED)
        elif span := re.fullmatch(r"(-?\d+)\.\.(-?\d*)", word):
            least, most = span.groups()
            bounds = int(least), int(most) if most else None
        else:
            raise CatalogueError(
                f"column {name!r} has a mark {word!r}; a mark should be past, from, until or like 1..10"
            )
    return tuple(not_before), tuple(not_after), bounds


def declared_tables(text: str) -> dict[str, Table]:
    """Return the tables that a declaration text holds, by name, in its order."""
    tables: dict[str, Table] = {}
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        if not lines:
            continue
        head, *column_lines = lines
        name, zh, en, key = (part.strip() for part in head.split("|"))
        key_columns = tuple(part.strip() for part in key.split(","))
        columns = tuple(declared_column(line) for line in column_lines)
        tables[name] = Table(name, zh, en, key_columns, columns)
    for table in tables.values():
        _comparable(tables, table)
    return tables


def _comparable(tables: dict[str, Table], table: Table) -> None:
    """Raise CatalogueError where a table compares what is no day, or with a day that its rows do not name."""
    for column in table.columns:
        for place in column.not_before + column.not_after:
            other_table, other = named_by(table, place)
            if other_table not in tables:
                raise CatalogueError(
                    f"{table.name}.{column.name} is compared with {place!r}, and there is no such table"
                )
            named_table = tables[other_table]
            if not _can_compare(table, column, named_table, other):
                raise CatalogueError(
                    f"{table.name}.{column.name} cannot be compared with {place!r}; from and until "
                    "compare a day, month or year with a day that the row names"
                )


def _can_compare(table: Table, column: Column, named_table: Table, other: str) -> bool:
    """Tell whether a column may be compared with a day of its own row, or of the row in a table that it names."""
    if named_table.column(other).kind != "day":
        return False
    if named_table is table:
        return column.kind in DATED
    return column.kind == "day" and _names(table, named_table)


def _names(table: Table, other: Table) -> bool:
    """Tell whether rows of a table name one row of another, and tell it from themselves by no further identifier."""
    kinds = {column.name: column.kind for column in table.columns}
    key_of_other = set(other.key)
    further_key = set(table.key) - key_of_other
    if not kinds.keys() >= key_of_other:
        return False
    return all(kinds[name] != "id" for name in further_key)


def named_by(table: Table, place: str) -> tuple[str, str]:
    """Return the table and the column that a mark such as `admitted` or `claims.filed_on` names.

    >>> named_by(contract()["benefit_payments"], "claims.filed_on")
    ('claims', 'filed_on')
    """
    other_table, _, other = place.rpartition(".")
    return other_table or table.name, other


@cache
def contract() -> dict[str, Table]:
    """Return the published tables by name."""
    place = resources.files("features.contract").joinpath("contract.txt")
    return declared_tables(place.read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class LawWords:
    """A law of a column in both languages, to be read after the column's meaning."""

    zh: str
    en: str


def laws_of(table: Table, column: Column) -> Iterator[LawWords]:
    """Yield in words what the days and numbers of a column can never be.

    >>> [law.en for law in laws_of(contract()["claims"], contract()["claims"].column("discharged"))]
    ['never before admitted (day admitted)']
    """
    for place in column.not_before:
        zh, en = _compared(table, column, place)
        yield LawWords(f"不早于{zh}", f"never before {en}")
    for place in column.not_after:
        zh, en = _compared(table, column, place)
        yield LawWords(f"不晚于{zh}", f"never after {en}")
    if column.kind == "probability":
        yield LawWords(
            "大于 0，不大于 1，至多 6 位小数", "above 0 and at most 1, to at most 6 decimals"
        )
    if column.bounds:
        least, most = column.bounds
        if most is None:
            yield LawWords(f"不小于 {least}", f"at least {least}")
        else:
            yield LawWords(f"{least} 至 {most}", f"{least} to {most}")


def span_of(column: Column) -> tuple[float | None, float | None]:
    """Return the least and the most that a column's values may be as a source writes them, None where none is declared."""
    if column.kind == "probability":
        return PROBABLE
    return column.bounds or (None, None)


def _compared(table: Table, column: Column, place: str) -> tuple[str, str]:
    """Return in both languages the day that a column is compared with, or the month or year of that day."""
    other_table, other = named_by(table, place)
    named_table = contract()[other_table]
    day = named_table.column(other)
    part_zh, part_en = PARTS[column.kind]
    of_zh = "" if named_table.name == table.name else f"“{named_table.zh}”中的"
    return f"{of_zh}{day.zh}{part_zh}", f"{part_en}{place} ({day.en})"


def contract_as_json() -> list[dict[str, Any]]:
    """Return the contract as plain values, for `lssi contract --json` and the documentation."""
    return [_table_as_json(table) for table in contract().values()]


def _table_as_json(table: Table) -> dict[str, Any]:
    return {
        "table": table.name,
        "zh": table.zh,
        "en": table.en,
        "key": list(table.key),
        "columns": [_column_as_json(table, column) for column in table.columns + COMMON],
    }


def _column_as_json(table: Table, column: Column) -> dict[str, Any]:
    laws = list(laws_of(table, column))
    least, most = span_of(column)
    return {
        "name": column.name,
        "type": column.kind,
        "values": list(column.choices) if column.kind == "choice" else None,
        "space": column.space if column.kind == "id" else None,
        "unit": UNITS.get(column.kind),
        "optional": column.optional,
        "past": column.past,
        "not_before": list(column.not_before),
        "not_after": list(column.not_after),
        "least": least,
        "most": most,
        "law_zh": "；".join(law.zh for law in laws),
        "law_en": "; ".join(law.en for law in laws),
        "zh": column.zh,
        "en": column.en,
    }
