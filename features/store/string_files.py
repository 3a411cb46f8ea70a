"""Flat texts: a text column of a sorted Parquet file once more, by row group, so that the texts of a range are a slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.files import replaced
from features.store.memory_map import Mapped

FEW = 1 << 12
"""Texts up to which a dictionary is read, not mapped: laid out, those of a day outweigh the day."""


class FlatTexts:
    """A text column laid out beside its Parquet file and mapped; a row group is laid out when it is first asked for."""

    def __init__(self, file: pq.ParquetFile, folder: Path, name: str) -> None:
        self._file, self._folder, self._name = file, folder, name
        self._groups: dict[int, pa.StringArray] = {}
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        self._ends = np.cumsum(np.array([0, *sizes], np.int64))

    def between(self, start: int, stop: int) -> NDArray[Any]:
        """Return the texts of rows start to below stop."""
        parts = [pa.array([], pa.string())]
        first = int(np.searchsorted(self._ends, start, side="right")) - 1
        while start < stop:
            begins, ends = int(self._ends[first]), int(self._ends[first + 1])
            parts.append(self._group(first).slice(start - begins, min(stop, ends) - start))
            start, first = ends, first + 1
        return np.asarray(pa.chunked_array(parts).to_numpy(), np.object_)

    def _group(self, number: int) -> pa.StringArray:
        """Return the texts of a row group: the ends of each as int32, 0 first, then the letters of all."""
        if number not in self._groups:
            path = self._folder / f"{self._name}.{number}.texts"
            if not path.exists():
                self._lay_out(number, path)
            held = np.memmap(path, np.uint8, mode="r")
            size = int(self._ends[number + 1] - self._ends[number])
            ends, letters = held[: 4 * (size + 1)], held[4 * (size + 1) :]
            self._groups[number] = pa.StringArray.from_buffers(
                size, pa.py_buffer(ends), pa.py_buffer(letters)
            )
        return self._groups[number]

    def _lay_out(self, number: int, path: Path) -> None:
        column = self._file.read_row_group(number, columns=[self._name])[self._name]
        texts = pa.concat_arrays(column.cast(pa.string()).chunks)
        _, ends, letters = texts.buffers()
        self._folder.mkdir(exist_ok=True)
        with replaced(path) as unfinished, unfinished.open("wb") as out:
            np.frombuffer(ends, np.int32, len(texts) + 1).tofile(out)
            out.write(letters or b"")


def text_column(path: Path) -> tuple[pa.LargeStringArray, tuple[Mapped, ...]]:
    """Return the column `text` of a Parquet file, and the files that hold it, so that what was read can be given back.

    Many texts are laid out beside the file once and mapped: what is not read takes no memory. Few are held in memory.
    """
    with pq.ParquetFile(path) as file:
        if file.metadata.num_rows <= FEW:
            return file.read(columns=["text"])["text"].cast(pa.large_string()).combine_chunks(), ()
    return _mapped(path)


def _mapped(path: Path) -> tuple[pa.LargeStringArray, tuple[Mapped, ...]]:
    ends, letters = path.with_suffix(".ends"), path.with_suffix(".letters")
    if not ends.exists():
        _lay_out_texts(path, ends, letters)
    size = ends.stat().st_size // 8 - 1
    held = Mapped(ends, np.dtype(np.int64)), Mapped(letters, np.dtype(np.uint8))
    return pa.LargeStringArray.from_buffers(size, *(pa.py_buffer(one.values) for one in held)), held


def _lay_out_texts(path: Path, ends: Path, letters: Path) -> None:
    """Write the letters and the ends of all texts; the ends get their name last, since they are what is looked for."""
    with replaced(ends) as unfinished_ends, replaced(letters) as unfinished_letters:
        _write_texts(pq.ParquetFile(path), unfinished_ends, unfinished_letters)


def _write_texts(file: pq.ParquetFile, ends: Path, letters: Path) -> None:
    with letters.open("wb") as text, ends.open("wb") as end:
        end.write(bytes(8))
        for number in range(file.num_row_groups):
            column = file.read_row_group(number, columns=["text"])["text"].cast(pa.large_string())
            for chunk in column.chunks:
                _, own, held = chunk.buffers()
                places = np.frombuffer(own, np.int64, len(chunk) + 1, 8 * chunk.offset)
                (places[1:] - places[0] + text.tell()).tofile(end)
                text.write(memoryview(held or b"")[places[0] : places[-1]])
