"""The macros of a source's views: `csv('…')` and `parquet('…')` become scans that state what they read.

A view is parsed into tokens, so that no comment, text or longer name is taken for a macro.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from features.connection import Token, tokens
from features.errors import SourceError
from features.ingest.csv_file import CsvFile, csv_file
from features.ingest.dialect import StatedDialect, checked_delimiter, checked_encoding
from features.ingest.scan import UNION, alike_parquet_sql, files_named

OPTIONS = {"csv": ("delimiter", "encoding", "union_by_name"), "parquet": ("union_by_name",)}
"""What may be said to each macro after its path."""
BARE = ("read_csv", "read_csv_auto")
FORMS = {"csv": (".csv", ".csv.gz"), "parquet": (".parquet",)}
IN_VIEW = "csv('…', {key} := '{value}')"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of files in a query: its name, the paths and options given, and where it begins and ends."""

    name: str
    paths: tuple[str, ...]
    options: Mapping[str, str]
    begin: int
    end: int

    @property
    def stated(self) -> StatedDialect:
        """What the call states of its files; SourceError where it cannot be."""
        delimiter = self.options.get("delimiter")
        encoding = self.options.get("encoding")
        try:
            delimiter = delimiter and checked_delimiter(delimiter.replace("\\t", "\t"))
            encoding = encoding and checked_encoding(encoding)
        except ValueError as error:
            raise SourceError(f"csv('…'): delimiter or encoding {error}") from None
        return StatedDialect(delimiter, encoding, IN_VIEW)


@dataclass(frozen=True, slots=True)
class Expanded:
    """A query whose macros are replaced by scans, and the CSV files it reads that hold broken records."""

    query: str
    broken: tuple[CsvFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the files of a source may lie, and where copies of those that are not plain are made."""

    places: Sequence[Path]
    copies: Path

    def files(self, call: Call) -> list[Path]:
        """Return the files that a call names; SourceError where there are none, or they lie elsewhere."""
        files: list[Path] = []
        for text in call.paths:
            path = Path(os.path.abspath(text))  # noqa: PTH100 - names stay as they are written, links too
            try:
                files_of_path = files_named(str(path), FORMS[call.name])
            except SourceError:
                # Outside the source, not even whether a file is there may be told.
                self.check(path)
                raise
            for file in files_of_path:
                self.check(file)
            files += files_of_path
        _check_once(files)
        return files

    def check(self, path: Path) -> None:
        """Raise SourceError where a path, links followed, lies outside the places of its source."""
        allowed = [place.resolve() for place in self.places]
        real = path.resolve()
        if not any(real == place or place in real.parents for place in allowed):
            raise SourceError(
                f"reads outside the data of its source: {path}; name it as ${{DATA}}/… or, "
                "beside source.toml, as ${SOURCE}/…"
            )


def _check_once(files: Sequence[Path]) -> None:
    """Refuse a file that is named twice, links followed: its rows would count twice."""
    seen: dict[Path, Path] = {}
    for file in files:
        first = seen.setdefault(file.resolve(), file)
        if first is not file:
            also = "" if first == file else f", also as {first.name}"
            raise SourceError(
                f"names {file.name} twice in one macro{also}, and its rows would count twice; name each file once"
            )


def expanded(query: str, ground: Ground) -> Expanded:
    """Return a query in which `csv('…')` and `parquet('…')` are scans; SourceError where a file cannot be read so."""
    parts: list[str] = []
    end = 0
    broken: dict[Path, CsvFile] = {}
    for call in calls(query, tuple(OPTIONS)):
        scan, files = scan_of(call, ground)
        parts += [query[end : call.begin], scan]
        end = call.end
        broken |= {file.path: file for file in files if file.bad}
    parts.append(query[end:])
    return Expanded("".join(parts), tuple(broken.values()))


def scan_of(call: Call, ground: Ground) -> tuple[str, list[CsvFile]]:
    """Return the relation that a macro stands for, and the CSV files in it; SourceError where one cannot be read so."""
    _check_options(call)
    if call.name == "parquet":
        return alike_parquet_sql(ground.files(call), *_union(call)), []
    files = csv_files(call, ground)
    return f"({_csv_sql(files, call)})", files


def csv_files(call: Call, ground: Ground) -> list[CsvFile]:
    """Return the CSV files that a call names, ready to be read."""
    return [csv_file(path, ground.copies, call.stated) for path in ground.files(call)]


def _check_options(call: Call) -> None:
    for name in call.options:
        if name not in OPTIONS[call.name]:
            raise SourceError(
                f"{call.name}('…') has no option {name!r}; it has {', '.join(OPTIONS[call.name])}"
            )


def _union(call: Call) -> list[str]:
    if call.options.get("union_by_name") == "true":
        return [UNION]
    return []


def _csv_sql(files: list[CsvFile], call: Call) -> str:
    """Return the SELECT over the rows of some files; SourceError where their columns differ and no one said they may."""
    if not _union(call):
        _check_alike(files)
    return " UNION ALL BY NAME ".join(file.rows_sql() for file in files)


def _check_alike(files: list[CsvFile]) -> None:
    first = files[0]
    columns = {name.upper() for name in first.names}
    for file in files:
        differing = columns ^ {name.upper() for name in file.names}
        if differing:
            raise SourceError(
                f"{file.path.name} and {first.path.name} differ in column {min(differing)}; write "
                "csv('…', union_by_name := true) to read a missing column as empty"
            )


@lru_cache(256)
def calls(query: str, names: tuple[str, ...]) -> tuple[Call, ...]:
    """Return the calls of some functions, by name, whose first argument is a path in quotes or a list of such."""
    return tuple(_calls(tokens(query), names))


def _calls(parted: list[Token], names: tuple[str, ...]) -> Iterator[Call]:
    for place in range(len(parted) - 2):
        name, opening, first = parted[place : place + 3]
        if name.text.lower() not in names or opening.text != "(":
            continue
        # A name after a point is that of something else, such as a column.
        if place and parted[place - 1].text == ".":
            continue
        if first.text == "[" or first.text.startswith("'"):
            yield _call(name, *_arguments(parted, place + 2))


def _arguments(parted: list[Token], place: int) -> tuple[list[list[Token]], Token]:
    """Return the tokens of each argument of a call, whose first begins at a place, and the bracket that closes it."""
    depth = 0
    arguments: list[list[Token]] = [[]]
    for token in parted[place:]:
        if token.text in ("(", "[", "{"):
            depth += 1
        if token.text == ")" and depth == 0:
            return [argument for argument in arguments if argument], token
        if token.text in (")", "]", "}"):
            depth -= 1
        if token.text == "," and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(token)
    raise SourceError("the view opens a bracket that it does not close; add the closing bracket")


def _call(name: Token, arguments: list[list[Token]], closing: Token) -> Call:
    function = name.text.lower()
    paths: list[str] = []
    options: dict[str, str] = {}
    for token in arguments[0]:
        if token.text.startswith("'"):
            paths.append(_unquoted(token.text))
        elif token.text not in ("[", "]", ","):
            raise SourceError(
                f"{function}(…) should be given a path in quotes or a list of such; it was given {token.text[:40]}"
            )
    for key, *after_key in arguments[1:]:
        options[key.text.lower()] = _option_value(after_key)
    return Call(function, tuple(paths), options, name.begin, closing.end)


def _option_value(after_key: list[Token]) -> str:
    """Return the value of an option from its sign and what follows; several tokens stay as they are written."""
    if len(after_key) != 2 or after_key[0].text not in (":=", "=", "=>"):
        return "".join(token.text for token in after_key[1:])
    text = after_key[1].text
    if text.startswith("'"):
        return _unquoted(text)
    return text.lower()


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")
