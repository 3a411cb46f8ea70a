"""Scans of files: the one place that names DuckDB's and Polars' readers, so that every read says what it reads.

Both engines guess what is not stated: a folder `month=201506` on the path becomes a column, and `[` or `?` in a path is
a pattern. A scan here takes files by name, never by pattern, and takes no value from a path.
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

_SPARK_PATTERN = re.compile(r"([\\\[\]{}*?^])")
"""The characters by which Spark reads a path as a pattern; a backslash before one takes that meaning away."""


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

    Folders that are links are not entered.
    """
    fitting = [path for path in folder.rglob("*") if fnmatchcase(path.name, pattern)]
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
