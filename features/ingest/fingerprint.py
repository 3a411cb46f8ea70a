"""The fingerprint of a source: the same files give the same store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from features.connection import tokens
from features.ingest.directory import directory_places
from features.ingest.dump.columns import SETTINGS
from features.ingest.postgres import SNAPSHOT
from features.ingest.scan import files_below, files_fitting, files_in
from features.ingest.source import Source
from features.text_files import text_of

SMALL = 1 << 20
"""Bytes of the largest file whose content is read for the fingerprint; a choice: declarations and small tables lie below it."""
LAYOUT = "5"
"""The form in which stores are written: another number, and every store is made anew."""
_NAMED = re.compile(r"\$\{(DATA|SOURCE)\}/?([^\n]*)")
_PATTERN = re.compile(r"[*?\[]")


def files_of(source: Source) -> list[Path]:
    """Return every file that a source consists of: those in its folder, its tables' parts, the data its views name."""
    return _files_and_gaps(source)[0]


def _files_and_gaps(source: Source) -> tuple[list[Path], list[str]]:
    """Return the files of a source, and what its views name where there is no file: the folder with the path or pattern."""
    files: set[Path] = set()
    for place in source.places:
        if place != source.data:
            files |= set(_under(place))
    # another telephone makes no other store
    files -= set(directory_places(source))
    if source.declaration.dump is not None:
        settings = [source.data / SETTINGS, source.data / SNAPSHOT]
        files |= {path for path in settings if path.exists()}
        return sorted(files), []
    gaps = []
    for folder, pattern in _named_by_views(source):
        named_files = set(_matching(folder, pattern))
        files |= named_files
        if not named_files:
            gaps.append(f"{folder}\0{pattern}\n")
    return sorted(files), gaps


def _named_by_views(source: Source) -> Iterator[tuple[Path, str]]:
    """Yield what the views of a source read below its data and its own folder: the folder, and the path or pattern in it."""
    folders = {"DATA": source.data, "SOURCE": source.folder}
    for view in source.tables.values():
        if view.suffix == ".sql":
            for token in tokens(text_of(view)):
                for which, pattern in _NAMED.findall(_unquoted(token.text)):
                    yield folders[which], pattern


def _unquoted(text: str) -> str:
    """Return what a text or a name of SQL says, and any other token as it stands.

    >>> _unquoted("'it''s'"), _unquoted("SELECT")
    ("it's", 'SELECT')
    """
    mark = text[:1]
    if mark not in ("'", '"'):
        return text
    return text[1:-1].replace(2 * mark, mark)


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    if not folder.is_dir():
        return
    place = folder / pattern if pattern else folder
    if place.exists():
        yield from _under(place)
    elif _PATTERN.search(str(Path(pattern).parent)):
        # a bare read may have a pattern in any part, and what it fits is what DuckDB says
        yield from files_fitting(folder, pattern)
    else:
        # a macro reads a pattern in the last part only; further up a name is a name
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
    files, gaps = _files_and_gaps(source)
    for path in files:
        name = path.relative_to(_root_of(path, source))
        digest.update(f"{name}\0{mark_of(path)}\n".encode())
    # what names no file in this folder may have named some in another, whose store is not this one's
    for gap in gaps:
        digest.update(gap.encode())
    return digest.hexdigest()


def _root_of(path: Path, source: Source) -> Path:
    """Return the folder below which a file is named: its source's, that of the data, else its own."""
    for root in (source.folder, source.data):
        if path.is_relative_to(root):
            return root
    return path.parent
