"""Stored values: what a formula's `stored(name)` reads, made once for a history and a month end and kept beside it."""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.arrays import NULL, Column, Values, located
from features.cases import Cases, by_month_end
from features.catalogue import Catalogue
from features.catalogue.model import STORED_BY
from features.files import replaced
from features.ingest.scan import read_table
from features.network.enterprises import network
from features.network.rings import rings
from features.store.store import Store

Kept = Mapping[str, NDArray[Any]]
MAKERS: dict[str, Callable[[Store, int], Mapping[str, Kept]]] = {
    "enterprise": network,
    "provider": rings,
    "pair": rings,
    "cover": rings,
}
KEY_BITS = 31
GROUP = 1 << 14
"""Keys that are written, and read, together."""
NEAR = 2
"""Groups around some keys up to which each stays read, since the next keys are asked of them too."""
FEW = 64
"""Cases of a day up to which all that is kept of it is read, and stays read."""


def stored_values(
    store: Store, catalogue: Catalogue, cases: Cases, names: Iterable[str]
) -> dict[str, Values]:
    """Return named stored values of cases, float64 (n,): of the last month end not later than each case's day.

    0 where nothing was known of a unit by then, NaN where the case has no such key or the history never saw it.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        groups[catalogue.stored_value(name).of].append(name)
    found = {name: np.full(len(cases), np.nan) for group in groups.values() for name in group}
    for of, group in groups.items():
        key, there = packed_keys(store, cases, STORED_BY[of])
        for day, places in by_month_end(cases.as_of):
            if not len(here := places[there[places]]):
                continue
            kept = kept_values(
                store, of, max(day, store.first_known), key[here] if len(here) > FEW else None
            )
            place, held = located(key_codes(kept, STORED_BY[of]), key[here])
            for name in group:
                found[name][here] = np.where(held, kept[name][place], 0) if len(kept[name]) else 0
    return found


def packed_keys(
    store: Store, cases: Cases, by: tuple[str, ...]
) -> tuple[Column, NDArray[np.bool_]]:
    """Return the key of each case as one integer, and where the history knows every part of it."""
    columns = {column: cases.keys[column] for column in by}
    there = np.ones(len(cases), np.bool_)
    for space, column in columns.items():
        there &= (column != NULL) & (column < len(store.dictionary(space).texts))
    return key_codes(columns, by), there


def key_codes(columns: Kept, by: tuple[str, ...]) -> Column:
    """Return the codes of a key as one integer each."""
    key = np.asarray(columns[by[0]], np.int64)
    for name in by[1:]:
        key = (key << KEY_BITS) + columns[name]
    return key


def kept_values(store: Store, of: str, day: int, wanted: Column | None = None) -> Kept:
    """Return the values kept of a day, made and written first if they are not there yet.

    Where `wanted` keys are given, those of some keys around them suffice.
    """
    path = _place(store, of, day)
    if not path.exists():
        for group, columns in MAKERS[of](store, day).items():
            _write(_place(store, group, day), columns)
    return _read(path) if wanted is None else _around(path, STORED_BY[of], wanted)


def _place(store: Store, of: str, day: int) -> Path:
    return store.folder / "stored" / f"{of}-{day}-{rules_digest()}.parquet"


@cache
def rules_digest() -> str:
    """Return 16 hex digits of all that decides these values: what this folder's modules do."""
    said = hashlib.sha256()
    for part in sorted(resources.files("features.network").iterdir(), key=lambda part: part.name):
        if part.name.endswith(".py"):
            said.update(f"{part.name}: {rules_of(part.read_text('utf-8'))}\n".encode())
    return said.hexdigest()[:16]


def rules_of(text: str) -> str:
    """Return what a module does, as its syntax tree in words: docstrings, comments and layout are not in it.

    >>> rules_of('def f():\\n    "Return one."\\n    return 1  # a number') == rules_of("def f(): return 1")
    True
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [line for line in body if not _only_said(line)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _only_said(line: ast.AST) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _write(path: Path, columns: Kept) -> None:
    path.parent.mkdir(exist_ok=True)
    with replaced(path) as unfinished:
        pq.write_table(
            pa.table(dict(columns)),
            unfinished,
            compression="zstd",
            compression_level=1,
            row_group_size=GROUP,
        )


@lru_cache(6)
def _read(path: Path) -> Kept:
    return _columns(read_table(path))


def _around(path: Path, by: tuple[str, ...], wanted: Column) -> Kept:
    """Return what is kept of the keys from the least of the wanted ones to the greatest, and of some around them."""
    low, high = (int(key) >> KEY_BITS * (len(by) - 1) for key in (wanted.min(), wanted.max()))
    limits = _limits(path)
    around = [
        number
        for number, (least, greatest) in enumerate(limits)
        if least <= high and greatest >= low
    ]
    if len(around) == len(limits) or len(limits) < 2:
        return _read(path)
    if len(around) > NEAR:
        with pq.ParquetFile(path) as file:
            return _columns(file.read_row_groups(around))
    parts = [_group(path, number) for number in around or [0]]
    return (
        parts[0]
        if len(parts) == 1
        else {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    )


@lru_cache(256)
def _limits(path: Path) -> tuple[tuple[int, int], ...]:
    """Return the least and the greatest first part of the keys of each group; a file of a day and these rules never changes."""
    held = pq.read_metadata(path)
    own = [held.row_group(number).column(0).statistics for number in range(held.num_row_groups)]
    return tuple(
        (limits.min, limits.max) if limits and limits.has_min_max else (0, -1) for limits in own
    )


@lru_cache(32)
def _group(path: Path, number: int) -> Kept:
    """Return a group of keys; cases that come in the order of their keys ask for it again and again."""
    return _columns(pq.ParquetFile(path).read_row_group(number))


def _columns(table: pa.Table) -> Kept:
    return {name: table[name].to_numpy() for name in table.column_names}
