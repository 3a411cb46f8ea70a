"""Text files that people write: the text of each, and the lines of a declaration as fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, time
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from features.errors import CatalogueError, LssiError, SourceError
from features.lengths import overlong

_Row = TypeVar("_Row")
_LONGEST_SHOWN = 40
"""Characters of a value that an error shows, a choice, so that it stays one line."""
_LONGEST_NUMBER = 2**63
"""Whole numbers below this are those of TOML; Python refuses to write one of thousands of digits."""


def declaration_lines(text: str, fields: int, where: str) -> Iterator[list[str]]:
    """Yield the fields of each line of a declaration text; comments and empty lines are passed over."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != fields:
            raise CatalogueError(
                f"{where} line {number} has {len(parts)} fields, it should have {fields}: {line[:60]!r}"
            )
        yield parts


def text_of(place: Path | Traversable, error: type[LssiError] = SourceError) -> str:
    """Return the text of a file in UTF-8, a byte order mark left out; an error that names the first byte that is no UTF-8."""
    content = place.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content[: problem.start].count(b"\n") + 1
        raise error(f"{place}: line {line} is not UTF-8; save the file as UTF-8") from None


def declaration_text(name: str, package: str = "features.catalogue") -> str:
    """Return a declaration file of a package, of the catalogue where none is named."""
    return resources.files(package).joinpath(name).read_text("utf-8")


def given_value(value: object) -> str:
    """Return a value as TOML writes it, in one short line for an error; empty for a table or a list, which its key names.

    >>> given_value(True), given_value("a\\x1b"), given_value([1])
    ('true', "'a\\\\x1b'", '')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value[:_LONGEST_SHOWN])
    if isinstance(value, int) and abs(value) >= _LONGEST_NUMBER:
        return "a whole number of more than 18 digits"
    if isinstance(value, date | time | int | float):
        return str(value)[:_LONGEST_SHOWN]
    return ""


def once(rows: Iterable[_Row], name: Callable[[_Row], str], what: str) -> dict[str, _Row]:
    """Return declared rows by name; CatalogueError where one is there twice or has too long a name."""
    rows_by_name: dict[str, _Row] = {}
    for row in rows:
        row_name = name(row)
        if wrong := overlong(row_name):
            raise CatalogueError(f"{what} {wrong}")
        if row_name in rows_by_name:
            raise CatalogueError(f"{what} {row_name!r} is declared twice; keep one")
        rows_by_name[row_name] = row
    return rows_by_name
