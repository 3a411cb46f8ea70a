"""What a source says of its dump's columns in `columns.csv`: what each holds, and its names in Chinese."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import SourceError
from features.ingest.dump.forms import KINDS
from features.ingest.dump.names import named_so
from features.ingest.dump.units import UNITS, plain_text, words_of
from features.ingest.source_toml import Dump
from features.text_files import text_of

COLUMNS = "columns.csv"
HEADER = ["table", "column", "kind", "zh"]
EVERY, BETWEEN = "*", "|"
"""The table of a line that is about every table, and what parts the names of one."""
ASIDE = ("必填", "选填", "字段", "备注")
"""Words beside a name that leave it what it is."""
SETTINGS = "dump.toml"

Names = dict[str, tuple[str, ...]]
"""The columns of a table that are declared, each with the names that its files have for it."""


@dataclass(frozen=True, slots=True)
class Called:
    """What a column holds, and what it is called besides its code."""

    kind: str = ""
    names: tuple[str, ...] = ()


Book = Mapping[str, Mapping[str, Called]]
"""By table and column, what is said of the columns that a dump's source declares."""


def book_of(folder: Path, dump: Dump) -> Book:
    """Return what the source in a folder says of its dump's columns; nothing where it has no columns.csv.

    SourceError with the line, if it names a table or column that the source does not declare.
    """
    nothing = Called()
    book: dict[str, dict[str, Called]] = {}
    for table, declared in dump.tables.items():
        book[table] = dict.fromkeys(declared.columns, nothing)
    for table, column, called in _lines(folder / COLUMNS, dump):
        tables = list(book) if table == EVERY else [table]
        for name in tables:
            if column in book[name]:
                book[name][column] = called
    return book


def _lines(place: Path, dump: Dump) -> Iterator[tuple[str, str, Called]]:
    if not place.exists():
        return
    rows = list(csv.reader(text_of(place).splitlines()))
    if not rows or rows[0] != HEADER:
        raise SourceError(f"{place}: its first line should be {','.join(HEADER)}")
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != len(HEADER):
            raise SourceError(
                f"{place}: line {number} has {len(row)} fields; it should have {len(HEADER)}"
            )
        table, column, kind, names_text = (field.strip() for field in row)
        if not _is_declared(dump, table, column):
            raise SourceError(
                f"{place}: line {number}: {table}.{column} is no column that [dump.tables] declares"
            )
        if kind not in KINDS:
            raise SourceError(
                f"{place}: line {number}: kind should be one of {', '.join(KINDS)}; got {kind!r}"
            )
        names = [name.strip() for name in names_text.split(BETWEEN)]
        yield table, column, Called(kind, tuple(filter(None, names)))


def _is_declared(dump: Dump, table: str, column: str) -> bool:
    """Tell whether a dump's source declares a column of a table, or of any table where the line is about every one."""
    if table == EVERY:
        return any(column in declared.columns for declared in dump.tables.values())
    return table in dump.tables and column in dump.tables[table].columns


@dataclass(frozen=True, slots=True)
class Headings:
    """What names the columns of one table: its codes, its other names, and those that the dump's own settings state."""

    table: str
    called: Mapping[str, Called]
    stated: Mapping[str, tuple[str, ...]]

    def find(self, given: Collection[str], file: str) -> Names:
        """Return, by column, the given names that mean it: stated ones, else its code, else its other names.

        SourceError if a name fits two columns, or two names fit one column; it says which line to write.
        """
        # The order of precedence: what the settings state, then a column's code, then its other names.
        columns: Names = {}
        for code in self.stated:
            if stated_names := self._stated_in(given, code):
                columns[code] = stated_names
        free = _without(given, columns)
        columns |= named_so(free, [code for code in self.called if code not in columns])
        free = _without(free, columns)
        codes = [code for code in self.called if code not in columns]
        self._check_one_meaning(free, codes, file)
        for code in codes:
            names = tuple(name for name in free if self._means(name, code))
            if len(names) > 1:
                raise SourceError(
                    f"{file}: columns {', '.join(names)} may each mean {code}; write {self.line(code, names[0])}, "
                    "or another of them"
                )
            if names:
                columns[code] = names
        return columns

    def _check_one_meaning(self, names: Collection[str], codes: Collection[str], file: str) -> None:
        """Raise SourceError where a name may be that of several columns."""
        for name in names:
            meant = [code for code in codes if self._means(name, code)]
            if len(meant) > 1:
                raise SourceError(
                    f"{file}: column {name!r} may mean {' or '.join(meant)}; write {self.line(meant[0], name)}, "
                    "or another of them"
                )

    def _stated_in(self, given: Collection[str], code: str) -> tuple[str, ...]:
        """Return the given names that the dump's settings state for a column."""
        stated = {_folded(name) for name in self.stated[code]}
        return tuple(name for name in given if _folded(name) in stated)

    def _means(self, name: str, code: str) -> bool:
        """Tell whether a name is one of a column's other names, beside a unit if it holds a quantity."""
        called = self.called[code]
        other_names = {_folded(other) for other in called.names}
        if _folded(name) in other_names:
            return True
        first, *beside = words_of(name) or [""]
        if first not in other_names:
            return False
        # What stands beside a quantity may be its unit, which is judged when units are.
        return called.kind in UNITS or all(word in ASIDE for word in beside)

    def line(self, code: str, name: str) -> str:
        """Return the line to write so that a column with this name is read."""
        return f'[columns.{self.table}] {code} = "{name}" into {SETTINGS}'


def names_in_files(columns: Names) -> list[str]:
    """Return the names that files have for declared columns, of all columns together."""
    names: list[str] = []
    for names_of_column in columns.values():
        names += names_of_column
    return names


def _without(names: Collection[str], columns: Names) -> list[str]:
    """Return the names that are not yet those of a column."""
    used = names_in_files(columns)
    return [name for name in names if name not in used]


def _folded(name: str) -> str:
    """Return a name without blanks, brackets and signs: 经度（微度） is 经度微度.

    >>> _folded("业务日志 ID")
    '业务日志id'
    """
    return "".join(words_of(name)) or plain_text(name)
