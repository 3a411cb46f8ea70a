"""The fingerprint of a source: the same files give the same store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from features.ingest.directory import directory_places
from features.ingest.dump.columns import SETTINGS
from features.ingest.postgres import SNAPSHOT
from features.ingest.scan import files_below, files_in
from features.ingest.source import Source

SMALL = 1 << 20
"""Bytes of the largest file whose content is read for the fingerprint; a choice: declarations and small tables lie below it."""
LAYOUT = "4"
"""The form in which stores are written: another number, and every store is made anew."""
_DATA = re.compile(r"\$\{DATA\}/?((?:[^'\"\n]|'')*)")


def files_of(source: Source) -> list[Path]:
    """Return every file that a source consists of: those in its folder, its tables' parts, the data its views name."""
    files: set[Path] = set()
    for place in source.places:
        if place != source.data:
            files |= set(_under(place))
    # another telephone makes no other store
    files -= set(directory_places(source))
    if source.declaration.dump is not None:
        settings = [source.data / SETTINGS, source.data / SNAPSHOT]
        files |= {path for path in settings if path.exists()}
        return sorted(files)
    views = [place for place in source.tables.values() if place.suffix == ".sql"]
    for view in views:
        for text in _DATA.findall(view.read_text("utf-8")):
            pattern = text.replace("''", "'")
            files |= set(_matching(source.data, pattern))
    return sorted(files)


def _matching(data: Path, pattern: str) -> Iterator[Path]:
    if not data.is_dir():
        return
    place = data / pattern if pattern else data
    if place.exists():
        yield from _under(place)
    else:
        # a pattern stands in the last part only; further up a name is a name
        yield from files_in(place.parent, place.name)


def _under(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from files_below(place)
    elif place.is_file():
        yield place


def mark_of(path: Path) -> str:
    """Return what changes when a file changes: the content of a small file, the size and time of a large one."""
    if path.suffix == ".parquet" and (path.parent / SNAPSHOT).exists():
        return SNAPSHOT
    status = path.stat()
    if status.st_size <= SMALL:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{status.st_size} {status.st_mtime_ns}"


def fingerprint(source: Source) -> str:
    """Return 64 hex digits over the source's files: contents of the small, size and time of the large.

    Tables staged from a database are identified by their snapshot, which holds the number and the hashes of their rows.
    """
    digest = hashlib.sha256(LAYOUT.encode())
    digest.update(resources.files("features.contract").joinpath("contract.txt").read_bytes())
    digest.update(resources.files("features.catalogue").joinpath("joins.txt").read_bytes())
    for path in files_of(source):
        name = path.relative_to(_root_of(path, source))
        digest.update(f"{name}\0{mark_of(path)}\n".encode())
    return digest.hexdigest()


def _root_of(path: Path, source: Source) -> Path:
    """Return the folder below which a file is named: its source's, that of the data, else its own."""
    for root in (source.folder, source.data):
        if path.is_relative_to(root):
            return root
    return path.parent
