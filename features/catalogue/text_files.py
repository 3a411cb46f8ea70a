"""The declaration files of this folder: the text of each, and its lines as fields."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from features.errors import CatalogueError


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


def declaration_text(name: str) -> str:
    """Return a declaration file of this folder."""
    return resources.files("features.catalogue").joinpath(name).read_text("utf-8")
