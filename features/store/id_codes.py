"""Dictionaries: each name space of identifiers as codes 0..n-1 in the order of their texts, later ones appended."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.connection import Connection, named, quoted
from features.ingest.scan import parquet_sql
from features.ingest.staged import Staged
from features.store.layout import Layout, rows_sql
from features.store.memory_map import Mapped
from features.store.string_files import text_column

MANY = 1 << 13
"""When more identifiers than these are read at once, the mapped memory of the dictionary is given back afterwards."""


def spaces_of(staged: Iterable[Staged]) -> dict[str, list[tuple[str, str]]]:
    """Return for each name space the rows and columns in which its identifiers stand."""
    places: dict[str, list[tuple[str, str]]] = {}
    for table in staged:
        for column in table.columns:
            if column.kind == "id":
                of_space = places.setdefault(column.space, [])
                of_space.append((table.rows, named(column.name)))
    return places


def identifiers_sql(places: Iterable[tuple[str, str]]) -> str:
    """Return the SELECT of the distinct texts that stand in some rows and columns."""
    selects: list[str] = []
    for rows, column in places:
        texts = f"SELECT DISTINCT {column} AS text FROM {rows}"
        selects.append(f"{texts} WHERE {column} IS NOT NULL")
    return " UNION ".join(selects)


def write_codes(
    connection: Connection, staged: Iterable[Staged], layout: Layout, folder: Path
) -> dict[str, Path]:
    """Write the codes (code int32, text) of identifiers new to a store to `folder/tails`, in text order in each name space.

    Returns by name space the file with the codes of all identifiers of these rows, which may lie in `folder/codes`.
    """
    files: dict[str, Path] = {}
    for space, places in spaces_of(staged).items():
        texts = identifiers_sql(places)
        stored = layout.dictionaries(space)
        tail = folder / "tails" / f"{space}.parquet"
        if stored:
            files[space] = folder / "codes" / tail.name
            _write_new_codes(connection, texts, stored, tail, files[space])
        else:
            files[space] = tail
            _write_dictionary(connection, f"{numbered_sql(texts, 0)} ORDER BY code", tail)
    return files


def numbered_sql(texts: str, first: int) -> str:
    """Return the SELECT of texts, each with its code: its place among the sorted texts, counted from the first code."""
    code = f"CAST({first} + row_number() OVER (ORDER BY text) - 1 AS INTEGER) AS code"
    return f"SELECT {code}, text FROM ({texts})"


def _write_new_codes(
    connection: Connection, texts: str, stored: list[Path], tail: Path, all_codes: Path
) -> None:
    """Write the codes of those texts that are in no stored file to `tail`, if there are any, and those of all texts beside."""
    rows = rows_sql(stored)
    # New identifiers are numbered on from the last code, so that no stored row changes.
    size = sum(pq.read_metadata(path).num_rows for path in stored)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {texts}")
    new_texts = f"SELECT text FROM asked ANTI JOIN {rows} USING (text)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE tail AS {numbered_sql(new_texts, size)}")
    seen = f"SELECT code, text FROM {rows} SEMI JOIN asked USING (text)"
    _write_dictionary(connection, f"SELECT code, text FROM tail UNION ALL {seen}", all_codes)
    if connection.sql("SELECT 1 FROM tail LIMIT 1").fetchall():
        _write_dictionary(connection, "FROM tail ORDER BY code", tail)


def _write_dictionary(connection: Connection, query: str, path: Path) -> None:
    place = quoted(path)
    connection.execute(f"COPY ({query}) TO {place} (FORMAT parquet, COMPRESSION zstd)")


def coded_sql(staged: Staged, codes: Mapping[str, Path]) -> str:
    """Return the SELECT that reads a staged table with every identifier replaced by its code; `codes` are files by space."""
    columns: list[str] = []
    dictionaries: list[str] = []
    for column in staged.columns:
        name = named(column.name)
        if column.kind != "id":
            columns.append(f"staged.{name}")
            continue
        dictionary = named(f"in {column.name}")
        columns.append(f"{dictionary}.code AS {name}")
        rows = parquet_sql(codes[column.space])
        agree = f"{dictionary}.text = staged.{name}"
        dictionaries.append(f"LEFT JOIN {rows} AS {dictionary} ON {agree}")
    columns += ["staged.row_id", "staged.recorded_on", "staged.retracted"]
    picked = ", ".join(columns)
    joined = " ".join(dictionaries)
    return f"SELECT {picked} FROM {staged.rows} AS staged {joined}"


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The identifiers of one name space: position = code; each run, which ends below a bound, is in text order."""

    texts: pa.LargeStringArray | pa.ChunkedArray
    bounds: tuple[int, ...] = ()
    files: tuple[Mapped, ...] = ()

    @classmethod
    def read(cls, *paths: Path) -> Dictionary:
        """Return a dictionary from its files in the order of their codes; many texts stay on disk."""
        parts = [text_column(path) for path in paths if path.exists()]
        if not parts:
            return cls(pa.array([], pa.large_string()))
        texts: list[pa.LargeStringArray] = []
        files: list[Mapped] = []
        for column, mapped in parts:
            texts.append(column)
            files += mapped
        bounds = tuple(accumulate(map(len, texts)))
        joined = texts[0] if len(texts) == 1 else pa.chunked_array(texts)
        return cls(joined, bounds, tuple(files))

    @property
    def size(self) -> int:
        """How many identifiers there are."""
        return len(self.texts)

    def code(self, text: str) -> int | None:
        """Return the code of an identifier, None if it is unknown."""
        places = range(self.size)
        begin = 0
        # Only within a run are the texts sorted, so each is searched for itself.
        for end in self.bounds or (self.size,):
            place = bisect_left(places, text, begin, end, key=self._text_at)
            if place < end and self._text_at(place) == text:
                return place
            begin = end
        return None

    def _text_at(self, place: int) -> str:
        text: str = self.texts[place].as_py()
        return text

    def text(self, code: int) -> str:
        """Return the identifier of a code, empty for one that is not there."""
        if code >= self.size:
            return ""
        return str(self._text_at(code))

    def texts_of(self, codes: NDArray[np.int64]) -> NDArray[np.str_]:
        """Return the identifiers of codes (n,), empty for one that is not there."""
        if len(codes) == 1:
            return np.array([self.text(int(codes[0]))])
        # Codes often come in runs of one value: each run's text is read once and then repeated.
        changes = np.append(True, codes[1:] != codes[:-1])
        run_starts = np.flatnonzero(changes[: len(codes)])
        run_codes = codes[run_starts]
        wanted = pa.array(run_codes, mask=run_codes >= self.size)
        read = self.texts.take(wanted).fill_null("")
        texts = np.asarray(read.to_pylist(), np.str_)
        if len(run_codes) < len(codes):
            run_lengths = np.diff(run_starts, append=len(codes))
            texts = np.repeat(texts, run_lengths)
        if len(codes) > MANY:
            for file in self.files:
                file.give_back()
        return texts

    def codes(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the codes (n,) of identifiers, -1 for an unknown one."""
        wanted = pa.array(texts, pa.large_string())
        codes = pc.index_in(wanted, value_set=self.texts).fill_null(-1)
        return np.asarray(codes.to_numpy(), np.int64)
