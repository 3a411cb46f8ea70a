"""The features of a model on two days: which have moved, of which tables, and categories that training never saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.catalogue.joins import base_tables
from features.matrix import Matrix
from models.bundle.manifest import FrozenFeature, Manifest
from training.monitor.causes import MovedTable, moved_tables
from training.monitor.feature_drift import FeatureDrift, Shift, WatchedColumn, feature_drift
from training.monitor.limits import MonitorLimits
from training.monitor.shared_values import DayUnits, compared_once

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NeverSeen:
    """Texts of a category that training never saw, and how many units have one: to the model they are missing."""

    feature: str
    texts: tuple[str, ...]
    units: int


@dataclass(frozen=True, slots=True, eq=False)
class WatchedFeatures:
    """The drift of each feature, the tables that explain what moved, the features that moved alone, and new texts."""

    drifts: tuple[FeatureDrift, ...]
    moved: dict[str, tuple[str, ...]]
    tables: tuple[MovedTable, ...]
    tables_of: dict[str, tuple[str, ...]]
    never_seen: tuple[NeverSeen, ...]

    @property
    def alone(self) -> tuple[str, ...]:
        """The features that moved and that no table explains."""
        explained = set(chain.from_iterable(table.moved for table in self.tables))
        return tuple(name for name in self.moved if name not in explained)

    def resting_on(self, table: str) -> int:
        """Return how many features rest on a table."""
        return sum(table in tables for tables in self.tables_of.values())

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "tested": len(self.drifts),
            "moved": len(self.moved),
            "tables": [_table_row(each) for each in self.tables],
            "alone": list(self.alone),
            "never_seen": [_seen_row(each) for each in self.never_seen],
            "rows": [self._row(drift) for drift in self.drifts],
        }

    def _row(self, drift: FeatureDrift) -> dict[str, Any]:
        return {
            "feature": drift.name,
            "tables": list(self.tables_of[drift.name]),
            "moved": list(self.moved.get(drift.name, ())),
            "values": _shift(drift.values),
            "missing": _shift(drift.missing),
            "missing_then": drift.missing_then,
            "missing_now": drift.missing_now,
        }


def _table_row(each: MovedTable) -> dict[str, Any]:
    return {"table": each.table, "moved": list(each.moved), "features": each.features}


def _seen_row(each: NeverSeen) -> dict[str, Any]:
    return {"feature": each.feature, "texts": list(each.texts), "units": each.units}


def _shift(shift: Shift) -> dict[str, float | None]:
    return {"psi": shift.psi, "chance": shift.chance}


def watched_features(
    manifest: Manifest, then: DayUnits, now: DayUnits, limits: MonitorLimits
) -> WatchedFeatures:
    """Return the drift of a model's features between the units of two days."""
    drifts = feature_drift(_columns(manifest, then, now), limits)
    moved = {drift.name: parts for drift in drifts if (parts := drift.moved(limits))}
    tables_of = {
        feature.name: tuple(sorted(base_tables(feature.tables))) for feature in manifest.features
    }
    return WatchedFeatures(
        drifts=tuple(drifts),
        moved=moved,
        tables=tuple(moved_tables(tables_of, set(moved), limits)),
        tables_of=tables_of,
        never_seen=tuple(never_seen(manifest, now.matrix)),
    )


def _columns(manifest: Manifest, then: DayUnits, now: DayUnits) -> list[WatchedColumn]:
    """Return the features of both days, those that units share once for each code of the key that they share."""
    shared_then, shared_now = then.sharing(), now.sharing()
    columns = []
    for feature in manifest.features:
        before = (_values(feature, then.matrix), shared_then)
        after = (_values(feature, now.matrix), shared_now)
        once = compared_once(before, after)
        columns.append(WatchedColumn(feature.name, *once, feature.categories is not None))
    return columns


def _values(feature: FrozenFeature, matrix: Matrix) -> Floats:
    """Return a feature's values, a category's in the codes of training; texts that it never saw share the next code."""
    column = matrix.column(feature.name)
    if feature.categories is None:
        return column
    codes = {text: float(code) for code, text in enumerate(feature.categories)}
    new = float(len(codes))
    table = np.array([codes.get(text, new) for text in matrix.categories[feature.name]] + [np.nan])
    place = np.where(np.isnan(column), len(table) - 1, column)
    return np.asarray(table[place.astype(np.int64)])


def never_seen(manifest: Manifest, now: Matrix) -> Iterator[NeverSeen]:
    """Yield the categories of which some unit has a text that is not frozen in the model."""
    for feature in manifest.features:
        if feature.categories is None:
            continue
        texts = np.array(now.categories[feature.name], np.str_)
        is_new = ~np.isin(texts, feature.categories)
        column = now.column(feature.name)
        units = np.bincount(column[~np.isnan(column)].astype(np.int64), minlength=len(texts))
        seen = is_new & (units > 0)
        if seen.any():
            yield NeverSeen(feature.name, tuple(texts[seen].tolist()), int(units[seen].sum()))
