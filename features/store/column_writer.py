"""Writes flat columns from rows that come in batches, without knowing before how wide they will be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.files import built
from features.ingest.scan import files_in
from features.seal import seal_file
from features.store.column_files import column_name, narrowest

RowBatch = Mapping[str, NDArray[np.int64]]


def write_flat(folder: Path, names: Sequence[str], batches: Iterable[RowBatch]) -> None:
    """Write batches of rows as the flat columns `names`, whole or not at all.

    Each batch is sorted by the first of them and stands after the one before it; without any the columns are empty.
    Values are full (no empty ones). The folder gets its name when all is written; one that is there by then is kept.
    """
    by = names[0]
    with built(folder) as unfinished:
        columns = {name: Widening(unfinished, name) for name in names}
        counts = np.zeros(0, np.int64)
        for batch in batches:
            for name, column in columns.items():
                column.append(batch[name])
            # A later batch may hold higher codes, so its counts are the longer ones.
            grown = np.bincount(batch[by], minlength=len(counts))
            grown[: len(counts)] += counts
            counts = grown
        starts = np.append(0, counts).cumsum()
        starts.tofile(unfinished / f"{by}.starts")
        for path in files_in(unfinished):
            seal_file(path)


class Widening:
    """A column being written: when a value does not fit its type, what stands there is written again wider."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._dtype: np.dtype[Any] = np.dtype(np.int8)
        self.path.touch()

    @property
    def path(self) -> Path:
        """The file of the column at its present width."""
        return self._folder / column_name(self._name, self._dtype, "full")

    def append(self, values: NDArray[np.int64]) -> None:
        """Add values (n,) at the end."""
        if len(values):
            width = narrowest(int(values.min()), int(values.max()))
            needed = np.promote_types(self._dtype, width)
            if needed != self._dtype:
                self._widen(needed)
        with self.path.open("ab") as out:
            values.astype(self._dtype).tofile(out)

    def _widen(self, dtype: np.dtype[Any]) -> None:
        before = self.path
        values = np.fromfile(before, self._dtype)
        before.unlink()
        # From here on `path` is the file of the new width.
        self._dtype = dtype
        values.astype(dtype).tofile(self.path)
