"""Scans of files: the one place that names DuckDB's and Polars' readers, so that every read says what it reads.

Both engines guess what is not stated: a folder `month=201506` on the path becomes a column, `[` or `?` in a path is a
pattern, and of several Parquet files the first decides the columns and types of all. A scan here takes files by name, never by
pattern, takes no value from a path, and converts no value that a user's file holds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from features.connection import opened, quoted, without_patterns
from features.errors import SourceError

UNION = "union_by_name=true"
"""The option of DuckDB's reader by which columns are those of all files, each of a type that holds the values of all."""

_SPARK_PATTERN = re.compile(r"([\\\[\]{}*?^])")
"""The characters by which Spark reads a path as a pattern; a backslash before one takes that meaning away."""
_INTEGER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_WITHOUT_VALUES = '"NULL"'
"""DuckDB's type of a Parquet column in which every value is missing and which was written without a type."""


def files_in(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the files of one folder whose name fits a pattern, sorted by name; none where there is no folder.

    Only the name is a pattern: the folder may be called `[1]` or `s?`.
    """
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        # no path is made of the others: a folder of a journal may hold a file for each act
        fitting = [entry for entry in entries if fnmatchcase(entry.name, pattern)]
        names = sorted(entry.name for entry in fitting if entry.is_file())
    return [folder / name for name in names]


def files_below(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the files of a folder and of all folders in it whose name fits a pattern, sorted by path.

    Folders that are links are not entered. One that another run removes meanwhile, as an unfinished one, holds nothing.
    """
    fitting = [
        Path(place, name)
        for place, _, names in os.walk(folder)
        for name in names
        if fnmatchcase(name, pattern)
    ]
    return sorted(path for path in fitting if path.is_file())


def files_named(text: str, forms: Sequence[str]) -> list[Path]:
    """Return the files that a text names: one, those of a folder in one of some forms, or those that fit a pattern.

    A pattern stands only in the last part, and a file of that very name goes before it. Hidden files are left out.
    SourceError where there is none.
    """
    path = Path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        visible = files_in(path, "[!.]*")
        files = [file for file in visible if file.name.lower().endswith(tuple(forms))]
        lacking = f"holds no file of the form {' or '.join(forms)}"
    else:
        fitting = files_in(path.parent, path.name)
        files = [file for file in fitting if not file.name.startswith(".")]
        lacking = "names no file"
    if not files:
        raise SourceError(f"{text} {lacking}; a pattern may stand in the last part of a path only")
    return files


def files_fitting(folder: Path, pattern: str) -> list[Path]:
    """Return the files below a folder that a pattern fits, in any of its parts, as a bare read of DuckDB takes them, sorted."""
    named = f"{without_patterns(str(folder))}/{pattern}"
    with opened() as connection:
        rows = connection.execute("SELECT file FROM glob(?) ORDER BY file", [named]).fetchall()
    return [Path(file) for (file,) in rows]


def file_sql(path: Path) -> str:
    """Return the SQL string that names one file for DuckDB's readers, in which no character is a pattern.

    Raise SourceError where DuckDB has no way to write it.

    >>> file_sql(Path("a=1/[x]?.parquet"))
    "'a=1/[[]x][?].parquet'"
    """
    text = str(path)
    plain = without_patterns(text)
    if plain == text:
        return quoted(text)
    if "\\" in text:
        raise SourceError(
            f"{text} holds a backslash and one of * ? [, and DuckDB cannot read both; "
            "rename one of its folders"
        )
    return quoted(plain)


def files_sql(files: Path | Iterable[Path]) -> str:
    """Return the SQL list that names files for DuckDB's readers; ValueError where there is no file."""
    named = _several(files)
    if not named:
        raise ValueError("a scan needs at least one file and was given none")
    return f"[{', '.join(map(file_sql, named))}]"


def parquet_sql(files: Path | Iterable[Path], *options: str) -> str:
    """Return the SQL relation over Parquet files taken by name; ValueError where there is no file.

    `options` are further arguments of DuckDB's reader, such as `union_by_name=true`.

    >>> parquet_sql(Path("a=1/x.parquet"))
    "read_parquet(['a=1/x.parquet'], hive_partitioning=false)"
    """
    settings = ", ".join(["hive_partitioning=false", *options])
    return f"read_parquet({files_sql(files)}, {settings})"


def alike_parquet_sql(files: Sequence[Path], *options: str) -> str:
    """Return the SQL relation over Parquet files of a user, in which each value is what its own file holds.

    SourceError where files differ in their columns and UNION is no option, or in a type so that values would be converted.
    """
    # One file is as it is, and so are many of one schema: only where schemas differ does DuckDB compare them all again.
    samples = _samples(files) if len(files) > 1 else []
    if len(samples) < 2:
        return parquet_sql(files, *options)
    types = _column_types(samples)
    if UNION not in options:
        _check_columns(types)
    _check_types(types)
    return parquet_sql(files, *dict.fromkeys([*options, UNION]))


def _samples(files: Sequence[Path]) -> list[Path]:
    """Return the first file of each schema that Parquet files have; only their footers are read."""
    samples: list[tuple[pq.ParquetSchema, Path]] = []
    for file in files:
        try:
            schema = pq.read_metadata(file).schema
        except (pa.ArrowException, OSError) as error:
            why = str(error).splitlines()[0]
            raise SourceError(
                f"{file.name} is no whole Parquet file: {why}; write it again"
            ) from None
        if not any(schema.equals(other) for other, _ in samples):
            samples.append((schema, file))
    return [file for _, file in samples]


def _column_types(files: Sequence[Path]) -> dict[Path, dict[str, str]]:
    """Return the columns of each file with their types, as DuckDB reads them."""
    types: dict[Path, dict[str, str]] = {}
    with opened() as connection:
        for file in files:
            rows = connection.sql(f"FROM {parquet_sql(file)}")
            types[file] = dict(zip(rows.columns, map(str, rows.types), strict=True))
    return types


def _check_columns(types: dict[Path, dict[str, str]]) -> None:
    first = next(iter(types))
    for file in types:
        for one, other in ((first, file), (file, first)):
            lacking = [name for name in types[other] if name not in types[one]]
            if lacking:
                one_name, other_name = _names(one, other)
                raise SourceError(
                    f"{one_name} lacks column {', '.join(lacking)}, which {other_name} has; write the same columns into "
                    "both, or read them in a view as parquet('…', union_by_name := true), where a missing column is empty"
                )


def _check_types(types: dict[Path, dict[str, str]]) -> None:
    """Refuse files of which one has to convert a column to the type that it has in another."""
    stated: dict[str, tuple[Path, str]] = {}
    for file, columns in types.items():
        for name, kind in columns.items():
            # DuckDB takes names that differ in case alone for one column.
            other, other_kind = stated.setdefault(name.casefold(), (file, kind))
            if other_kind == _WITHOUT_VALUES:
                stated[name.casefold()] = (file, kind)
            elif kind != _WITHOUT_VALUES and _exact_in(kind) != _exact_in(other_kind):
                file_name, other_name = _names(file, other)
                raise SourceError(
                    f"column {name} is {kind} in {file_name} and {other_kind} in {other_name}, and to convert one may change "
                    "its values; write it with one type in all files, or read each file in a view and CAST there"
                )


def _exact_in(kind: str) -> str:
    """Return the name of the types to which a type belongs that hold the values of each other exactly.

    >>> _exact_in("UINTEGER") == _exact_in("BIGINT"), _exact_in("DECIMAL(9,2)") == _exact_in("DECIMAL(18,2)")
    (True, True)
    """
    if _INTEGER.fullmatch(kind):
        return "integers"
    if kind.startswith("DECIMAL("):
        _, scale = kind.split(",")
        return f"decimals of scale {scale}"
    return kind


def _names(one: Path, other: Path) -> tuple[str, str]:
    """Return two files by their names, with their folders where the names are the same."""
    if one.name == other.name:
        return str(one), str(other)
    return one.name, other.name


def csv_sql(path: Path, columns: Iterable[str], *options: str) -> str:
    """Return the SQL relation over one CSV file whose columns, all text, and dialect are stated; nothing is sniffed.

    `options` are further arguments of DuckDB's reader; they should state delimiter, quote and escape.

    >>> csv_sql(Path("a.csv"), ["n"], "delim=','")
    "read_csv('a.csv', auto_detect=false, header=true, hive_partitioning=false, columns={'n': 'VARCHAR'}, delim=',')"
    """
    typed = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in columns)
    fixed = "auto_detect=false, header=true, hive_partitioning=false"
    return f"read_csv({file_sql(path)}, {fixed}, columns={{{typed}}}, {', '.join(options)})"


def spark_names(files: Path | Iterable[Path]) -> list[str]:
    """Return files taken by name as Spark has to be given them, which reads every path as a pattern.

    Give them with `recursiveFileLookup`, else Spark would make columns of folders such as `month=201506`.

    >>> spark_names(Path("h[1]/a.parquet"))
    ['h\\\\[1\\\\]/a.parquet']
    """
    return [_SPARK_PATTERN.sub(r"\\\1", str(file)) for file in _several(files)]


def read_parquet(files: Path | Iterable[Path]) -> pl.DataFrame:
    """Return the rows of Parquet files taken by name, as one frame."""
    return pl.read_parquet(_several(files), hive_partitioning=False, glob=False)


def scan_parquet(files: Path | Iterable[Path]) -> pl.LazyFrame:
    """Return the rows of Parquet files taken by name, not yet read."""
    return pl.scan_parquet(_several(files), hive_partitioning=False, glob=False)


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return one Parquet file, or some of its columns, as an Arrow table."""
    names = None if columns is None else list(columns)
    return pq.read_table(path, columns=names, partitioning=None)


def read_csv(path: Path) -> pl.DataFrame:
    """Return the rows of one CSV file as Polars takes them: for files written by us, whose types may be told by their look."""
    return pl.read_csv(path, glob=False)


def _several(files: Path | Iterable[Path]) -> list[Path]:
    return [files] if isinstance(files, Path) else list(files)
