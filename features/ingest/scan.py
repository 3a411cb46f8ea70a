"""Scans of files: the one place that names DuckDB's and Polars' readers, so that every read says what it reads.

Both engines guess where they are not told: a folder `month=201506` on the path becomes a column, `[` or `?` in a
path is a pattern. A scan here takes files by name, never a pattern, and takes no value from a place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl

from features.duck import quoted


def files_in(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the files of one folder whose name fits a pattern, sorted by name; none where there is no folder.

    Only the name is a pattern: the folder may be called `[1]` or `s?`.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and fnmatchcase(path.name, pattern))


def parquet_sql(files: Path | Iterable[Path], *options: str) -> str:
    """Return the SQL relation over Parquet files taken by name; ValueError where there is no file.

    `options` are further arguments of DuckDB's reader, such as `union_by_name=true`.

    >>> parquet_sql(Path("a=1/[x].parquet"))
    "read_parquet(['a=1/[x].parquet'], hive_partitioning=false)"
    """
    named = [files] if isinstance(files, Path) else list(files)
    if not named:
        raise ValueError("a scan needs at least one Parquet file and was given none")
    listed = ", ".join(quoted(path) for path in named)
    return f"read_parquet([{listed}], {', '.join(['hive_partitioning=false', *options])})"


def read_parquet(files: Path | Sequence[Path]) -> pl.DataFrame:
    """Return the rows of Parquet files taken by name, as one frame."""
    named = [files] if isinstance(files, Path) else list(files)
    return pl.read_parquet(named, hive_partitioning=False, glob=False)
