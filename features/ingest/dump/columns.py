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

    SourceError by line, where it says anything of a table or column that the source does not declare.
    """
    book = {
        table: dict.fromkeys(declared.columns, Called()) for table, declared in dump.tables.items()
    }
    for table, column, called in _lines(folder / COLUMNS, dump):
        for name in book if table == EVERY else [table]:
            if column in book[name]:
                book[name][column] = called
    return book


def _lines(place: Path, dump: Dump) -> Iterator[tuple[str, str, Called]]:
    if not place.exists():
        return
    try:
        rows = list(csv.reader(place.read_text("utf-8-sig").splitlines()))
    except UnicodeDecodeError:
        raise SourceError(f"{place} is not UTF-8; write it again as UTF-8") from None
    if not rows or rows[0] != HEADER:
        raise SourceError(f"{place}: its first line should be {','.join(HEADER)}")
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != len(HEADER):
            raise SourceError(
                f"{place}: line {number} has {len(row)} fields; it should have {len(HEADER)}"
            )
        table, column, kind, names = (field.strip() for field in row)
        tables = list(dump.tables) if table == EVERY else [table]
        if not any(name in dump.tables and column in dump.tables[name].columns for name in tables):
            raise SourceError(
                f"{place}: line {number}: {table}.{column} is no column that [dump.tables] declares"
            )
        if kind not in KINDS:
            raise SourceError(
                f"{place}: line {number}: kind should be one of {', '.join(KINDS)}; got {kind!r}"
            )
        yield table, column, Called(kind, tuple(filter(None, map(str.strip, names.split(BETWEEN)))))


@dataclass(frozen=True, slots=True)
class Headings:
    """What names the columns of one table: its codes, its other names, and those that the dump's own settings state."""

    table: str
    called: Mapping[str, Called]
    stated: Mapping[str, tuple[str, ...]]

    def find(self, given: Collection[str], file: str) -> Names:
        """Return, by column, the given names that mean it: stated ones, else its code, else its other names.

        SourceError where a name is that of two columns, or two names that of one; it tells the line to write.
        """
        found = {code: names for code in self.stated if (names := self._stated_in(given, code))}
        free = [name for name in given if name not in _all(found)]
        found |= named_so(free, [code for code in self.called if code not in found])
        free = [name for name in free if name not in _all(found)]
        for name in free:
            meant = [code for code in self.called if code not in found and self._means(name, code)]
            if len(meant) > 1:
                raise SourceError(
                    f"{file}: column {name!r} may be {' or '.join(meant)}; write {self.line(meant[0], name)}, "
                    "or another of them"
                )
        others = {
            code: tuple(name for name in free if self._means(name, code))
            for code in self.called
            if code not in found
        }
        for code, names in others.items():
            if len(names) > 1:
                raise SourceError(
                    f"{file}: columns {', '.join(names)} may each be {code}; write {self.line(code, names[0])}, "
                    "or another of them"
                )
        return found | {code: names for code, names in others.items() if names}

    def _stated_in(self, given: Collection[str], code: str) -> tuple[str, ...]:
        """Return the given names that the dump's settings state for a column."""
        stated = {_folded(name) for name in self.stated[code]}
        return tuple(name for name in given if _folded(name) in stated)

    def _means(self, name: str, code: str) -> bool:
        """Tell whether a name is one of a column's other names, beside a unit if it holds a quantity."""
        called = self.called[code]
        others = {_folded(other) for other in called.names}
        if _folded(name) in others:
            return True
        first, *beside = words_of(name) or [""]
        return first in others and (called.kind in UNITS or all(word in ASIDE for word in beside))

    def line(self, code: str, name: str) -> str:
        """Return what to write where so that a column of this name is read."""
        return f'[columns.{self.table}] {code} = "{name}" into {SETTINGS}'


def _all(found: Names) -> list[str]:
    return [name for names in found.values() for name in names]


def _folded(name: str) -> str:
    """Return a name without blanks, brackets and signs: 经度（微度） is 经度微度.

    >>> _folded("业务日志 ID")
    '业务日志id'
    """
    return "".join(words_of(name)) or plain_text(name)
