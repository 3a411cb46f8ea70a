"""An open scored day: its columns mapped, each row checked against the day's tree before anything of it is used."""

from __future__ import annotations

import mmap
import zlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.day.manifest import FILE, DayManifest, StoredColumn, day_name, read_manifest
from serving.day.row import DayView, leaf_of_case
from serving.errors import DayUnusable
from serving.ledger import merkle
from serving.ledger.day_reference import HASH_BYTES, DayName, RowReference, row_reference
from serving.ledger.record import Case

LONGEST = 1 << 24
"""Bytes of what a row keeps of one kind at most; a choice far above any, so that a damaged row cannot fill the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class DayRow:
    """One unit of a scored day that was checked: its case, whether its reasons were made, and the proof of it."""

    case: Case
    has_reasons: bool
    reference: RowReference


class ScoredDay:
    """A scored day in a folder. Nothing of it is believed: a row is used only if its leaf and path lead to the root.

    Columns are read where the manifest, whose digest the ledger holds, says that they lie, never where the files say.
    """

    def __init__(self, folder: Path, digest: str | None = None) -> None:
        """Open a day, which must have this digest if one is given; DayUnusable where it is damaged or another."""
        self.folder = folder
        text = _bytes_of(folder / FILE)
        self.manifest: DayManifest = read_manifest(text)
        self.name: DayName = day_name(text, self.manifest)
        if digest is not None and digest != self.name.digest:
            raise DayUnusable(
                f"the scored day in {folder.name} has digest {self.name.digest[:12]}, not {digest[:12]};"
                " restore it from a copy, or run `lssi batch` again"
            )
        self._files = {name: self._mapped(name) for name in self.manifest.files}
        self._columns: Mapping[str, NDArray[Any]] = {
            name: self._column(name, column) for name, column in self.manifest.columns.items()
        }
        self._view = DayView(
            as_of=self.manifest.as_of,
            units=self.manifest.units,
            coverage=self.manifest.coverage,
            features=self.manifest.features,
            categories=self.manifest.categories,
            columns=self._columns,
            cells=self._cells,
        )
        self._starts = self._columns["key.starts"]
        self._keys = self._columns["key"].data
        # the levels of the tree stand one after the other, each with the complete subtrees of its size
        sizes = [len(self) >> level for level in range(len(self).bit_length())]
        self._levels = [0, *accumulate(sizes)]

    def __len__(self) -> int:
        return self.manifest.units

    def place(self, key: str) -> int | None:
        """Return the place of a unit, None where the day has none of that number."""
        # the keys stand in ascending order, so one is found by halving and no index has to be read
        wanted = key.encode()
        place = bisect_left(range(len(self)), wanted, key=self._key)
        return place if place < len(self) and self._key(place) == wanted else None

    def row(self, key: str) -> DayRow | None:
        """Return a unit's row, None where the day has none; DayUnusable where what stands there is not what was written."""
        place = self.place(key)
        return None if place is None else self.row_at(place)

    def row_at(self, place: int) -> DayRow:
        """Return the row at a place, checked; DayUnusable where it is not what was written."""
        try:
            words = self._unpacked("told", place)
            case = self._view.case(place, self._key(place).decode(), words)
        except (ValueError, LookupError, TypeError, ArithmeticError, zlib.error):
            raise self._damaged(place) from None
        # what was read is believed only if its hash leads to the root that the ledger's record names
        leaf = leaf_of_case(case, words)
        path = merkle.audit_path(self._node, place, len(self))
        root = merkle.root_by_inclusion(leaf, place, len(self), path)
        if root is None or root.hex() != self.manifest.root:
            raise self._damaged(place)
        return DayRow(case, bool(words), row_reference(case.key, place, leaf, path))

    def _cells(self, name: str, place: int) -> NDArray[np.float64]:
        """Return the values or contributions of a unit, float64 (F,)."""
        return np.frombuffer(self._unpacked(name, place), "<f8", len(self.manifest.features))

    def _unpacked(self, name: str, place: int) -> bytes:
        """Return what a column of compressed texts holds of a unit; b"" where it holds nothing."""
        start, end = self._columns[f"{name}.starts"][place : place + 2].tolist()
        packed = self._columns[name][start:end].tobytes()
        return zlib.decompressobj().decompress(packed, LONGEST) if packed else b""

    def _key(self, place: int) -> bytes:
        start, end = int(self._starts[place]), int(self._starts[place + 1])
        return bytes(self._keys[start:end])

    def _node(self, level: int, place: int) -> bytes:
        """Return the hash of a complete subtree of the day's tree."""
        start = (self._levels[level] + place) * HASH_BYTES
        return self._columns["tree"][start : start + HASH_BYTES].tobytes()

    def _mapped(self, name: str) -> mmap.mmap:
        """Return a file of the day, mapped; DayUnusable where it has another length than the manifest says."""
        path, size = self.folder / name, self.manifest.files[name].size
        try:
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            raise DayUnusable(f"{name} of a scored day is gone or empty; {_RESTORE}") from None
        if len(mapped) != size:
            raise DayUnusable(
                f"{name} of a scored day has {len(mapped)} bytes, not {size}; {_RESTORE}"
            )
        return mapped

    def _column(self, name: str, column: StoredColumn) -> NDArray[Any]:
        try:
            return np.frombuffer(
                self._files[column.file], column.type, column.length, column.offset
            )
        except (ValueError, KeyError):
            raise DayUnusable(f"{name} of a scored day lies outside its file; {_RESTORE}") from None

    def _damaged(self, place: int) -> DayUnusable:
        return DayUnusable(f"row {place} of the scored day was changed; {_RESTORE}")


@dataclass(frozen=True, slots=True, eq=False)
class PublishedDay:
    """A scored day that a service answers from, and the record of the batch that wrote it."""

    day: ScoredDay
    batch: str


_RESTORE = "restore the day from a copy, or run `lssi batch` again"


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise DayUnusable(f"{path.parent.name} holds no scored day; {_RESTORE}") from None
