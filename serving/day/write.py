"""Writing a scored day: one Arrow file of its units, one of the tree over them, and a manifest; whole or not at all."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc

from features.files import private_folder, put_in_place
from models.bundle.booster import Floats
from serving.day.manifest import (
    FILE,
    ColumnType,
    DayManifest,
    StoredColumn,
    StoredFile,
    day_name,
    manifest_text,
)
from serving.day.row import DayView, leaf_of_case
from serving.ledger import merkle
from serving.ledger.day_reference import DayName, day_folder

UNITS, TREE = "units.arrow", "tree.arrow"
_TYPES: dict[str, tuple[ColumnType, ...]] = {
    "string": ("<i4", "|u1"),
    "large_binary": ("<i8", "|u1"),
    "double": ("<f8",),
    "int64": ("<i8",),
    "int8": ("|i1",),
    "uint8": ("|u1",),
}
"""The types of the buffers of each type of column; one of texts has the places at which they begin first."""
FAST, THOROUGH = 1, 6
"""How hard numbers and words are compressed; a choice, measured: numbers gain a tenth at 6 and take twice as long."""


@dataclass(frozen=True, slots=True, eq=False)
class UnitColumns:
    """The units of a day: `keys` ascending (n,), their numbers by the name of the column, and the words of each or b"".

    `columns` (n,) and `vectors` float64 (n, F) are what `serving.day.row.DayView` reads.
    """

    keys: Sequence[str]
    columns: Mapping[str, NDArray[Any]]
    vectors: Mapping[str, Floats]
    told: Sequence[bytes]


def write_day(days: Path, head: Mapping[str, Any], units: UnitColumns) -> tuple[Path, DayName]:
    """Write a scored day to a folder of `days`, and return the folder with the day's name; an equal one stays as it is.

    `head` is what the manifest says of the day before its files are written, by the names of its fields.
    """
    leaves = list(_leaves(head, units))
    node, size = merkle.nodes_of(leaves)
    with private_folder(days) as work:
        places = _written(work / UNITS, _units(units))
        places |= _written(work / TREE, _tree(node, size))
        manifest = DayManifest(
            **head,
            units=size,
            reasoned=sum(1 for words in units.told if words),
            columns=places,
            files={name: _stored(work / name) for name in (UNITS, TREE)},
            root=merkle.root(node, size).hex(),
        )
        text = manifest_text(manifest)
        (work / FILE).write_bytes(text)
        name = day_name(text, manifest)
        folder = days / day_folder(manifest.target, manifest.as_of, name)
        put_in_place(work, folder)
    return folder, name


def _leaves(head: Mapping[str, Any], units: UnitColumns) -> Iterator[bytes]:
    view = DayView(
        as_of=head["as_of"],
        units=len(units.keys),
        coverage=head["coverage"],
        features=head["features"],
        categories=head["categories"],
        columns=units.columns,
        cells=lambda name, place: units.vectors[name][place],
    )
    for place, (key, words) in enumerate(zip(units.keys, units.told, strict=True)):
        yield leaf_of_case(view.case(place, key, words), words)


def _units(units: UnitColumns) -> pa.RecordBatch:
    arrays: dict[str, pa.Array] = {"key": pa.array(units.keys, pa.string())}
    arrays |= {name: pa.array(numbers) for name, numbers in units.columns.items()}
    for name, vectors in units.vectors.items():
        arrays[name] = _packed((vector.tobytes() for vector in vectors), FAST)
    arrays["told"] = _packed(units.told, THOROUGH)
    return pa.record_batch(arrays)


def _packed(texts: Iterable[bytes], level: int) -> pa.Array:
    """Return a column of texts, each compressed alone so that one row is read without another; b"" stays b""."""
    packed = [zlib.compress(text, level) if text else b"" for text in texts]
    return pa.array(packed, pa.large_binary())


def _tree(node: merkle.Node, size: int) -> pa.RecordBatch:
    """Return all complete subtrees of the tree, level by level, lowest first."""
    levels = range(size.bit_length())
    nodes = (node(level, place) for level in levels for place in range(size >> level))
    return pa.record_batch({"tree": pa.array(np.frombuffer(b"".join(nodes), np.uint8))})


def _written(path: Path, batch: pa.RecordBatch) -> dict[str, StoredColumn]:
    """Write one batch, and return where in the file each column lies."""
    with ipc.new_file(path, batch.schema) as file:
        file.write_batch(batch)
    with pa.memory_map(str(path)) as mapped:
        start = mapped.read_buffer(1).address
        stored = ipc.open_file(mapped).get_batch(0)
        places: dict[str, StoredColumn] = {}
        for column in stored.schema.names:
            places |= _places(path.name, column, stored.column(column), start)
        return places


def _places(
    file: str, name: str, column: pa.Array, start: int
) -> Iterator[tuple[str, StoredColumn]]:
    """Yield where the buffers of a column lie; one of texts has the places at which each begins beside their bytes."""
    buffers = column.buffers()[1:]
    types = _TYPES[str(column.type)]
    names = (name,) if len(types) == 1 else (f"{name}.starts", name)
    for each, buffer, type_ in zip(names, buffers, types, strict=True):
        size = buffer.size // np.dtype(type_).itemsize if buffer else 0
        offset = buffer.address - start if size else 0
        yield each, StoredColumn(file=file, offset=offset, length=size, type=type_)


def _stored(path: Path) -> StoredFile:
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return StoredFile(sha256=digest, size=path.stat().st_size)
