"""From a feature back to its rows: the facts that a case's value rests on, with table, rows and days."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from features.aggregates.aggregate import placed_by, tally
from features.aggregates.reader import Rows, store_rows
from features.aggregates.row_ranges import RowRanges, row_ranges
from features.aggregates.table_plan import read_by
from features.arrays import Column, Literal
from features.calendar import first_day
from features.cases import Cases, aggregation_units
from features.catalogue.language import LIMIT, Atom, atoms_of
from features.catalogue.model import Measure, Window
from features.engine.engine import Engine
from features.online.fact import Fact
from features.store.column_codes import literal_of, month_columns

NAMED_ROWS = 5
"""Rows that a fact names, the newest ones; a choice: enough to look one up."""
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


def feature_facts(
    engine: Engine, case: Cases, feature: str, rows: Rows | None = None
) -> list[Fact]:
    """Return the facts behind one feature of one case, those the formula names first; `rows` replaces the store."""
    atoms: list[Atom] = []
    for link in reversed(engine.catalogue.chain([feature])):
        atoms += sorted(atoms_of(link.tree), key=_order)
    facts = []
    # A feature and one that it names may share an aggregate: its fact stands where it comes first.
    for atom in dict.fromkeys(atoms):
        fact = _fact(engine, case, atom, rows or store_rows(engine.store))
        if fact is not None:
            facts.append(fact)
    return facts


def _order(atom: Atom) -> tuple[str, str, str]:
    """Order all atoms of a formula, whatever the order in which a process happens to hold them."""
    return atom.measure, atom.aggregate, atom.window


def _fact(engine: Engine, case: Cases, atom: Atom, rows: Rows) -> Fact | None:
    store, catalogue = engine.store, engine.catalogue
    measure = catalogue.measure(atom.measure)
    window = catalogue.windows[atom.window]
    units = aggregation_units(case, measure.by)
    if not len(units):
        return None
    columns_read = read_by(measure)
    months = month_columns(store, measure.table, columns_read)
    key = int(units.key[0])
    columns = (*sorted(columns_read - {measure.by}), "known", "sign", measure.by, "row_id")
    read = rows(measure.table, measure.by, key, key + 1, columns)
    literal = literal_of(store, measure.table)
    here = row_ranges(units, read[measure.by], read, months)
    placement = placed_by([measure], [atom], catalogue.windows, literal)
    value = placement.of(here)[atom][0]
    counted = lineage_rows(here, measure, window, literal)
    first, last = days_spanned(counted.when, int(case.as_of[0]), monthly=measure.when in months)
    unit, zh, en = SAID.get(atom.aggregate, ("", "", ""))
    return Fact(
        measure=atom.measure,
        table=measure.table,
        zh=measure.zh + zh,
        en=measure.en + en,
        value=None if np.isnan(value) else int(value),
        unit=unit or measure.unit,
        first=first,
        last=last,
        row_ids=tuple(counted.row_ids[-NAMED_ROWS:]),
        n_rows=len(counted.row_ids),
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
    measure_tally = tally(rows.columns, measure, literal)
    placed = rows.placed(measure.when)
    offset = rows.reference(measure.when) - placed
    keep = rows.columns["known"] <= rows.day
    keep &= offset >= window.last
    keep &= offset < (window.first or LIMIT)
    if measure_tally.keep is not None:
        keep &= measure_tally.keep
    if measure_tally.valid is not None:
        keep &= measure_tally.valid
    row_ids = np.asarray(rows.columns["row_id"], np.object_)[keep].tolist()
    signs = measure_tally.sign[keep].tolist()
    days = placed[keep].tolist()
    times: dict[str, int] = defaultdict(int)
    when: dict[str, int] = {}
    for row_id, sign, day in zip(row_ids, signs, days, strict=True):
        times[row_id] += sign
        when[row_id] = day
    live = [row_id for row_id in times if times[row_id] > 0]
    live.sort(key=lambda row_id: (when[row_id], row_id))
    days_of_live = [when[row_id] for row_id in live]
    return LineageRows(row_ids=live, when=np.array(days_of_live, np.int64))


def days_spanned(when: Column, as_of: int, *, monthly: bool) -> tuple[int, int]:
    """Return the first and last day that some rows speak of; the as-of day where there is no row."""
    if not len(when):
        return as_of, as_of
    first = int(when[0])
    last = int(when[-1])
    if monthly:
        return first_day(first), first_day(last + 1) - 1
    return first, last
