"""The directory of a source: names, addresses and telephones for sheets on paper; no store, feature or record ever holds them.

`directory.csv` or `directory.parquet` lies beside the source's tables and is no table of the contract, so that a load does
not read it. It has a column `enterprise` or `provider`, and may have `name`, `address` and `telephone`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import SourceError
from features.ingest.scan import read_parquet
from features.ingest.source import Source

DIRECTORY_FILES = ("directory.csv", "directory.parquet")
"""The files that a directory may be, the first of them that is there."""
UNITS = ("enterprise", "provider")
"""The kinds of unit of which a directory may speak."""
CONTACT = ("name", "address", "telephone")
"""What a directory says of a unit."""
Directory = Mapping[str, Mapping[str, str]]
"""By the number of a unit what the directory says of it."""
DirectoryRows = tuple[Sequence[str], Iterable[Mapping[str, Any]]]
"""The columns of a directory's file, and its rows."""


def directory_of(source: Source, kind: str) -> Directory:
    """Return the directory of the units of a kind, empty where the source has none; SourceError for one that cannot be read."""
    places = directory_places(source)
    if not places:
        return {}
    place, *_ = places
    read = _csv_rows if place.suffix == ".csv" else _parquet_rows
    names, rows = read(place)
    _check_columns(names, place.name)
    return _by_unit(rows, kind, place.name)


def directory_places(source: Source) -> list[Path]:
    """Return the files of a source's directory, which are no part of what is loaded."""
    places = [source.folder / name for name in DIRECTORY_FILES]
    return [place for place in places if place.is_file()]


def _csv_rows(place: Path) -> DirectoryRows:
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            return list(reader.fieldnames or ()), list(reader)
    except (csv.Error, UnicodeDecodeError) as problem:
        raise SourceError(
            f"{place.name} should be a CSV in UTF-8 ({type(problem).__name__})"
        ) from None


def _parquet_rows(place: Path) -> DirectoryRows:
    try:
        frame = read_parquet(place)
    except pl.exceptions.PolarsError as problem:
        raise SourceError(f"{place.name} cannot be read as Parquet: {problem}") from None
    for name in UNITS:
        if name in frame.columns and frame.schema[name].is_float():
            raise SourceError(
                f"{place.name}: {name} should be text or a whole number, as in the source; it is {frame.schema[name]}"
            )
    return frame.columns, frame.to_dicts()


def _check_columns(names: Sequence[str], place: str) -> None:
    """Raise SourceError unless a directory names a kind of unit, and no column is a known one in another spelling."""
    known = (*UNITS, *CONTACT)
    for name in names:
        if name not in known and name.strip().lower() in known:
            raise SourceError(f"{place} has a column {name!r}; call it {name.strip().lower()!r}")
    if not set(UNITS) & set(names):
        raise SourceError(
            f"{place} should be a table parted by commas with a column enterprise or provider; "
            f"its columns are {', '.join(map(repr, names)) or 'none'}"
        )


def _by_unit(rows: Iterable[Mapping[str, Any]], kind: str, name: str) -> Directory:
    directory: dict[str, dict[str, str]] = {}
    for row in rows:
        unit = row.get(kind)
        if unit in (None, ""):
            continue
        if str(unit) in directory:
            raise SourceError(f"{name} has a {kind} twice; give each one line")
        directory[str(unit)] = {column: str(row.get(column) or "") for column in CONTACT}
    return directory
