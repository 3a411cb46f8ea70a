"""Flat texts: a text column of a sorted Parquet file once more, by row group, so that the texts of a range are a slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.seal import check_whole, with_seal
from features.store.memory_map import Mapped

FEW = 1 << 12
"""Up to this many texts a dictionary is read into memory: the few new texts of a day are not worth two more files."""


class FlatTexts:
    """A text column laid out beside its Parquet file and mapped; a row group is laid out when it is first asked for."""

    def __init__(self, file: pq.ParquetFile, folder: Path, name: str) -> None:
        self._file = file
        self._folder = folder
        self._name = name
        self._groups: dict[int, pa.StringArray] = {}
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        sizes = [group.num_rows for group in groups]
        steps = np.array([0, *sizes], np.int64)
        self._ends = np.cumsum(steps)

    def between(self, start: int, stop: int) -> NDArray[Any]:
        """Return the texts of rows start to below stop."""
        # An empty part gives the type where no row is asked for.
        parts = [pa.array([], pa.string())]
        number = int(np.searchsorted(self._ends, start, side="right")) - 1
        while start < stop:
            begins = int(self._ends[number])
            ends = int(self._ends[number + 1])
            size = min(stop, ends) - start
            parts.append(self._group(number).slice(start - begins, size))
            start = ends
            number += 1
        texts = pa.chunked_array(parts)
        return np.asarray(texts.to_numpy(), np.object_)

    def _group(self, number: int) -> pa.StringArray:
        """Return the texts of a row group: the ends of each as int32, 0 first, then the letters of all."""
        if number not in self._groups:
            path = self._folder / f"{self._name}.{number}.texts"
            if not path.exists():
                self._lay_out(number, path)
            check_whole(path)
            content = np.memmap(path, np.uint8, mode="r")
            size = int(self._ends[number + 1] - self._ends[number])
            letters_begin = 4 * (size + 1)
            ends = pa.py_buffer(content[:letters_begin])
            letters = pa.py_buffer(content[letters_begin:])
            self._groups[number] = pa.StringArray.from_buffers(size, ends, letters)
        return self._groups[number]

    def _lay_out(self, number: int, path: Path) -> None:
        check_whole(self._folder.with_suffix(".parquet"))
        rows = self._file.read_row_group(number, columns=[self._name])
        column = rows[self._name].cast(pa.string())
        texts = pa.concat_arrays(column.chunks)
        _, ends_buffer, letters = texts.buffers()
        # A buffer may be longer than its texts: only their ends are written.
        ends = np.frombuffer(ends_buffer, np.int32, len(texts) + 1)
        self._folder.mkdir(exist_ok=True)
        with with_seal(path) as unfinished, unfinished.open("wb") as out:
            ends.tofile(out)
            out.write(letters or b"")


def text_column(path: Path) -> tuple[pa.LargeStringArray, tuple[Mapped, ...]]:
    """Return the column `text` of a Parquet file, and the files that hold it, so that what was read can be given back.

    Many texts are laid out beside the file once and mapped: what is not read takes no memory. Few are held in memory.
    """
    check_whole(path)
    with pq.ParquetFile(path) as file:
        if file.metadata.num_rows <= FEW:
            column = file.read(columns=["text"])["text"]
            texts = column.cast(pa.large_string())
            return texts.combine_chunks(), ()
    return _mapped(path)


def _mapped(path: Path) -> tuple[pa.LargeStringArray, tuple[Mapped, ...]]:
    ends_path = path.with_suffix(".ends")
    letters_path = path.with_suffix(".letters")
    if not ends_path.exists():
        _lay_out_texts(path, ends_path, letters_path)
    for written in (ends_path, letters_path):
        check_whole(written)
    # One int64 for the end of each text, and a 0 before the first.
    size = ends_path.stat().st_size // 8 - 1
    ends = Mapped(ends_path, np.dtype(np.int64))
    letters = Mapped(letters_path, np.dtype(np.uint8))
    ends_buffer = pa.py_buffer(ends.values)
    letters_buffer = pa.py_buffer(letters.values)
    texts = pa.LargeStringArray.from_buffers(size, ends_buffer, letters_buffer)
    return texts, (ends, letters)


def _lay_out_texts(path: Path, ends: Path, letters: Path) -> None:
    """Write the letters and the ends of all texts; the ends get their name last, since they are what is looked for."""
    with with_seal(ends) as unfinished_ends, with_seal(letters) as unfinished_letters:
        _write_texts(pq.ParquetFile(path), unfinished_ends, unfinished_letters)


def _write_texts(file: pq.ParquetFile, ends: Path, letters: Path) -> None:
    with letters.open("wb") as letters_file, ends.open("wb") as ends_file:
        ends_file.write(bytes(8))
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=["text"])
            column = rows["text"].cast(pa.large_string())
            for chunk in column.chunks:
                _append_chunk(chunk, ends_file, letters_file)


def _append_chunk(chunk: pa.LargeStringArray, ends_file: BinaryIO, letters_file: BinaryIO) -> None:
    """Append a chunk's texts; its ends count from the chunk's buffer, those written from the beginning of the file."""
    _, places_buffer, letters_buffer = chunk.buffers()
    # A chunk may be a slice: its ends, of eight bytes each, begin at its offset.
    offset = 8 * chunk.offset
    places = np.frombuffer(places_buffer, np.int64, len(chunk) + 1, offset)
    first = places[0]
    last = places[-1]
    ends = places[1:] - first + letters_file.tell()
    ends.tofile(ends_file)
    letters = memoryview(letters_buffer or b"")
    letters_file.write(letters[first:last])
