"""Panels: the signed rows of a table summed by key, day placed and day known, exactly as a history needs them.

Sums of integers do not mind in which order they are taken, so whatever a panel answers equals the rows to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from features.aggregate import Tally
from features.catalogue import Catalogue, Measure
from features.flat import FlatColumns
from features.growing import Base, growing
from features.language import ADDITIVE, SERIES, Atom
from features.panel_writer import Plan, columns_for, laid_out
from features.rowwise import Column
from features.store import Store

ANSWERS = (*ADDITIVE, *SERIES, "since", "first_since")
WORTHWHILE = 100_000
"""Rows from which on a table is worth a panel."""
_MAPPED: WeakKeyDictionary[Store, dict[Path, FlatColumns]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel of some measures that share table, key and day placed; `columns` of each: its count and its sum."""

    file: Base
    columns: Mapping[str, tuple[str, str]]


def answerable(catalogue: Catalogue, atoms: Sequence[Atom]) -> dict[str, list[Atom]]:
    """Return, by the column that places their rows, the aggregates that a panel can answer."""
    found: dict[str, list[Atom]] = {}
    for atom in atoms:
        when = catalogue.measure(atom.measure).when
        if atom.aggregate in ANSWERS and when:
            found.setdefault(when, []).append(atom)
    return found


def panel_of(store: Store, catalogue: Catalogue, *, table: str, by: str, when: str) -> Panel:
    """Return the panel of every measure declared for a table, key and day placed; made on first use, beside the store."""
    measures: list[Measure] = [m for m in catalogue.measures.values() if (m.table, m.by, m.when) == (table, by, when)]
    plan = Plan(store, tuple(measures))
    base, parts = store.sorted_paths(table, by)
    held = None if base is None else _held(store, laid_out(plan, base), by)
    later = [_held(store, laid_out(plan, part), by) for part in parts]
    return Panel(growing(held, later, by), columns_for(measures))


def _held(store: Store, folder: Path, by: str) -> FlatColumns:
    """Return the columns in a folder of a store, which never change; they stay mapped as long as the store is in use."""
    return _MAPPED.setdefault(store, {}).setdefault(folder, FlatColumns(folder, by))


def read_panel(panel: Panel, by: str, span: tuple[int, int], atoms: Sequence[Atom]) -> Mapping[str, NDArray[np.int64]]:
    """Return the panel's rows of a span of keys: key, `placed`, `known`, and the columns of the measures asked for."""
    needed = sorted({column for atom in atoms for column in panel.columns[atom.measure]})
    read = panel.file.between(*span, (by, "placed", "known", *needed))
    return {**read, "sign": np.broadcast_to(np.int64(1), read["known"].shape)}


def panel_tally(rows: Mapping[str, Column], panel: Panel, measure: str) -> Tally:
    """Return what a measure makes of a panel's rows."""
    counts, sums = (rows[name] for name in panel.columns[measure])
    return Tally(None, counts, sums, sums, None)
