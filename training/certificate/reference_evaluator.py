"""The reference: the language read literally, row by row in plain Python, from versions of which the latest one holds.

It shares no arithmetic with the evaluator or the compiler, and takes a window's meaning from the window's own name.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from features.calendar import date_of
from features.catalogue import Catalogue, declared_joins
from features.catalogue.language import Atom, Peer, atom_of, peer_of
from features.catalogue.model import ALIASES, ENTITIES, KEYS
from training.certificate.reference_language import (
    Row,
    Value,
    applied,
    days_of_hold,
    integer_value,
    operands,
    passes,
    reduced,
)
from training.certificate.sample import Excerpt

RECENT = 90


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
    return (width, 2 * width) if parts[1] else (0, width)


def month_complete(day: int) -> int:
    """Return the last month that is over on a day: the day after it belongs to a later month."""
    after = date_of(day + 1)
    return after.year * 12 + after.month - 2


class Reading:
    """What an excerpt says as of one day, and the features that follow from it."""

    def __init__(self, excerpt: Excerpt, catalogue: Catalogue, day: int) -> None:
        self._excerpt, self._catalogue, self._day = excerpt, catalogue, day
        self._columns = {
            name: {c.name: c for c in table.columns} for name, table in excerpt.tables.items()
        }
        self._tables = {name: self._held(name) for name in excerpt.tables}
        for join in declared_joins():
            if join.left in excerpt.tables and join.right in excerpt.tables:
                self._join(join.name, join.left, join.right, join.on, join.taken)
        self._by: dict[tuple[str, str], dict[str, list[Row]]] = {}
        self._peers: dict[tuple[str, str, str], dict[Value, float]] = {}
        self._month_end: Reading | None = None

    def _held(self, name: str) -> list[Row]:
        """Return the rows of a table that hold on the day: of each key the latest version, unless it takes the key back."""
        latest: dict[tuple[Any, ...], Row] = {}
        order = "recorded_on", "row_id"
        key = self._excerpt.tables[name].key
        for row in self._excerpt.frames[name].iter_rows(named=True):
            if row["recorded_on"] > self._day:
                continue
            mark = tuple(row[part] for part in key)
            before = latest.get(mark)
            rank = (row[order[0]], len(row[order[1]]), row[order[1]])
            if before is None or rank > (before[order[0]], len(before[order[1]]), before[order[1]]):
                latest[mark] = row
        return [row for row in latest.values() if not row["retracted"]]

    def _join(
        self, name: str, left: str, right: str, on: Iterable[str], taken: Iterable[str]
    ) -> None:
        on = tuple(on)
        there: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in self._tables[right]:
            there[tuple(row[part] for part in on)].append(row)
        own = self._columns[left]
        named = {
            part: f"{right.removesuffix('s')}_{part}" if part in own else part
            for part in taken
            if part not in on
        }
        self._columns[name] = own | {new: self._columns[right][part] for part, new in named.items()}
        self._tables[name] = [
            {**row, **{new: other[part] for part, new in named.items()}}
            for row in self._tables[left]
            if None not in [row[part] for part in on]
            for other in there[tuple(row[part] for part in on)]
        ]

    def _under(self, table: str, by: str, key: Value) -> list[Row]:
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
        rows = [row for row in self._under(table, KEYS[entity][0], unit) if row[when] <= self._day]
        if not rows:
            return None
        ending = next((name for name in ("closed", "ended") if name in self._columns[table]), None)
        keys: dict[str, Value] = dict.fromkeys((KEYS[entity][0], *ALIASES[entity]), unit)
        for name in (*KEYS[entity][1:], *([ending] if ending else [])):
            if name in self._columns[table]:
                keys["!" if name == ending else name] = self.atom(
                    Atom("newest", f"{entity}_{name}", "all"), keys
                )
        return keys

    def living(self, entity: str) -> list[str]:
        """Return the units that live on the day, in the order of their texts."""
        table, _ = ENTITIES[entity]
        own = KEYS[entity][0]
        units = sorted({str(row[own]) for row in self._tables[table]})
        if entity == "claim":
            first = self._first_known()
            units = [unit for unit in units if first[unit] > self._day - RECENT]
        found = []
        for unit in units:
            keys = self.registered(entity, unit)
            closed = keys.get("!") if keys else None
            if keys is not None and (closed is None or float(closed) > self._day):
                found.append(unit)
        return found

    def _first_known(self) -> dict[str, int]:
        versions: dict[str, list[Row]] = defaultdict(list)
        for row in self._excerpt.frames["claims"].iter_rows(named=True):
            versions[row["claim"]].append(row)
        found = {}
        for claim, rows in versions.items():
            rows.sort(key=lambda row: (row["recorded_on"], len(row["row_id"]), row["row_id"]))
            found[claim] = min(days_of_hold(rows), default=self._day + 1)
        return found

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
        there = self._at_month_end()
        known = (entity, peer.feature, peer.by)
        if known not in self._peers:
            found: dict[Value, list[float]] = defaultdict(list)
            for unit in there.living(entity):
                own = there.registered(entity, unit)
                value = there.features(entity, unit, [peer.feature])[peer.feature]
                if own is not None and own[peer.by] is not None and value is not None:
                    found[own[peer.by]].append(float(value))
            self._peers[known] = {
                key: sorted(some)[(len(some) - 1) // 2] for key, some in found.items()
            }
        return self._peers[known].get(keys[peer.by])

    def _at_month_end(self) -> Reading:
        month = month_complete(self._day) + 1
        day = (date(month // 12, month % 12 + 1, 1) - date(1970, 1, 1)).days - 1
        first = min(
            (
                int(frame["recorded_on"].min())  # type: ignore[arg-type]
                for frame in self._excerpt.frames.values()
                if frame.height
            ),
            default=day,
        )
        if max(day, first) == self._day:
            return self
        if self._month_end is None:
            self._month_end = Reading(self._excerpt, self._catalogue, max(day, first))
        return self._month_end

    def atom(self, atom: Atom, keys: Mapping[str, Value]) -> Value:
        """Return an aggregate of the rows under a unit's key."""
        measure = self._catalogue.measure(atom.measure)
        key = keys[measure.by]
        if key is None:
            return None
        last, first = window_span(atom.window)
        columns = self._columns[measure.table]
        monthly = bool(measure.when) and columns[measure.when].kind == "month"
        now = month_complete(self._day) if monthly else self._day
        members: list[tuple[int, Any]] = []
        for row in self._under(measure.table, measure.by, key):
            when = row[measure.when] if measure.when else self._day
            if when is None or (measure.filter is not None and not passes(measure.filter, row)):
                continue
            offset = now - when if measure.when else 0
            if offset >= last and (first is None or offset < first):
                members.append((offset, integer_value(measure.value, row)))
        column = columns.get(measure.value.id) if isinstance(measure.value, ast.Name) else None
        order = column.choices.index if column and column.kind == "choice" else _itself
        return reduced(atom.aggregate, members, (last, first), order)


def _itself(value: Any) -> Any:
    return value
