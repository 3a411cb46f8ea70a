"""Names in a dump: what a file or a column is called, with whatever an export put around its name."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from features.errors import SourceError
from features.ingest.dump.units import BLANKS

DELIMITERS = ",\t;|\x01\x1f^~"
LONGEST_DELIMITER = 4
"""Bytes of a delimiter: DuckDB takes at most four."""
TOLD = "lssi told"
"""The column of a copy of text that says why a line is no row, empty where it is one."""
SCALED = re.compile(r"[万千亿]|单位[:：]|[(（\[]\s*[分角]\s*[)）\]]|美元|港元")
"""Words in the name of a column which say that its amounts are no yuan."""
_WORDS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*")
_BETWEEN = re.compile(r"(?<=[\w\"])[^\w\"]+(?=[\w\"])")


def own_name(given: str, wanted: Iterable[str]) -> str | None:
    """Return the wanted name that a given name contains as a word, whatever surrounds it; else None.

    >>> own_name("AAB001（单位编号）", ("AAB001", "AAE036")), own_name("sicp3.ac01", ("AC01",)), own_name("AB01_2014", ("AB01",))
    ('AAB001', 'AC01', None)
    """
    # Of sicp3.ac01 the last part is the name: a schema stands before it.
    words = {word.rstrip("._").rsplit(".", 1)[-1].upper() for word in _WORDS.findall(given)}
    meant = [name for name in wanted if name.upper() in words]
    if len(meant) != 1:
        return None
    return meant[0]


def named_so(given: Collection[str], wanted: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return, by wanted name, the given ones that mean it: those that are it but for case and blanks, else those that hold it.

    >>> named_so(["aab001", "旧AAB001", "AAE036(经办)"], ("AAB001", "AAE036"))
    {'AAB001': ('aab001',), 'AAE036': ('AAE036(经办)',)}
    """
    wanted = tuple(wanted)
    wanted_by_capitals = {name.upper(): name for name in wanted}
    names: dict[str, tuple[str, ...]] = {}
    for name in given:
        capitals = name.strip(BLANKS).upper()
        if meant := wanted_by_capitals.get(capitals):
            names[meant] = (*names.get(meant, ()), name)
    exact = set(names)
    for name in given:
        meant = own_name(name, wanted)
        if meant and meant not in exact:
            names[meant] = (*names.get(meant, ()), name)
    return names


def first_line(part: Path) -> str:
    """Return the first line of a file of UTF-8, with the lines that a quoted name of it goes on in."""
    # A header is shorter than a mebibyte; the decoder forgives a letter that is cut there.
    with gzip.open(part) if part.suffix.lower() == ".gz" else part.open("rb") as file:
        block = file.read(1 << 20)
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    text = decoder.decode(block)
    header = ""
    for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", text):
        header += line
        if header.count('"') % 2 == 0:
            break
    if not header.strip():
        raise SourceError(f"{part.name} has no line of column names; write it again with a header")
    return header.rstrip("\r\n")


def header_names(part: Path) -> list[str]:
    """Return the names in the first line of a file of text, as they stand there."""
    header = first_line(part)
    delimiter = header_delimiter(header)
    if len(delimiter.encode()) > LONGEST_DELIMITER:
        raise SourceError(
            f"{part.name}: its delimiter is {delimiter!r}; export it with a comma or a tab"
        )
    if len(delimiter) > 1:
        return [name.strip(f'{BLANKS}"') for name in header.split(delimiter)]
    lines = header.splitlines(True)
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    names = next(rows, [])
    return [name.strip(BLANKS) for name in names]


def header_delimiter(header: str) -> str:
    """Return the delimiter of a header: the one between all its names, else the most frequent one.

    >>> header_delimiter("AAB001|AAE036"), header_delimiter('"AAB001"|@|"AAB019"|@|"AAE036"')
    ('|', '|@|')
    >>> header_delimiter("AAB001(编号),AAE036(经办)")
    ','
    """
    between: set[str] = {signs.strip(" ") for signs in _BETWEEN.findall(header)}
    if len(between) == 1 and "" not in between:
        return between.pop()
    return max(DELIMITERS, key=header.count)


def copied_delimiter(delimiter: str) -> str:
    """Return what parts the fields in a copy of text with some delimiter: the same if it is one byte, else a comma."""
    return delimiter if len(delimiter.encode()) == 1 else ","


def unique(names: Iterable[str]) -> Iterator[str]:
    """Yield the names of a header so that none is empty and none is there twice."""
    seen: set[str] = set()
    for number, name in enumerate(names):
        column = name or f"column {number}"
        if column.upper() in seen:
            column = f"{column} {number}"
        seen.add(column.upper())
        yield column
