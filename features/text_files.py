"""Text files that people write: the text of each, and the lines of a declaration as fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from features.errors import CatalogueError, LssiError, SourceError
from features.lengths import overlong

_Row = TypeVar("_Row")


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
