"""The reference: the language read literally, row by row in plain Python, from versions of which the latest one holds.

It shares no arithmetic with the evaluator or the compiler, and takes a window's meaning from the window's own name.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from features.calendar import date_of
from features.catalogue.joins import declared_joins
from features.catalogue.language import Atom, Peer, atom_of, peer_of
from features.catalogue.model import ALIASES, ENTITIES, KEYS, Catalogue, Join, Measure
from features.contract.tables import Column
from training.certificate.reference_language import (
    Row,
    Value,
    applied,
    days_of_hold,
    integer_value,
    operands,
    passes,
    recording_order,
    reduced,
)
from training.certificate.sample import Excerpt

RECENT = 90
"""Days for which a claim counts as living after it became known; stated here again, so that a change in the engine shows."""


@lru_cache(64)
def window_span(window: str) -> tuple[int, int | None]:
    """Return (last, first) of a window from its name: it holds the offsets last <= offset < first.

    >>> window_span("30d"), window_span("prev12m"), window_span("all")
    ((0, 30), (12, 24), (0, None))
    """
    if window == "all":
        return 0, None
    parts = re.fullmatch(r"(prev)?(\d+)[dm]", window)
    if parts is None:
        raise ValueError(window)
    width = int(parts[2])
    if parts[1]:
        return width, 2 * width
    return 0, width


def month_complete(day: int) -> int:
    """Return the last month that is over on a day: the day after it belongs to a later month."""
    after = date_of(day + 1)
    return after.year * 12 + after.month - 2


Mark = tuple[Any, ...]


class Reading:
    """What an excerpt says as of one day, and the features that follow from it."""

    def __init__(self, excerpt: Excerpt, catalogue: Catalogue, day: int) -> None:
        self._excerpt = excerpt
        self._catalogue = catalogue
        self._day = day
        self._columns: dict[str, dict[str, Column]] = {}
        self._tables: dict[str, list[Row]] = {}
        for name, table in excerpt.tables.items():
            self._columns[name] = {column.name: column for column in table.columns}
            self._tables[name] = self._rows_of_day(name)
        for join in declared_joins():
            if join.left in excerpt.tables and join.right in excerpt.tables:
                self._join(join)
        self._by: dict[tuple[str, str], dict[str, list[Row]]] = {}
        self._peers: dict[tuple[str, str, str], dict[Value, float]] = {}
        self._month_end: Reading | None = None

    def _rows_of_day(self, name: str) -> list[Row]:
        """Return the rows of a table that hold on the day: of each key the latest version, unless it takes the key back."""
        latest: dict[Mark, Row] = {}
        key = self._excerpt.tables[name].key
        for row in self._excerpt.frames[name].iter_rows(named=True):
            if row["recorded_on"] > self._day:
                continue
            mark = tuple(row[part] for part in key)
            before = latest.get(mark)
            if before is None or recording_order(row) > recording_order(before):
                latest[mark] = row
        return [row for row in latest.values() if not row["retracted"]]

    def _join(self, join: Join) -> None:
        """Read a join as a table: rows of the left with columns of each row of the right that has the same key."""
        on = join.on
        partners: dict[Mark, list[Row]] = defaultdict(list)
        for row in self._tables[join.right]:
            partners[tuple(row[part] for part in on)].append(row)
        columns = dict(self._columns[join.left])
        # a column that the left has too bears the name of the right table before its own
        prefix = join.right.removesuffix("s")
        new_names = {}
        for part in join.taken:
            if part not in on:
                new_names[part] = f"{prefix}_{part}" if part in self._columns[join.left] else part
        for part, new in new_names.items():
            columns[new] = self._columns[join.right][part]
        joined: list[Row] = []
        for row in self._tables[join.left]:
            mark = tuple(row[part] for part in on)
            if None in mark:
                continue
            for partner in partners[mark]:
                added = {new: partner[part] for part, new in new_names.items()}
                joined.append({**row, **added})
        self._columns[join.name] = columns
        self._tables[join.name] = joined

    def _under(self, table: str, by: str, key: Value) -> list[Row]:
        """Return the rows of a table that have a key in a column."""
        if (table, by) not in self._by:
            groups: dict[str, list[Row]] = defaultdict(list)
            for row in self._tables[table]:
                if row[by] is not None:
                    groups[row[by]].append(row)
            self._by[table, by] = groups
        return self._by[table, by].get(str(key), [])

    def registered(self, entity: str, unit: str) -> dict[str, Value] | None:
        """Return the keys of a unit by name, its closing day under `!`, None where the register does not have it."""
        table, when = ENTITIES[entity]
        unit_key, *other_keys = KEYS[entity]
        rows = self._under(table, unit_key, unit)
        if not any(row[when] <= self._day for row in rows):
            return None
        keys: dict[str, Value] = dict.fromkeys((unit_key, *ALIASES[entity]), unit)
        columns = self._columns[table]
        for name in other_keys:
            if name in columns:
                keys[name] = self._newest(entity, name, keys)
        ending = next((name for name in ("closed", "ended") if name in columns), None)
        if ending is not None:
            keys["!"] = self._newest(entity, ending, keys)
        return keys

    def _newest(self, entity: str, name: str, keys: Mapping[str, Value]) -> Value:
        """Return what the register says last of a unit in one column."""
        return self.atom(Atom("newest", f"{entity}_{name}", "all"), keys)

    def living(self, entity: str) -> list[str]:
        """Return the units that live on the day, in the order of their texts."""
        table, _ = ENTITIES[entity]
        unit_key = KEYS[entity][0]
        units = sorted({str(row[unit_key]) for row in self._tables[table]})
        if entity == "claim":
            first_days = self._first_days_of_claims()
            units = [unit for unit in units if first_days[unit] > self._day - RECENT]
        return [unit for unit in units if self._lives(entity, unit)]

    def _lives(self, entity: str, unit: str) -> bool:
        """Tell whether the register has a unit that has not ended by the day."""
        keys = self.registered(entity, unit)
        if keys is None:
            return False
        closed = keys.get("!")
        return closed is None or float(closed) > self._day

    def _first_days_of_claims(self) -> dict[str, int]:
        """Return the first day on which each claim held; of one that never did, the day after this."""
        versions: dict[str, list[Row]] = defaultdict(list)
        for row in self._excerpt.frames["claims"].iter_rows(named=True):
            versions[row["claim"]].append(row)
        first_days = {}
        for claim, rows in versions.items():
            rows.sort(key=recording_order)
            first_days[claim] = min(days_of_hold(rows), default=self._day + 1)
        return first_days

    def features(self, entity: str, unit: str, names: Iterable[str]) -> dict[str, Value]:
        """Return features of a living unit by name: numbers, texts for categories, None where missing."""
        keys = self.registered(entity, unit)
        assert keys is not None
        values: dict[str, Value] = {}
        for feature in self._catalogue.chain(list(names)):
            values[feature.name] = self._formula(feature.tree, entity, keys, values)
        return values

    def _formula(
        self, tree: ast.expr, entity: str, keys: Mapping[str, Value], values: Mapping[str, Value]
    ) -> Value:
        if (atom := atom_of(tree)) is not None:
            return self.atom(atom, keys)
        if (peer := peer_of(tree)) is not None:
            return self._peer(peer, entity, keys)
        if isinstance(tree, ast.Constant):
            return float(tree.value)  # type: ignore[arg-type]
        if isinstance(tree, ast.Name):
            return float(self._day) if tree.id == "as_of" else values[tree.id]
        parts = [self._formula(part, entity, keys, values) for part in operands(tree)]
        return applied(tree, parts)

    def _peer(self, peer: Peer, entity: str, keys: Mapping[str, Value]) -> Value:
        """Return the median of a feature over the units that share a key, as of the last month end."""
        name = (entity, peer.feature, peer.by)
        if name not in self._peers:
            self._peers[name] = self._at_month_end()._medians(peer, entity)
        return self._peers[name].get(keys[peer.by])

    def _medians(self, peer: Peer, entity: str) -> dict[Value, float]:
        """Return by key the median of a feature over living units; of an even number, the lower middle one."""
        values_by_key: dict[Value, list[float]] = defaultdict(list)
        for unit in self.living(entity):
            keys = self.registered(entity, unit)
            value = self.features(entity, unit, [peer.feature])[peer.feature]
            if keys is not None and keys[peer.by] is not None and value is not None:
                values_by_key[keys[peer.by]].append(float(value))
        medians = {}
        for key, values in values_by_key.items():
            middle = (len(values) - 1) // 2
            medians[key] = sorted(values)[middle]
        return medians

    def _at_month_end(self) -> Reading:
        """Return the reading of the last month end that is over, or of the first day of the history where that is later."""
        month = month_complete(self._day) + 1
        next_month = date(month // 12, month % 12 + 1, 1)
        month_end = (next_month - date(1970, 1, 1)).days - 1
        day = max(month_end, self._first_day(month_end))
        if day == self._day:
            return self
        if self._month_end is None:
            self._month_end = Reading(self._excerpt, self._catalogue, day)
        return self._month_end

    def _first_day(self, default: int) -> int:
        """Return the first day on which a row was recorded; `default` where there is none."""
        frames = [frame for frame in self._excerpt.frames.values() if frame.height]
        days = [int(frame["recorded_on"].min()) for frame in frames]  # type: ignore[arg-type]
        return min(days, default=default)

    def atom(self, atom: Atom, keys: Mapping[str, Value]) -> Value:
        """Return an aggregate of the rows under a unit's key."""
        measure = self._catalogue.measure(atom.measure)
        key = keys[measure.by]
        if key is None:
            return None
        span = window_span(atom.window)
        columns = self._columns[measure.table]
        monthly = bool(measure.when) and columns[measure.when].kind == "month"
        now = month_complete(self._day) if monthly else self._day
        members = self._members(measure, key, now, span)
        return reduced(atom.aggregate, members, span, _order_of(measure.value, columns))

    def _members(
        self, measure: Measure, key: Value, now: int, span: tuple[int, int | None]
    ) -> list[tuple[int, Any]]:
        """Return (offset before `now`, value) of the rows in a window that meet the measure's filter."""
        last, first = span
        members: list[tuple[int, Any]] = []
        for row in self._under(measure.table, measure.by, key):
            when = row[measure.when] if measure.when else now
            if when is None or (measure.filter is not None and not passes(measure.filter, row)):
                continue
            offset = now - when
            if offset >= last and (first is None or offset < first):
                members.append((offset, integer_value(measure.value, row)))
        return members


def _order_of(value: ast.expr, columns: Mapping[str, Column]) -> Callable[[Any], Any]:
    """Return by what a measure's values are ordered: the choices of a column as they are declared, all else by itself."""
    if isinstance(value, ast.Name):
        column = columns.get(value.id)
        if column is not None and column.kind == "choice":
            return column.choices.index
    return _itself


def _itself(value: Any) -> Any:
    return value
