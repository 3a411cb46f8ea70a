"""A CSV file as SQL: a plain file is read in place, any other from a copy that marks its broken records.

The rules are those of RFC 4180: quote `"`, doubled within quotes; no comments; texts unchanged; an empty field is no value.
A record that breaks them becomes one row with its reason, whatever DuckDB would make of it.
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
"""Bytes that are looked through at one time; a choice: a file of any size is read with this little memory."""
LEAST_LINE = 1 << 21
"""Bytes of a record that DuckDB should be ready for at least; a choice, raised where a longer record was seen."""
LEAST_BUFFER = 1 << 25
"""Bytes that DuckDB reads at one time at least; a choice, raised with the longest record, of which a buffer must hold two."""
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file ready to be read: its column names, the file or copy to read, and its delimiter.

    `records` counts them without the header, `longest` is in bytes; `bad` counts the broken ones.
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
        """Return the SELECT of the records, as texts by column name; a broken record has only its reason, as `told_as`."""
        names = map(named, distinct_names(self.names))
        columns = [f"c{number} AS {name}" for number, name in enumerate(names)]
        scan = self._scan_sql()
        if told_as is not None:
            reason = TOLD if self.is_copy else "CAST(NULL AS VARCHAR)"
            columns.append(f"{reason} AS {named(told_as)}")
            return f"SELECT {', '.join(columns)} FROM {scan}"
        sound = f" WHERE {TOLD} IS NULL" if self.bad else ""
        return f"SELECT {', '.join(columns)} FROM {scan}{sound}"

    def bad_sql(self) -> str:
        """Return the SELECT of (place, told) of the broken records: where each stands, and why it is broken."""
        return f"SELECT place, {TOLD} FROM {self._scan_sql()} WHERE {TOLD} IS NOT NULL"

    def _scan_sql(self) -> str:
        columns = [f"c{number}" for number in range(len(self.names))]
        if self.is_copy:
            columns = [TOLD, "place", *columns]
        parallel = "true" if self.parallel else "false"
        # Room to spare: twice the longest record for a line, and two such lines for a buffer.
        line = max(LEAST_LINE, 2 * self.longest)
        buffer = max(LEAST_BUFFER, 2 * line)
        return csv_sql(
            self.read,
            columns,
            f"delim={quoted(self.parted_by)}",
            "quote='\"', escape='\"', comment='', nullstr='', strict_mode=true",
            f"parallel={parallel}",
            f"max_line_size={line}, buffer_size={buffer}",
        )


def csv_file(
    path: Path, copies: Path, stated: StatedDialect, wanted: frozenset[str] = frozenset()
) -> CsvFile:
    """Return a CSV file ready to be read; if it is not plain, a copy is made under `copies`.

    `wanted` are the columns that may decide its delimiter. SourceError, by name and line, where it cannot be read.
    """
    status = path.stat()
    # Size and time are part of the key, so that a file which was written again is looked at again.
    mark = (status.st_size, status.st_mtime_ns)
    file = _csv_file(path, copies, stated, wanted, mark)
    if not file.read.exists():
        # Someone removed the copy that the cache remembers.
        _csv_file.cache_clear()
        file = _csv_file(path, copies, stated, wanted, mark)
    return file


def check_plain(path: Path) -> None:
    """Refuse a file that is part of the source, such as a list of codes, if it is not plain."""
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
    is_utf8 = opened.encoding in (UTF8, "utf-8-sig")
    if is_utf8 and delimiter.isascii() and header.line == 1:
        flags, records, longest = _looked_through(opened, delimiter, len(names))
        if is_plain(flags, len(names)):
            return CsvFile(
                path=path,
                read=path,
                names=names,
                parted_by=delimiter,
                records=records,
                longest=longest,
                # Threads begin at line ends, which within quotes would be taken for those of records.
                parallel=not flags & (BREAKS | STRAY),
            )
    folder = copies / _key(path, delimiter, opened.encoding)
    return _copied(opened, delimiter, names, folder / f"{_key(*mark)}.csv")


def _key(*values: object) -> str:
    """Return 16 hex digits for some values, a name for a file."""
    text = "\0".join(map(str, values))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _looked_through(opened: Opened, delimiter: str, columns: int) -> tuple[int, int, int]:
    """Return what is met in a file of UTF-8 (flags), its records without the header, and the bytes of its longest."""
    decoder = codecs.getincrementaldecoder(UTF8)()
    walk_state = begun()
    lines = 1
    kinds = kinds_of(delimiter)
    with unpacked(opened.path) as file:
        if opened.encoding != UTF8:
            file.read(len(codecs.BOM_UTF8))
        while block := file.read(CHUNK):
            # A block of ASCII after a whole letter cannot be wrong: most blocks need no decoding.
            if not block.isascii() or _is_within_letter(decoder):
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as error:
                    before = error.object[: error.start].count(b"\n")
                    raise undecoded(opened, lines + before) from None
            walk_block(block, walk_state, kinds, columns)
            lines += block.count(b"\n")
    if _is_within_letter(decoder):
        raise undecoded(opened, lines)
    walk_end(walk_state, columns)
    flags, records = int(walk_state[FLAGS]), int(walk_state[RECORDS])
    longest = int(walk_state[LONGEST])
    return flags, records - 1, longest


def _is_within_letter(decoder: codecs.IncrementalDecoder) -> bool:
    """Tell whether the bytes so far end within a letter."""
    pending, _ = decoder.getstate()
    return bool(pending)


def _copied(opened: Opened, delimiter: str, names: tuple[str, ...], place: Path) -> CsvFile:
    """Return a file read from a copy in UTF-8, made now; a regular record stands there as it is."""
    sign = delimiter if delimiter.isascii() else ","
    size = len(names)
    is_regular = regular(delimiter).fullmatch
    place.parent.mkdir(parents=True, exist_ok=True)
    records, bad, longest = 0, 0, 0
    try:
        with (
            replaced(place, OWNER) as unfinished,
            unfinished.open("w", encoding=UTF8, newline="") as file,
        ):
            out = csv.writer(file, delimiter=sign, quoting=csv.QUOTE_ALL, lineterminator="\n")
            out.writerow([TOLD, "place", *(f"c{number}" for number in range(size))])
            for record in _after_header(opened, delimiter):
                fault = fault_of(record, delimiter, size)
                stays = not fault and sign == delimiter
                if stays and ('"' not in record.text or is_regular(record.text)):
                    file.write(f"{sign}{sign}{record.text.rstrip(LINE_END)}\n")
                else:
                    fields = _fitted(record.fields, size)
                    out.writerow([fault, f"line {record.line}", *fields])
                records += 1
                bad += bool(fault)
                # An upper bound: a letter has at most 4 bytes, a doubled quote mark is two, a field gets quotes.
                longest = max(longest, 8 * len(record.text) + 4 * size)
    except UnicodeEncodeError:
        raise SourceError(
            f"{opened.path.name} holds half characters (surrogates); export it again"
        ) from None
    for before in files_in(place.parent, "[!.]*"):
        if before != place:
            with write_points("the copy of what a file was is away"):
                remove(before)
    return CsvFile(
        path=opened.path,
        read=place,
        names=names,
        parted_by=sign,
        records=records,
        longest=longest,
        bad=bad,
    )


def _after_header(opened: Opened, delimiter: str) -> Iterator[CsvRecord]:
    records = records_of(opened, delimiter)
    next(records)
    return records


def _fitted(fields: list[str], size: int) -> list[str]:
    return fields[:size] + [""] * (size - len(fields))


def fault_of(record: CsvRecord, delimiter: str, size: int) -> str:
    """Return why a record of a file with `size` columns is broken; an empty text if it is not."""
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
    inside = _line_ends(record.fields[-1])
    first_line = record.line + _line_ends(record.text) - inside
    return (
        f"the quote mark opened on line {first_line} is never closed: "
        f"all lines to the end of the file are in it ({inside})"
    )


def _line_ends(text: str) -> int:
    return len(_LINE_END.findall(text))


def distinct_names(names: tuple[str, ...]) -> Iterator[str]:
    """Yield column names of which no two are equal in SQL: repeated and empty ones get their number.

    >>> list(distinct_names(("day", "note", "Note", "")))
    ['day', 'note 2', 'Note 3', 'column 4']
    """
    counts = Counter(name.upper() for name in names)
    used = set(counts)
    for number, name in enumerate(names, 1):
        column = name
        if not name.strip() or counts[name.upper()] > 1:
            column = f"{name} {number}" if name.strip() else f"column {number}"
            while column.upper() in used:
                column += f" {number}"
        used.add(column.upper())
        yield column
