"""From a feature back to its rows: the facts that a case's value rests on, with table, rows and days."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from features.aggregates.aggregate import placed_by, tally
from features.aggregates.reader import Rows, store_rows
from features.aggregates.row_ranges import RowRanges, row_ranges
from features.arrays import Column, Literal
from features.calendar import first_day
from features.cases import Cases, aggregation_units
from features.catalogue import Catalogue, Measure, Window
from features.catalogue.language import LIMIT, Atom, atoms_of, row_columns
from features.engine.matrices import catalogue_of
from features.engine.population import cases_of
from features.store.column_codes import literal_of, month_columns
from features.store.store import Store

NAMED_ROWS = 5
SAID = {
    "count": ("count", "条数", ", rows"),
    "distinct": ("count", "个数", ", distinct"),
    "months": ("months", "月数", ", months with any"),
    "since": ("days", "距今天数", ", days since the last"),
    "first_since": ("days", "距首次天数", ", days since the first"),
    "variance": ("squares", "方差", ", variance"),
    "slope": ("", "每月变化", ", change a month"),
}
"""What an aggregate adds to a measure's name, and the unit of its value where that is not the measure's."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What the rows of one table say of a case: a measure's value over `first` to `last`, integer days."""

    measure: str
    table: str
    zh: str
    en: str
    value: int | None
    unit: str
    first: int
    last: int
    row_ids: tuple[str, ...]
    n_rows: int


def trace(store: Store, entity: str, key: str, *, as_of: int, feature: str) -> list[Fact]:
    """Return the facts behind one feature of one unit on a day; raises UnknownId or CatalogueError for unknown names."""
    catalogue = catalogue_of(store)
    return feature_facts(
        store, catalogue, cases_of(store, catalogue, entity, [key], np.array([as_of])), feature
    )


def feature_facts(
    store: Store, catalogue: Catalogue, case: Cases, feature: str, rows: Rows | None = None
) -> list[Fact]:
    """Return the facts behind one feature of one case, those the formula names first; `rows` replaces the store."""
    chain = reversed(catalogue.chain([feature]))
    atoms = list(
        dict.fromkeys(atom for link in chain for atom in sorted(atoms_of(link.tree), key=_order))
    )
    found = [_fact(store, catalogue, case, atom, rows or store_rows(store)) for atom in atoms]
    return [fact for fact in found if fact is not None]


def _order(atom: Atom) -> tuple[str, str, str]:
    """Order all atoms of a formula, whatever the order in which a process happens to hold them."""
    return atom.measure, atom.aggregate, atom.window


def _fact(store: Store, catalogue: Catalogue, case: Cases, atom: Atom, rows: Rows) -> Fact | None:
    measure, window = catalogue.measure(atom.measure), catalogue.windows[atom.window]
    units = aggregation_units(case, measure.by)
    if not len(units):
        return None
    needed = row_columns(measure.value) | ({measure.when} if measure.when else set())
    needed |= row_columns(measure.filter) if measure.filter is not None else set()
    months = month_columns(store, measure.table, needed)
    key = int(units.key[0])
    wanted = (*sorted(needed - {measure.by}), "known", "sign", measure.by, "row_id")
    read = rows(measure.table, measure.by, key, key + 1, wanted)
    literal = literal_of(store, measure.table)
    here = row_ranges(units, read[measure.by], read, months)
    value = placed_by([measure], [atom], catalogue.windows, literal).of(here)[atom][0]
    held = lineage_rows(here, measure, window, literal)
    first, last = days_spanned(held.when, int(case.as_of[0]), monthly=measure.when in months)
    unit, zh, en = SAID.get(atom.aggregate, ("", "", ""))
    return Fact(
        atom.measure,
        measure.table,
        measure.zh + zh,
        measure.en + en,
        None if np.isnan(value) else int(value),
        unit or measure.unit,
        first,
        last,
        tuple(held.row_ids[-NAMED_ROWS:]),
        len(held.row_ids),
    )


@dataclass(frozen=True, slots=True)
class LineageRows:
    """The rows that a measure counts and that hold on the day, oldest first."""

    row_ids: list[str]
    when: Column


def lineage_rows(
    rows: RowRanges, measure: Measure, window: Window, literal: Literal
) -> LineageRows:
    """Return the rows of one unit in a window whose signs sum above zero, by the day that places them."""
    own, placed = tally(rows.columns, measure, literal), rows.placed(measure.when)
    offset = rows.reference(measure.when) - placed
    keep = (
        (rows.columns["known"] <= rows.day)
        & (offset >= window.last)
        & (offset < (window.first or LIMIT))
    )
    keep &= (own.keep if own.keep is not None else True) & (
        own.valid if own.valid is not None else True
    )
    texts = np.asarray(rows.columns["row_id"], np.object_)[keep]
    net: dict[str, int] = defaultdict(int)
    when: dict[str, int] = {}
    for text, sign, day in zip(
        texts.tolist(), own.sign[keep].tolist(), placed[keep].tolist(), strict=True
    ):
        net[text] += sign
        when[text] = day
    live = sorted(
        (text for text, times in net.items() if times > 0), key=lambda text: (when[text], text)
    )
    return LineageRows(live, np.array([when[text] for text in live], np.int64))


def days_spanned(when: Column, as_of: int, *, monthly: bool) -> tuple[int, int]:
    """Return the first and last day that some rows speak of; the as-of day where there is no row."""
    if not len(when):
        return as_of, as_of
    if monthly:
        return first_day(int(when[0])), first_day(int(when[-1]) + 1) - 1
    return int(when[0]), int(when[-1])
