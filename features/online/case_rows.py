"""The rows of cases: of each table under each key, every column read once for all the cases of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.aggregates.row_ranges import Rows
from features.arrays import NULL, Column
from features.cases import Cases
from features.catalogue.joins import sides_of

NEAR = 4
"""Codes up to which keys are read with what lies between them; a choice: a read costs about as much as their rows."""
ROWS_AT_ONCE = 1_000_000
"""Rows that are looked at together: about 100 MB of columns; one case with more is looked at alone."""
NUMBERS = ("row_id", "right_row_id")
"""The columns of row numbers, by the side of a join that they are of."""


@dataclass(frozen=True, slots=True)
class Picked:
    """Rows picked for some units in turn: `index` (m,) is each row's place in its table, `owner` (m,) its unit."""

    index: Column
    owner: Column

    def where(self, keep: NDArray[np.bool_]) -> Picked:
        """Return some of the rows."""
        return Picked(self.index[keep], self.owner[keep])


class TableRows:
    """One table's rows under the keys of cases: case i has the rows begin[i] to below end[i]."""

    def __init__(self, key: Column, read: Callable[[int, int, str], NDArray[Any]], by: str) -> None:
        """Take the key of each case, NULL for none, and what reads one column of a range of keys."""
        self._read, self._by = read, by
        self._columns: dict[str, NDArray[Any]] = {}
        is_null = key == NULL
        self._spans = list(near_spans(np.unique(key[~is_null])))
        stored_keys = self.column(by)
        self.begin = np.searchsorted(stored_keys, key)
        self.end = np.searchsorted(stored_keys, key, side="right")
        # rows without a key belong to nobody
        self.end[is_null] = self.begin[is_null]

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of all the rows, (m,)."""
        if name not in self._columns:
            parts = [self._read(low, high, name) for low, high in self._spans]
            # where no case has a key nothing is read, so the type of the column is said here
            empty = np.empty(0, object if name in NUMBERS else np.int64)
            self._columns[name] = np.concatenate(parts) if parts else empty
        return self._columns[name]

    def of_cases(self, places: Column) -> Picked:
        """Return the rows of some cases, in turn; each is owned by its case's place among them."""
        begin = self.begin[places]
        sizes = self.end[places] - begin
        owner = np.repeat(np.arange(len(places)), sizes)
        rows_before = np.cumsum(sizes) - sizes
        # a row's place among those picked, less the rows of earlier cases, counts from its case's begin
        shift = begin - rows_before
        index = np.arange(len(owner)) + shift[owner]
        return Picked(index, owner)

    def in_parts(self, places: Column) -> Iterator[Column]:
        """Yield in turn which of some cases to look at together: as many as have about ROWS_AT_ONCE rows."""
        sizes = self.end[places] - self.begin[places]
        part = np.cumsum(sizes) // ROWS_AT_ONCE
        edges = _changes(part)
        yield from np.split(np.arange(len(places)), edges)


class CaseRows:
    """The rows of some cases in all tables; each row number of a table is told by a code, the same wherever it stands."""

    def __init__(self, cases: Cases, rows: Rows) -> None:
        """Take cases and the place where their rows come from."""
        self._cases, self._rows = cases, rows
        self._tables: dict[tuple[str, str], TableRows] = {}
        self._texts: dict[str, pa.Array] = {}
        self._numbers: dict[tuple[str, str, str], Column] = {}

    def table(self, table: str, by: str) -> TableRows:
        """Return the rows of a table by a key."""
        if (table, by) not in self._tables:

            def read(low: int, high: int, name: str) -> NDArray[Any]:
                return self._rows(table, by, low, high, (name,))[name]

            self._tables[table, by] = TableRows(self._cases.keys[by], read, by)
        return self._tables[table, by]

    def numbers(self, table: str, by: str, name: str) -> Column:
        """Return the codes (m,) of a table's row numbers: those of its left side, or `right_row_id` of its right."""
        if (table, by, name) not in self._numbers:
            base = sides_of(table)[NUMBERS.index(name)]
            texts = pa.array(self.table(table, by).column(name), pa.string())
            self._numbers[table, by, name] = self._coded(base, texts)
        return self._numbers[table, by, name]

    def _coded(self, base: str, texts: pa.Array) -> Column:
        """Return a code for each text: that which the same text of the table has already, or a new one."""
        encoded = texts.dictionary_encode()
        before = self._texts.get(base, pa.array([], pa.string()))
        old_codes = pc.index_in(encoded.dictionary, before)
        is_new = np.asarray(old_codes.is_null())
        new_codes = len(before) + np.cumsum(is_new) - 1
        codes = np.where(is_new, new_codes, np.asarray(old_codes.fill_null(0)))
        added = encoded.dictionary.filter(pa.array(is_new))
        self._texts[base] = pa.concat_arrays([before, added])
        place_of_text = np.asarray(encoded.indices)
        return np.asarray(codes[place_of_text], np.int64)

    def texts(self, base: str, codes: Column) -> list[str]:
        """Return the row numbers of a table that codes stand for."""
        texts: list[str] = self._texts[base].take(pa.array(codes)).to_pylist()
        return texts


def near_spans(keys: Column) -> Iterator[tuple[int, int]]:
    """Yield ranges of codes that hold sorted keys, and little else: low to below high.

    >>> list(near_spans(np.array([1, 2, 5, 90])))
    [(1, 6), (90, 91)]
    """
    if not len(keys):
        return
    is_far = np.diff(keys) > NEAR
    edges = np.flatnonzero(is_far) + 1
    for first, beyond in pairwise([0, *edges.tolist(), len(keys)]):
        lowest = int(keys[first])
        highest = int(keys[beyond - 1])
        yield lowest, highest + 1


def _changes(values: Column) -> Column:
    """Return the places, after the first, at which a value is not the one before it."""
    return np.flatnonzero(np.diff(values)) + 1


@dataclass(frozen=True, slots=True)
class StandingRows:
    """Of rows told by a code, each whose signs sum above zero: its code, ascending, and the place of its last row."""

    code: Column
    place: Column


def standing_rows(code: Column, sign: Column) -> StandingRows:
    """Return which codes stand among signed rows.

    >>> standing_rows(np.array([7, 3, 7, 3]), np.array([1, 1, -1, 1])).code.tolist()
    [3]
    """
    order = np.argsort(code, kind="stable")
    in_order = code[order]
    changes = _changes(in_order)
    # without rows there is no run: no begin at 0, and no end
    first = np.zeros(min(1, len(code)), np.int64)
    begins = np.concatenate([first, changes])
    ends = np.append(changes, len(code))[: len(begins)]
    # the signs of a run sum to the difference of the running sums at its two ends
    totals = np.concatenate([[0], np.cumsum(sign[order])])
    stands = totals[ends] > totals[begins]
    last_of_run = ends[stands] - 1
    return StandingRows(in_order[begins[stands]], order[last_of_run])
