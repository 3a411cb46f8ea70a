"""Stored values: what a formula's `stored(name)` reads, made once for a history and a month end and kept beside it."""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from features.catalogue.model import STORED_BY, Catalogue
from features.catalogue.parameters import declared_parameters
from features.ingest.scan import read_table
from features.network.enterprises import network
from features.network.rings import rings
from features.parameters import DeclaredParameter
from features.seal import check_whole, with_seal
from features.store.store import Store

Kept = Mapping[str, NDArray[Any]]
MAKERS: dict[str, Callable[[Store, int], Mapping[str, Kept]]] = {
    "enterprise": network,
    "provider": rings,
    "pair": rings,
    "cover": rings,
}
KEY_BITS = 31
"""Bits of each part of a key: codes are int32 and not negative, so two of them fit an int64."""
GROUP = 1 << 14
"""Keys in one row group, the least that is read of a file."""
NEAR = 2
"""Up to this many groups around the wanted keys are cached, each for itself: the next cases often ask for the same."""
FEW = 64
"""For up to this many cases of a day the whole file of the day is read and cached."""


def stored_values(
    store: Store, catalogue: Catalogue, cases: Cases, names: Iterable[str]
) -> dict[str, Values]:
    """Return named stored values of cases, float64 (n,): of the last month end not later than each case's day.

    0 where nothing was known of a unit by then, NaN where the case has no such key or the history never saw it.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        groups[catalogue.stored_value(name).of].append(name)
    values: dict[str, Values] = {}
    for of, group in groups.items():
        key, has_key = packed_keys(store, cases, STORED_BY[of])
        for name in group:
            values[name] = np.full(len(cases), np.nan)
        for day, places in by_month_end(cases.as_of):
            here = places[has_key[places]]
            if not len(here):
                continue
            wanted = key[here]
            # For few cases all of a day is read: it is cached, and serves the next cases.
            nearby = wanted if len(here) > FEW else None
            stored = kept_values(store, of, max(day, store.first_known), nearby)
            place, is_stored = located(key_codes(stored, STORED_BY[of]), wanted)
            for name in group:
                values[name][here] = 0
                if len(stored[name]):
                    values[name][here] = np.where(is_stored, stored[name][place], 0)
    return values


def packed_keys(
    store: Store, cases: Cases, by: tuple[str, ...]
) -> tuple[Column, NDArray[np.bool_]]:
    """Return the key of each case as one integer, and where the history knows every part of it."""
    columns = {column: cases.keys[column] for column in by}
    is_known = np.ones(len(cases), np.bool_)
    for space, column in columns.items():
        size = len(store.dictionary(space).texts)
        is_known &= (column != NULL) & (column < size)
    return key_codes(columns, by), is_known


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
        groups = MAKERS[of](store, day)
        # what is asked for comes last, so that after a stop all of them are made again
        for group in sorted(groups, key=lambda group: group == of):
            _write(_place(store, group, day), groups[group])
    check_whole(path)
    if wanted is None:
        return _read(path)
    return _around(path, STORED_BY[of], wanted)


def _place(store: Store, of: str, day: int) -> Path:
    return store.folder / "stored" / f"{of}-{day}-{rules_digest()}.parquet"


@cache
def rules_digest() -> str:
    """Return 16 hex digits of all that decides these values: what this folder's modules do with the declared parameters."""
    return digest_of_rules(declared_parameters())


def digest_of_rules(parameters: Mapping[str, DeclaredParameter]) -> str:
    """Return the digest of this folder's rules under some parameters; their words are not in it."""
    digest = hashlib.sha256()
    for name, parameter in sorted(parameters.items()):
        digest.update(f"{name} = {parameter.value}\n".encode())
    folder = resources.files("features.network")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            rules = rules_of(file.read_text("utf-8"))
            digest.update(f"{file.name}: {rules}\n".encode())
    return digest.hexdigest()[:16]


def rules_of(text: str) -> str:
    """Return what a module does, as its syntax tree in words: docstrings, comments and layout are not in it.

    >>> rules_of('def f():\\n    "Return one."\\n    return 1  # a number') == rules_of("def f(): return 1")
    True
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _only_said(line)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _only_said(line: ast.AST) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _write(path: Path, columns: Kept) -> None:
    path.parent.mkdir(exist_ok=True)
    table = pa.table(dict(columns))
    with with_seal(path) as unfinished:
        pq.write_table(
            table,
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
    # The groups are told apart by the first part of their keys, which stands in the highest bits.
    bits_below = KEY_BITS * (len(by) - 1)
    low = int(wanted.min()) >> bits_below
    high = int(wanted.max()) >> bits_below
    limits = _limits(path)
    around: list[int] = []
    for number, (least, greatest) in enumerate(limits):
        if least <= high and greatest >= low:
            around.append(number)
    if len(around) == len(limits) or len(limits) < 2:
        return _read(path)
    if len(around) > NEAR:
        with pq.ParquetFile(path) as file:
            return _columns(file.read_row_groups(around))
    # Where no group holds the keys the first one gives the columns.
    groups = [_group(path, number) for number in around or [0]]
    return _joined(groups)


def _joined(groups: Sequence[Kept]) -> Kept:
    """Return the columns of some groups, one group after another."""
    if len(groups) == 1:
        return groups[0]
    columns: dict[str, NDArray[Any]] = {}
    for name in groups[0]:
        parts = [group[name] for group in groups]
        columns[name] = np.concatenate(parts)
    return columns


@lru_cache(256)
def _limits(path: Path) -> tuple[tuple[int, int], ...]:
    """Return the least and the greatest first part of the keys of each group; a file of a day and these rules never changes."""
    metadata = pq.read_metadata(path)
    limits: list[tuple[int, int]] = []
    for number in range(metadata.num_row_groups):
        statistics = metadata.row_group(number).column(0).statistics
        if statistics and statistics.has_min_max:
            limits.append((statistics.min, statistics.max))
        else:
            # A group without limits holds no key: this range meets no other.
            limits.append((0, -1))
    return tuple(limits)


@lru_cache(32)
def _group(path: Path, number: int) -> Kept:
    """Return a group of keys; cases that come in the order of their keys ask for it again and again."""
    return _columns(pq.ParquetFile(path).read_row_group(number))


def _columns(table: pa.Table) -> Kept:
    return {name: table[name].to_numpy() for name in table.column_names}
