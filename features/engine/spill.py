"""A shelf: columns of many cases put aside on disk in any order, and taken back stretch by stretch in the cases' own order."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregates.kernels import Places, survey
from features.arrays import Column, Values
from features.store.column_files import narrowest
from features.store.memory_map import Mapped


@dataclass(frozen=True, slots=True)
class SpilledColumns:
    """Columns of one type put aside together, row by row, `offset` bytes into a block; `gaps` says which have empty values."""

    names: tuple[Hashable, ...]
    gaps: tuple[bool, ...]
    dtype: np.dtype[Any]
    offset: int

    def between(self, file: Mapped, start: int, stop: int) -> NDArray[Any]:
        """Return rows start to below stop, (rows, columns), as they lie in the file."""
        width = len(self.names)
        offset = self.offset + start * width * self.dtype.itemsize
        return np.frombuffer(file.values, self.dtype, (stop - start) * width, offset).reshape(
            -1, width
        )


@dataclass(frozen=True, slots=True)
class SpilledBlock:
    """What was put aside at once: the places of its cases first, then its columns; `ends` cut it where stretches begin."""

    file: Mapped
    ends: Column
    sheets: tuple[SpilledColumns, ...]


class Shelf:
    """Columns of cases 0 .. n - 1, put aside in blocks of any cases; each column in the narrowest type that keeps its bits."""

    def __init__(self, folder: Path, edges: Sequence[int]) -> None:
        """Take an empty folder, and the first case of each stretch with the number of cases last."""
        self.folder, self._edges = folder, np.asarray(edges, np.int64)
        self._blocks: list[SpilledBlock] = []

    @property
    def stretches(self) -> int:
        """How many stretches of cases there are."""
        return len(self._edges) - 1

    def put(self, place: Column | Places, columns: Mapping[Hashable, Values]) -> None:
        """Put columns (m,) of the cases at some places (m,) aside."""
        stretch = (np.searchsorted(self._edges, place, side="right") - 1).astype(np.uint16)
        order = np.argsort(stretch, kind="stable")
        place, ends = (
            place[order].astype(np.int32),
            np.append(0, np.bincount(stretch, minlength=self.stretches).cumsum()),
        )
        path = self.folder / f"{len(self._blocks)}.block"
        narrow = sorted(
            ((narrowed(values), name) for name, values in columns.items()),
            key=lambda held: held[0][0].dtype.str,
        )
        sheets = []
        with path.open("wb") as out:
            place.tofile(out)
            for dtype, group in groupby(narrow, key=lambda held: held[0][0].dtype):
                held = list(group)
                sheets.append(
                    SpilledColumns(
                        tuple(name for _, name in held),
                        tuple(gaps for (_, gaps), _ in held),
                        dtype,
                        out.tell(),
                    )
                )
                np.stack([values for (values, _), _ in held], axis=1)[order].tofile(out)
        self._blocks.append(SpilledBlock(Mapped(path, np.dtype(np.uint8)), ends, tuple(sheets)))

    def take(self, stretch: int, names: Sequence[Hashable]) -> dict[Any, Values]:
        """Return named columns of a stretch's cases, float64 (n,); NaN for a case without a block."""
        first, last = self._edges[stretch : stretch + 2].tolist()
        found: dict[Any, Values] = {name: np.full(last - first, np.nan) for name in names}
        for block in self._blocks:
            start, stop = block.ends[stretch : stretch + 2].tolist()
            if start < stop:
                place = np.frombuffer(block.file.values, np.int32, stop - start, 4 * start) - first
                for name, values in _columns(block, start, stop):
                    found[name][place] = values
                block.file.give_back()
        return found


def _columns(block: SpilledBlock, start: int, stop: int) -> Iterator[tuple[Hashable, NDArray[Any]]]:
    for sheet in block.sheets:
        held = sheet.between(block.file, start, stop)
        for name, gaps, values in zip(sheet.names, sheet.gaps, held.T, strict=True):
            yield (
                name,
                np.where(values == np.iinfo(sheet.dtype).min, np.nan, values) if gaps else values,
            )


def narrowed(values: Values) -> tuple[NDArray[Any], bool]:
    """Return values in the narrowest type that keeps them, and whether its least value stands for NaN; float64 keeps NaN itself.

    >>> [held.tolist() for held in narrowed(np.array([1.0, np.nan, 120.0]))[:1]], narrowed(np.array([0.5]))[0].dtype.name
    ([[1, -128, 120]], 'float64')
    """
    found = np.empty(4)
    survey(values, found)
    low, high, whole, gaps = found.tolist()
    if not whole or max(high, -low) >= 2**31:
        return values, False
    dtype = np.dtype(narrowest(int(low), int(high)))
    return np.where(np.isnan(values), np.iinfo(dtype).min, values).astype(
        dtype
    ) if gaps else values.astype(dtype), bool(gaps)
