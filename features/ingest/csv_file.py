"""A CSV file as SQL: read where it lies if it is plain, else from a copy in which every record says whether it is one.

The rules are those of RFC 4180: quote `"`, doubled within quotes, no comments, every text as it stands, an empty field no
value. A record that breaks them is one row with its reason, whatever DuckDB would make of it.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from features.connection import named, quoted
from features.errors import SourceError
from features.files import OWNER, private_folder, remove, replaced, write_points
from features.home import home
from features.ingest.dialect import (
    LINE_END,
    UTF8,
    CsvRecord,
    Opened,
    StatedDialect,
    delimiter_of,
    header_of,
    opened_as,
    records_of,
    regular,
    sound_record_pattern,
    undecoded,
    unpacked,
)
from features.ingest.scan import csv_sql, files_in
from features.ingest.walk import (
    BREAKS,
    FLAGS,
    LONGEST,
    RECORDS,
    STRAY,
    begun,
    is_plain,
    kinds_of,
    walk_block,
    walk_end,
)

TOLD = "told"
"""The column of a copy that says why a record is none, empty where it is one."""
CHUNK = 1 << 20
LEAST_LINE = 1 << 21
"""Bytes of a record that DuckDB should be ready for at least."""
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file ready to be read: its column names, what is read in its place, and what parts its own fields.

    `records` counts them without the header, `longest` is in bytes; `bad` counts those that are told to be none.
    """

    path: Path
    read: Path
    names: tuple[str, ...]
    parted_by: str
    records: int
    longest: int
    bad: int = 0
    parallel: bool = False

    @property
    def is_copy(self) -> bool:
        return self.read != self.path

    def rows_sql(self, told_as: str | None = None) -> str:
        """Return the SELECT of the records, texts under their names; those that are none only with why, as `told_as`."""
        given = [
            f"c{number} AS {named(name)}" for number, name in enumerate(distinct_names(self.names))
        ]
        told = TOLD if self.is_copy else "CAST(NULL AS VARCHAR)"
        if told_as is not None:
            return f"SELECT {', '.join([*given, f'{told} AS {named(told_as)}'])} FROM {self._scan_sql()}"
        sound = f" WHERE {TOLD} IS NULL" if self.bad else ""
        return f"SELECT {', '.join(given)} FROM {self._scan_sql()}{sound}"

    def bad_sql(self) -> str:
        """Return the SELECT of (place, told) of the records that are none: where each stands, and why it is none."""
        return f"SELECT place, {TOLD} FROM {self._scan_sql()} WHERE {TOLD} IS NOT NULL"

    def _scan_sql(self) -> str:
        own = [f"c{number}" for number in range(len(self.names))]
        names = [TOLD, "place", *own] if self.is_copy else own
        line = max(LEAST_LINE, 2 * self.longest)
        return csv_sql(
            self.read,
            names,
            f"delim={quoted(self.parted_by)}",
            "quote='\"', escape='\"', comment='', nullstr='', strict_mode=true",
            f"parallel={'true' if self.parallel else 'false'}",
            f"max_line_size={line}, buffer_size={max(1 << 25, 2 * line)}",
        )


def csv_file(
    path: Path, copies: Path, stated: StatedDialect, wanted: frozenset[str] = frozenset()
) -> CsvFile:
    """Return a CSV file ready to be read, a copy made under `copies` where it is not plain.

    `wanted` are the columns that may decide its delimiter. SourceError, by name and line, where it cannot be read.
    """
    status = path.stat()
    asked = (path, copies, stated, wanted, (status.st_size, status.st_mtime_ns))
    found = _csv_file(*asked)
    if not found.read.exists():
        _csv_file.cache_clear()
        found = _csv_file(*asked)
    return found


def check_plain(path: Path) -> None:
    """Refuse a file of a source's own, such as a list of codes, that could be read from a copy only."""
    with private_folder(home() / "csv") as copies:
        file = csv_file(path, copies, StatedDialect())
        if file.is_copy:
            raise SourceError(
                f"{path.name} should be plain: UTF-8, one kind of line end, and as many fields "
                "in every record as in its header; write it again"
            )


@lru_cache(256)
def _csv_file(
    path: Path, copies: Path, stated: StatedDialect, wanted: frozenset[str], mark: tuple[int, int]
) -> CsvFile:
    opened = opened_as(path, stated)
    delimiter = delimiter_of(opened, wanted)
    header = header_of(opened, delimiter)
    if fault := fault_of(header, delimiter, len(header.fields)):
        raise SourceError(f"{path.name}: in its header, {fault}; write it again with a header")
    names = tuple(header.fields)
    in_place = opened.encoding in (UTF8, "utf-8-sig") and delimiter.isascii() and header.line == 1
    if in_place:
        flags, records, longest = _looked_through(opened, delimiter, len(names))
        if is_plain(flags, len(names)):
            return CsvFile(
                path,
                path,
                names,
                delimiter,
                records,
                longest,
                parallel=not flags & (BREAKS | STRAY),
            )
    place = copies / _key(path, delimiter, opened.encoding) / f"{_key(*mark)}.csv"
    return _copied(opened, delimiter, names, place)


def _key(*said: object) -> str:
    text = "\0".join(map(str, said))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _looked_through(opened: Opened, delimiter: str, columns: int) -> tuple[int, int, int]:
    """Return what is met in a file of UTF-8 (flags), its records without the header, and the bytes of its longest."""
    decoder, held, lines = codecs.getincrementaldecoder(UTF8)(), begun(), 1
    kinds = kinds_of(delimiter)
    with unpacked(opened.path) as file:
        if opened.encoding != UTF8:
            file.read(len(codecs.BOM_UTF8))
        while block := file.read(CHUNK):
            try:
                _ = (block.isascii() and not decoder.getstate()[0]) or decoder.decode(block)
            except UnicodeDecodeError as error:
                raise undecoded(opened, lines + error.object[: error.start].count(b"\n")) from None
            walk_block(block, held, kinds, columns)
            lines += block.count(b"\n")
    if decoder.getstate()[0]:
        raise undecoded(opened, lines)
    walk_end(held, columns)
    return int(held[FLAGS]), int(held[RECORDS]) - 1, int(held[LONGEST])


def _copied(opened: Opened, delimiter: str, names: tuple[str, ...], place: Path) -> CsvFile:
    """Return a file read from a copy in UTF-8, made now; a regular record stands there as it is."""
    sign, is_regular = delimiter if delimiter.isascii() else ",", regular(delimiter).fullmatch
    place.parent.mkdir(parents=True, exist_ok=True)
    records, bad, longest = 0, 0, 0
    try:
        with (
            replaced(place, OWNER) as unfinished,
            unfinished.open("w", encoding=UTF8, newline="") as file,
        ):
            out = csv.writer(file, delimiter=sign, quoting=csv.QUOTE_ALL, lineterminator="\n")
            out.writerow([TOLD, "place", *(f"c{number}" for number in range(len(names)))])
            for record in _after_header(opened, delimiter):
                fault = fault_of(record, delimiter, len(names))
                if (
                    not fault
                    and sign == delimiter
                    and ('"' not in record.text or is_regular(record.text))
                ):
                    file.write(f"{sign}{sign}{record.text.rstrip(LINE_END)}\n")
                else:
                    out.writerow(
                        [fault, f"line {record.line}", *_fitted(record.fields, len(names))]
                    )
                records, bad = records + 1, bad + bool(fault)
                longest = max(longest, 8 * len(record.text) + 4 * len(names))
    except UnicodeEncodeError:
        raise SourceError(
            f"{opened.path.name} holds half letters (surrogates); export it again"
        ) from None
    for before in files_in(place.parent, "[!.]*"):
        if before != place:
            with write_points("the copy of what a file was is away"):
                remove(before)
    return CsvFile(opened.path, place, names, sign, records, longest, bad)


def _after_header(opened: Opened, delimiter: str) -> Iterator[CsvRecord]:
    records = records_of(opened, delimiter)
    next(records)
    return records


def _fitted(fields: list[str], size: int) -> list[str]:
    return fields[:size] + [""] * (size - len(fields))


def fault_of(record: CsvRecord, delimiter: str, size: int) -> str:
    """Return why a record of a file with `size` columns is none, empty where it is one."""
    if not record.sound:
        return _quote_fault(record, delimiter)
    if len(record.fields) < size:
        return f"the record has too few fields: {len(record.fields)} of {size}"
    if len(record.fields) > size:
        return f"the record has too many fields: {len(record.fields)} of {size}"
    return ""


def _quote_fault(record: CsvRecord, delimiter: str) -> str:
    ended = record.text.rstrip("\r\n") + '"'
    if not sound_record_pattern(delimiter).fullmatch(ended):
        return "text stands after a closing quote mark"
    inside = len(_LINE_END.findall(record.fields[-1]))
    opened = record.line + len(_LINE_END.findall(record.text)) - inside
    return (
        f"the quote mark opened on line {opened} is never closed: "
        f"all lines to the end of the file are in it ({inside})"
    )


def distinct_names(names: tuple[str, ...]) -> Iterator[str]:
    """Yield column names so that no two are alike for SQL: those that are there twice or empty with their number.

    >>> list(distinct_names(("day", "note", "Note", "")))
    ['day', 'note 2', 'Note 3', 'column 4']
    """
    counts = Counter(name.upper() for name in names)
    taken = set(counts)
    for number, name in enumerate(names, 1):
        own = name
        if not name.strip() or counts[name.upper()] > 1:
            own = f"{name} {number}" if name.strip() else f"column {number}"
            while own.upper() in taken:
                own += f" {number}"
        taken.add(own.upper())
        yield own
