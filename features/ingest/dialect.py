"""The dialect of a CSV file, from what is stated, what its first bytes prove, and what its header decides."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from features.errors import SourceError

UTF8 = "utf-8"
DELIMITERS = {",": "a comma", "\t": "a tab", ";": "a semicolon"}
"""What may part the fields of a file of which nothing is stated, and its name."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks and the encodings that they prove; one that begins like another comes first."""
NO_DELIMITER = ('"', "\r", "\n", "\ufeff", "\0")
LINE_END = "\r\n"
IN_TOML = '[csv] {key} = "{value}" in source.toml'


@dataclass(frozen=True, slots=True)
class StatedDialect:
    """The stated delimiter and encoding of a file; None if not stated.

    `how` is the line that would state a {key} and its {value}.
    """

    delimiter: str | None = None
    encoding: str | None = None
    how: str = IN_TOML

    def line(self, key: str, value: str) -> str:
        """Return the line that would state a delimiter or an encoding."""
        return self.how.format(key=key, value=value.replace("\t", "\\t"))


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose encoding is known; `stated` is what is said of it."""

    path: Path
    encoding: str
    stated: StatedDialect


MARKED = ("utf-16", "utf-32")
"""Encodings whose order of bytes only a byte order mark tells."""


class CsvRecord(NamedTuple):
    """A record of a CSV file: its fields, its text, the number of its first line, and whether its quote marks are correct."""

    fields: list[str]
    text: str
    line: int
    sound: bool


def checked_delimiter(delimiter: str) -> str:
    """Return a delimiter; ValueError if the text cannot be one."""
    if len(delimiter) != 1 or delimiter in NO_DELIMITER:
        raise ValueError("should be one character such as ';', no quote mark and no line break")
    return delimiter


def checked_encoding(encoding: str) -> str:
    """Return the name of an encoding; ValueError if Python has no text encoding of that name."""
    try:
        "".encode(encoding)
    except (LookupError, UnicodeError, ValueError):
        raise ValueError("should be an encoding of text such as gb18030 or big5") from None
    return encoding


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Yield a file's bytes, decompressed; SourceError if the compressed file is damaged."""
    packed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            yield cast(BinaryIO, file)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SourceError(f"{path.name} cannot be read as gzip; write it again") from None


def opened_as(path: Path, stated: StatedDialect) -> Opened:
    """Return a file with the encoding that its mark proves, else the one stated, else UTF-8.

    SourceError if the mark and the stated encoding differ.
    """
    with unpacked(path) as file:
        first = file.read(4)
    proved = next((encoding for mark, encoding in MARKS if first.startswith(mark)), None)
    if stated.encoding is None:
        return Opened(path, proved or UTF8, stated)
    encoding = codecs.lookup(stated.encoding).name
    if proved and not encoding.startswith(proved.removesuffix("-sig")):
        mark = proved.removesuffix("-sig").upper()
        raise SourceError(
            f"{path.name} begins with the byte order mark of {mark} and is stated to "
            f"be {stated.encoding}; state {mark} or export the file again"
        )
    if first and proved is None and encoding in MARKED:
        raise SourceError(
            f"{path.name} is stated to be {stated.encoding} and begins with no byte order mark, which alone says "
            f"the order of its bytes; state {encoding}-le or {encoding}-be, or export it with a mark"
        )
    return Opened(path, proved or encoding, stated)


def undecoded(opened: Opened, line: int) -> SourceError:
    """Return the error for a line that cannot be decoded in its file's encoding."""
    name, stated = opened.path.name, opened.stated
    if stated.encoding or opened.encoding != UTF8:
        return SourceError(
            f"{name}: line {line} cannot be decoded as {opened.encoding.upper()}; "
            "state its encoding, or export it again"
        )
    return SourceError(
        f"{name}: line {line} is not UTF-8, and the file has no byte order mark; "
        f"state its encoding, such as {stated.line('encoding', 'gb18030')}"
    )


def file_lines(opened: Opened) -> Iterator[str]:
    """Yield the lines of a file with their ends, split at each LF, CR and CRLF, without its byte order mark."""
    number = 0
    with unpacked(opened.path) as raw:
        text = io.TextIOWrapper(raw, opened.encoding, newline="")
        try:
            for line in text:
                number += 1
                yield line
        except UnicodeDecodeError as error:
            before = error.object[: error.start].count(b"\n")
            raise undecoded(opened, number + 1 + before) from None
        finally:
            text.detach()


def records_of(opened: Opened, delimiter: str) -> Iterator[CsvRecord]:
    """Yield the records of a file, the header first, as Python's csv reads them; blank lines are skipped."""
    csv.field_size_limit((1 << 31) - 1)
    number = 1
    lines = file_lines(opened)
    is_sound = sound_record_pattern(delimiter).fullmatch
    for line in lines:
        if '"' not in line:  # most lines; csv.reader would part them no other way
            if text := line.rstrip(LINE_END):
                yield CsvRecord(text.split(delimiter), text, number, sound=True)
            number += 1
        elif is_sound(line):
            fields = next(csv.reader((line,), delimiter=delimiter))
            yield CsvRecord(fields, line, number, sound=True)
            number += 1
        else:  # a record of several lines: those that the reader takes are its text
            record_lines: list[str] = []
            watched = _watched(chain([line], lines), record_lines)
            fields = next(csv.reader(watched, delimiter=delimiter))
            text = "".join(record_lines)
            yield CsvRecord(fields, text, number, sound=is_sound(text) is not None)
            number += len(record_lines)


@lru_cache(32)
def sound_record_pattern(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a record whose quote marks open a field, close it, are doubled, or stand within a bare one."""
    return _record_of(f'(?!")[^{re.escape(delimiter)}\\r\\n]*+', delimiter)


@lru_cache(32)
def regular(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a record that holds no quote mark within a bare field."""
    return _record_of(f'[^"{re.escape(delimiter)}\\r\\n]*+', delimiter)


@lru_cache(32)
def unspaced(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a record that holds no quote mark after the blanks with which a bare field begins."""
    blanks = " \t".replace(delimiter, "")
    return _record_of(f'(?![{blanks}]*")[^{re.escape(delimiter)}\\r\\n]*+', delimiter)


def _record_of(bare: str, delimiter: str) -> re.Pattern[str]:
    sign = re.escape(delimiter)
    # No group is possessive, as a class of characters is: before Python 3.11.5 such a group may match what it should not
    # (gh-106052), and an open quote mark was then taken for a closed one.
    field = f'(?:"[^"]*+(?:""[^"]*+)*"(?={sign}|[\\r\\n]|$)|{bare})'
    return re.compile(f"{field}(?:{sign}{field})*(?:\\r\\n|\\r|\\n)?")


def _watched(lines: Iterator[str], passed: list[str]) -> Iterator[str]:
    """Yield lines, and put each into a list as it is passed on."""
    for line in lines:
        passed.append(line)
        yield line


def header_of(opened: Opened, delimiter: str) -> CsvRecord:
    """Return the record of column names; SourceError if it is missing or broken."""
    record = next(records_of(opened, delimiter), None)
    name = opened.path.name
    if record is None:
        raise SourceError(f"{name} has no line of column names; write it again with a header")
    if "\0" in record.text:
        line = opened.stated.line("encoding", "utf-16-le")
        raise SourceError(
            f"{name}: its header holds zero bytes, as UTF-16 without its byte order "
            f"mark does; state its encoding, such as {line}"
        )
    return record


def delimiter_of(opened: Opened, wanted: frozenset[str]) -> str:
    """Return a file's delimiter: the stated one, else the one that yields most columns.

    If `wanted` columns are given, only they count; else all. SourceError on a tie.
    """
    if opened.stated.delimiter is not None:
        return opened.stated.delimiter
    headers = {sign: header_of(opened, sign).fields for sign in DELIMITERS}
    counts = {sign: len(wanted.intersection(names)) for sign, names in headers.items()}
    of_contract = any(counts.values())
    if not of_contract:
        counts = {sign: len(names) for sign, names in headers.items()}
    best = [sign for sign in DELIMITERS if counts[sign] == max(counts.values())]
    if len(best) == 1 or _is_one_text(opened, headers, wanted):
        return best[0]
    names = " or by ".join(DELIMITERS[sign] for sign in best)
    what = "columns of the contract" if of_contract else "columns"
    many = f"{max(counts.values())} {what}"
    raise SourceError(
        f"{opened.path.name}: its header has {many} when split by {names}; "
        f"state the delimiter, such as {opened.stated.line('delimiter', best[-1])}"
    )


def _is_one_text(opened: Opened, headers: dict[str, list[str]], wanted: frozenset[str]) -> bool:
    """Tell whether a file of one column reads alike whatever would part it."""
    if any(len(names) > 1 for names in headers.values()):
        return False
    if wanted:
        return True
    return all(_has_one_column(opened, sign) for sign in DELIMITERS)


def _has_one_column(opened: Opened, delimiter: str) -> bool:
    return all(len(record.fields) == 1 for record in records_of(opened, delimiter))
