"""A table of a dump as its files hold it: its name, its parts, and their columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import SourceError
from features.ingest.dump.encoding import utf8_file
from features.ingest.dump.names import header_names, unique
from features.ingest.scan import files_below

PARQUET = ".parquet"
TEXTS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".dat", ".dat.gz")
UNREAD = (
    ".xlsx",
    ".xls",
    ".dbf",
    ".dmp",
    ".mdb",
    ".zip",
    ".rar",
    ".7z",
    ".tar",
    ".tgz",
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
    ".orc",
    ".avro",
    ".json",
    ".jsonl",
    ".del",
    ".unl",
)
"""Forms in which a table may come that nothing here reads."""
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""What Hive and Spark write in a folder's name for a value that is not there."""


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A file of a table: where it lies, what is read in its place, and the values that folders like AAE003=201501 give it.

    Only folders below the table's own give values. A value is None where Hive or Spark wrote that there is none.
    `records` is the copy of its records, if it is text that is not plain.
    """

    path: Path
    read: Path
    keys: tuple[tuple[str, str | None], ...]
    records: Path | None = None

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True)
class TableFiles:
    """A table of a dump: the file or folder that it is, and its parts, Parquet or text in UTF-8."""

    place: Path
    parts: tuple[DumpFile, ...]

    @property
    def is_text(self) -> bool:
        return is_text(self.parts[0].path)


def table_name(place: Path) -> str | None:
    """Return the lower-case name of the table that a file or folder holds; None if it holds none.

    >>> table_name(Path("AB01.CSV.GZ"))
    'ab01'
    """
    lower = place.name.lower()
    if is_hidden(place):
        return None
    if place.is_dir():
        has_part = any(file_form(path) for path in _files(place))
        return lower if has_part else None
    form = file_form(place)
    if not form:
        return None
    return lower.removesuffix(form.lower())


def table_files(place: Path, copies: Path) -> TableFiles:
    """Return the table that a file or folder is, its text in UTF-8; SourceError where Parquet and text lie together."""
    paths = [place]
    if place.is_dir():
        paths = [path for path in _files(place) if file_form(path)]
    if len({is_text(path) for path in paths}) > 1:
        raise SourceError(f"{place.name} holds Parquet and CSV files; keep the one or the other")
    # An empty file has no header to read: it counts only where nothing else is there.
    filled = [path for path in paths if path.stat().st_size]
    parts = [_dump_file(place, path, copies) for path in filled or paths]
    return TableFiles(place, tuple(parts))


def _dump_file(place: Path, path: Path, copies: Path) -> DumpFile:
    return DumpFile(
        path=path,
        read=utf8_file(path, copies) if is_text(path) else path,
        keys=_keys(place, path),
    )


def _files(folder: Path) -> list[Path]:
    """Return the files below a folder that are not hidden and lie in no hidden folder."""
    visible: list[Path] = []
    for path in files_below(folder):
        folders_between = path.relative_to(folder).parents[:-1]
        if not any(map(is_hidden, folders_between)) and not is_hidden(path):
            visible.append(path)
    return visible


def is_hidden(path: Path) -> bool:
    """Tell whether a name is left alone: engines leave marks such as `_SUCCESS`, and systems files that begin with a dot."""
    return path.name.startswith((".", "_"))


def file_form(path: Path) -> str:
    """Return the ending of a file that is read, as it is written in its name; empty if it is in no form that is."""
    for form in (PARQUET, *TEXTS):
        if path.name.lower().endswith(form):
            return path.name[-len(form) :]
    return ""


def is_text(path: Path) -> bool:
    """Tell whether a file is one of parted text, and no Parquet."""
    return file_form(path).lower() in TEXTS


def _keys(place: Path, path: Path) -> tuple[tuple[str, str | None], ...]:
    """Return what the folders between a table's own and a file of it say; SourceError where two say the same key."""
    if not place.is_dir():
        return ()
    folders = [folder.name for folder in path.relative_to(place).parents[:-1]]
    pairs = [name.split("=", 1) for name in folders if "=" in name]
    keys = {key.upper() for key, _ in pairs}
    if len(keys) < len(pairs):
        raise SourceError(
            f"{path.relative_to(place.parent)} lies in two nested folders with the same key; keep one of them"
        )
    return tuple((unquote(key), _folder_value(value)) for key, value in pairs)


def _folder_value(text: str) -> str | None:
    return None if text == NO_VALUE else unquote(text)


def part_columns(part: DumpFile) -> tuple[str, ...]:
    """Return the names of a part's own columns, as it has them."""
    if is_text(part.path):
        return tuple(header_names(part.read))
    return tuple(_schema(part).names)


def dump_columns(held: TableFiles) -> tuple[str, ...]:
    """Return the names of a table's columns as its files have them, folders like AAE003=201501 included."""
    columns: list[str] = []
    keys: list[str] = []
    for part in held.parts:
        columns += unique(part_columns(part))
        keys += [key for key, _ in part.keys]
    # A dictionary keeps each name once, in the order of its first place.
    names = dict.fromkeys([*columns, *keys])
    return tuple(names)


def _schema(part: DumpFile) -> pa.Schema:
    try:
        return pq.read_schema(part.path)
    except (pa.ArrowException, OSError):
        raise SourceError(f"{part.name} cannot be read as Parquet; write it again") from None


def instants_of(held: TableFiles) -> frozenset[str]:
    """Return the columns of Parquet in the old form INT96 that Hive or Spark wrote: moments of UTC, not of the local clock."""
    instants: set[str] = set()
    if held.is_text:
        return frozenset(instants)
    for part in held.parts:
        file = pq.read_metadata(part.path)
        if _is_of_hive_or_spark(file):
            columns = [file.schema.column(number) for number in range(file.num_columns)]
            instants |= {column.name for column in columns if column.physical_type == "INT96"}
    return frozenset(instants)


def _is_of_hive_or_spark(file: pq.FileMetaData) -> bool:
    writer = file.created_by or ""
    properties = file.metadata or {}
    return writer.startswith("parquet-mr") or b"org.apache.spark.version" in properties


def folder_columns(part: DumpFile) -> dict[str, str | None]:
    """Return the values that folders give a part, by column in capitals, for the columns that the part itself has not."""
    if not part.keys:
        return {}
    columns = {name.upper() for name in part_columns(part)}
    values = {key.upper(): value for key, value in part.keys}
    return {key: value for key, value in values.items() if key not in columns}
