"""The records of a dump's text: a plain file is read where it lies, any other from a copy that marks its broken records.

The rules are those of contract tables in CSV, with three more. A broken record is the line that it begins on, so that the rows
after an open quote mark are read; empty fields beyond the header do not count; a delimiter may have several bytes.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from features.files import built
from features.ingest.csv_file import fault_of
from features.ingest.dialect import (
    LINE_END,
    CsvRecord,
    Opened,
    StatedDialect,
    file_lines,
    regular,
    sound_record_pattern,
    unspaced,
)
from features.ingest.dump.encoding import text_blocks
from features.ingest.dump.files import DumpFile, TableFiles, is_text, part_columns
from features.ingest.dump.names import TOLD, copied_delimiter, first_line, header_delimiter
from features.ingest.walk import FLAGS, LONGEST, begun, is_plain, kinds_of, walk_block, walk_end

LONGEST_RECORD = 1 << 15
"""Bytes of a record of text; a choice: in a record beyond it a quote mark has not been closed."""
SIGN, SIGN_BYTE = "\ufdd0", b"\xff"
"""What stands for a delimiter of several bytes: a code point that is no character, and a byte that no text in UTF-8 holds."""
FORM = "1"
"""The form of the copies: another number, and every copy is made anew."""
UNCLOSED = "a quote mark of the line is not closed"
AFTER_QUOTE = "text stands after a closing quote mark"
BLANKS_BEFORE = "blanks stand before an opening quote mark"
TOO_LONG = f"the record is longer than {LONGEST_RECORD // 1024} KB"


@dataclass(frozen=True, slots=True)
class TextForm:
    """How the fields of a file of text are parted, how many its header has, and how many of these have names."""

    delimiter: str
    columns: int
    named: int

    @property
    def sign(self) -> str:
        """The one character that parts the fields where records are read one by one."""
        return self.delimiter if self.is_one_byte else SIGN

    @property
    def is_one_byte(self) -> bool:
        return len(self.delimiter.encode()) == 1


def with_records(table: TableFiles, copies: Path) -> TableFiles:
    """Return a table of a dump whose text is ready to be read: parts that are not plain have copies under `copies`."""
    parts = [_with_records(part, copies) if is_text(part.path) else part for part in table.parts]
    return replace(table, parts=tuple(parts))


def _with_records(part: DumpFile, copies: Path) -> DumpFile:
    form = text_form(part)
    status = part.path.stat()
    version = (FORM, part.path.absolute(), status.st_size, status.st_mtime_ns, form)
    text = "\0".join(map(str, version))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    folder = copies / digest[:16]
    # The folder stays empty where the file is plain, so that a file is looked through once.
    if not folder.exists():
        with built(folder) as unfinished:
            if not is_plain_text(part.read, form):
                _copy(part, form, unfinished / f"{part.path.name}.records.csv")
    copy = next(folder.iterdir(), None)
    return replace(part, records=copy)


def text_form(part: DumpFile) -> TextForm:
    """Return the form of a file of text, as its header shows it."""
    names = part_columns(part)
    last_named = max((number for number, name in enumerate(names, 1) if name), default=0)
    return TextForm(header_delimiter(first_line(part.read)), len(names), last_named)


def is_plain_text(file: Path, form: TextForm) -> bool:
    """Tell whether every record of a file has as many fields as its header, in one form that every reader reads alike."""
    walk_state = begun()
    kinds = kinds_of(form.delimiter if form.is_one_byte else SIGN_BYTE.decode("latin-1"))
    for block in text_blocks(file):
        lines = block.lines
        if block.first == 1:
            lines = lines.removeprefix(codecs.BOM_UTF8)
        if not form.is_one_byte:
            lines = lines.replace(form.delimiter.encode(), SIGN_BYTE)
        walk_block(lines, walk_state, kinds, form.columns)
    walk_end(walk_state, form.columns)
    return is_plain(int(walk_state[FLAGS]), form.columns) and walk_state[LONGEST] <= LONGEST_RECORD


def _copy(part: DumpFile, form: TextForm, place: Path) -> None:
    """Write the records of a part, each with why it is broken; a regular one as it stands."""
    sign = copied_delimiter(form.delimiter)
    stays_as_it_is = regular(sign).fullmatch
    nothing = [""] * form.columns
    with place.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=sign, quoting=csv.QUOTE_ALL, lineterminator="\n")
        out.writerow([TOLD, *nothing])
        for record, fault in marked_records(part.read, form):
            is_whole = not fault and form.is_one_byte and len(record.fields) == form.columns
            if is_whole and ('"' not in record.text or stays_as_it_is(record.text)):
                file.write(f"{sign}{record.text.rstrip(LINE_END)}\n")
            else:
                # The text of a record that is too long would be too long for the copy's reader too.
                fields = record.fields if len(record.text) <= LONGEST_RECORD else []
                out.writerow([fault, *[*fields, *nothing][: form.columns]])


def marked_records(file: Path, form: TextForm) -> Iterator[tuple[CsvRecord, str]]:
    """Yield the records of a file after its header, each with why it is broken; an empty text if it is not."""
    csv.field_size_limit((1 << 31) - 1)
    opened = Opened(file, "utf-8-sig", StatedDialect())
    lines = _Lines(file_lines(opened), form)
    # A name in quotes may go on in further lines, which are passed over as the names are read.
    next(csv.reader(lines, delimiter=form.sign, skipinitialspace=True), None)
    for record, fault in _records(lines, form):
        if form.is_one_byte:
            yield record, fault
        else:
            fields = [field.replace(SIGN, form.delimiter) for field in record.fields]
            yield record._replace(fields=fields), fault


class _Lines:
    """The lines of a file, which may be given back to be read again; the number of those that were read."""

    def __init__(self, lines: Iterator[str], form: TextForm) -> None:
        self._lines = lines
        self._form = form
        self._returned: deque[str] = deque()
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._next_of_file()
        self.number += 1
        return line

    def _next_of_file(self) -> str:
        line = next(self._lines)
        return line if self._form.is_one_byte else line.replace(self._form.delimiter, SIGN)

    def give_back(self, lines: list[str]) -> None:
        """Let lines be read again, before those that follow them."""
        self._returned.extendleft(reversed(lines))
        self.number -= len(lines)


def _records(lines: _Lines, form: TextForm) -> Iterator[tuple[CsvRecord, str]]:
    """Yield the records of some lines, each with why it is broken.

    Of a broken record of several lines only the first is taken: the others may be sound records after an open quote mark.
    """
    is_sound = sound_record_pattern(form.sign).fullmatch
    for line in lines:
        number = lines.number
        if '"' not in line:  # most lines; csv.reader would part them no other way
            if text := line.rstrip(LINE_END):
                record = CsvRecord(text.split(form.sign), text, number, sound=True)
                yield record, _fault(record, form)
            continue
        record_lines = [line]
        if not is_sound(line):
            record_lines = _lines_of_record(line, lines, form.sign)
        text = "".join(record_lines)
        fields = next(csv.reader(record_lines, delimiter=form.sign))
        record = CsvRecord(fields, text, number, sound=is_sound(text) is not None)
        fault = _fault(record, form)
        if fault and len(record_lines) > 1:
            lines.give_back(record_lines[1:])
            first_fields = next(csv.reader([line], delimiter=form.sign))
            record = CsvRecord(first_fields, line, number, sound=False)
        yield record, fault


def _lines_of_record(first: str, lines: _Lines, sign: str) -> list[str]:
    """Return the lines of a record, as Python's csv takes them; none after those that are too long for one record."""
    record_lines: list[str] = []

    def passed() -> Iterator[str]:
        size = 0
        for line in chain([first], lines):
            record_lines.append(line)
            size += len(line)
            yield line
            if size > LONGEST_RECORD:
                return

    next(csv.reader(passed(), delimiter=sign))
    return record_lines


def _fault(record: CsvRecord, form: TextForm) -> str:
    """Return why a record is no row; columns without a name may be missing, and fields beyond the header empty."""
    text = record.text
    if not record.sound:
        return _quote_fault(text, form.sign)
    if len(text) > LONGEST_RECORD // 4 and len(text.encode()) > LONGEST_RECORD:
        return TOO_LONG
    if '"' in text and not unspaced(form.sign).fullmatch(text):
        return BLANKS_BEFORE
    if len(record.fields) < form.named or any(record.fields[form.columns :]):
        return fault_of(record, form.sign, form.columns)
    return ""


def _quote_fault(text: str, sign: str) -> str:
    """Return what is wrong with the quote marks of a record, as its first line tells."""
    first, _, _ = text.replace("\r", "\n").partition("\n")
    is_open = sound_record_pattern(sign).fullmatch(first + '"')
    return UNCLOSED if is_open else AFTER_QUOTE
