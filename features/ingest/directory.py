"""The directory of a source: names, addresses and telephones for sheets on paper; no store, feature or record ever holds them.

`directory.csv` or `directory.parquet` lies beside the source's tables and is no table of the contract, so that a load does
not read it. It has a column `enterprise` or `provider`, and may have `name`, `address` and `telephone`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from features.errors import SourceError
from features.ingest.scan import read_parquet
from features.ingest.source import Source

DIRECTORY_FILES = ("directory.csv", "directory.parquet")
"""The files that a directory may be, the first of them that is there."""
CONTACT = ("name", "address", "telephone")
"""What a directory says of a unit."""
Directory = Mapping[str, Mapping[str, str]]
"""By the number of a unit what the directory says of it."""


def directory_of(source: Source, kind: str) -> Directory:
    """Return the directory of the units of a kind, empty where the source has none; SourceError for one that cannot be read."""
    places = directory_places(source)
    if not places:
        return {}
    place, *_ = places
    read = _csv_rows if place.suffix == ".csv" else _parquet_rows
    return _by_unit(read(place), kind, place.name)


def directory_places(source: Source) -> list[Path]:
    """Return the files of a source's directory, which are no part of what is loaded."""
    places = [source.folder / name for name in DIRECTORY_FILES]
    return [place for place in places if place.is_file()]


def _csv_rows(place: Path) -> Iterable[Mapping[str, Any]]:
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, strict=True))
    except (csv.Error, UnicodeDecodeError) as problem:
        raise SourceError(
            f"{place.name} should be a CSV in UTF-8 ({type(problem).__name__})"
        ) from None


def _parquet_rows(place: Path) -> Iterable[Mapping[str, Any]]:
    return read_parquet(place).to_dicts()


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
