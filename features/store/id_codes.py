"""Dictionaries: each name space of identifiers as codes 0..n-1 in the order of their texts, later ones appended."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.connection import Connection, named, quoted
from features.contract.tables import Column
from features.ingest.scan import parquet_sql
from features.ingest.staging import Staged
from features.store.memory_map import Mapped
from features.store.string_files import text_column

MANY = 1 << 13
"""Identifiers from which on the memory that their texts took on the way is given back."""


def spaces_of(staged: Iterable[Staged]) -> dict[str, list[tuple[str, str]]]:
    """Return for each name space the rows and columns in which its identifiers stand."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table in staged:
        for column in table.columns:
            if column.kind == "id":
                found.setdefault(column.space, []).append((table.rows, named(column.name)))
    return found


def write_dictionaries(connection: Connection, staged: Iterable[Staged], folder: Path) -> None:
    """Write `<space>.parquet` (code int32, text) for every name space, codes in text order."""
    folder.mkdir(parents=True, exist_ok=True)
    for space, places in spaces_of(staged).items():
        texts = " UNION ".join(
            f"SELECT DISTINCT {column} AS text FROM {rows} WHERE {column} IS NOT NULL"
            for rows, column in places
        )
        connection.execute(
            f"COPY (SELECT CAST(row_number() OVER (ORDER BY text) - 1 AS INTEGER) AS code, text FROM ({texts}) "
            "ORDER BY code) "
            f"TO {quoted(folder / f'{space}.parquet')} (FORMAT parquet, COMPRESSION zstd)"
        )


def coded_sql(staged: Staged, folder: Path) -> str:
    """Return the SELECT that reads a staged table with every identifier replaced by its code."""
    picked, joined = [_picked(column) for column in staged.columns], []
    for column in staged.columns:
        if column.kind == "id":
            space = parquet_sql(folder / f"{column.space}.parquet")
            joined.append(
                f"LEFT JOIN {space} AS {named('in ' + column.name)} "
                f"ON {named('in ' + column.name)}.text = staged.{named(column.name)}"
            )
    return (
        f"SELECT {', '.join(picked)}, staged.row_id, staged.recorded_on, staged.retracted "
        f"FROM {staged.rows} AS staged {' '.join(joined)}"
    )


def _picked(column: Column) -> str:
    name = named(column.name)
    return (
        f"{named('in ' + column.name)}.code AS {name}" if column.kind == "id" else f"staged.{name}"
    )


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The identifiers of one name space: position = code; each stretch, which ends below a bound, is in text order."""

    texts: pa.LargeStringArray | pa.ChunkedArray
    bounds: tuple[int, ...] = ()
    files: tuple[Mapped, ...] = ()

    @classmethod
    def read(cls, *paths: Path) -> Dictionary:
        """Return a dictionary from its files in the order of their codes; many texts stay on disk."""
        parts = [text_column(path) for path in paths if path.exists()]
        if not parts:
            return cls(pa.array([], pa.large_string()))
        texts, files = (
            [part for part, _ in parts],
            tuple(file for _, held in parts for file in held),
        )
        return cls(
            texts[0] if len(texts) == 1 else pa.chunked_array(texts),
            tuple(accumulate(map(len, texts))),
            files,
        )

    @property
    def size(self) -> int:
        """How many identifiers there are."""
        return len(self.texts)

    def code(self, text: str) -> int | None:
        """Return the code of an identifier, None if it is unknown."""
        first = 0
        for end in self.bounds or (len(self.texts),):
            place = bisect_left(
                range(len(self.texts)), text, first, end, key=lambda i: self.texts[i].as_py()
            )
            if place < end and self.texts[place].as_py() == text:
                return place
            first = end
        return None

    def text(self, code: int) -> str:
        """Return the identifier of a code, empty for one that is not there."""
        return str(self.texts[code].as_py()) if code < len(self.texts) else ""

    def texts_of(self, codes: NDArray[np.int64]) -> NDArray[np.str_]:
        """Return the identifiers of codes (n,), empty for one that is not there."""
        if len(codes) == 1:
            return np.array([self.text(int(codes[0]))])
        first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])
        own = codes[first]
        texts = np.asarray(
            self.texts.take(pa.array(own, mask=own >= self.size)).fill_null("").to_pylist(), np.str_
        )
        found = (
            texts if len(own) == len(codes) else np.repeat(texts, np.diff(first, append=len(codes)))
        )
        if len(codes) > MANY:
            for file in self.files:
                file.give_back()
        return found

    def codes(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the codes (n,) of identifiers, -1 for an unknown one."""
        found = pc.index_in(pa.array(texts, pa.large_string()), value_set=self.texts)
        return np.asarray(found.fill_null(-1).to_numpy(), np.int64)
