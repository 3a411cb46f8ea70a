"""The label proof: each case's label, computed a second time row by row in plain Python, must agree with the data set's.

It must also come from the case's window alone, and rest on no row that was known by the case's own day.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from features.calendar import day_of
from features.catalogue.syntax import parse_row
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.store.store import Store
from training.certificate.reference_language import (
    Row,
    days_of_hold,
    passes,
    recording_order,
)
from training.certificate.sample import Excerpt
from training.certificate.split_check import PARTED, part_faults
from training.data.cases import TRAIN, TargetCases
from training.data.dataset import labelled
from training.data.labels import SUBJECT

FOREVER = 2**31
"""The closing day of a visit that is open: above every day that int32 holds."""
READING = ("label", "day")
"""What may be asked of altered rows too; in them a finding may stand before its visit."""
FAULTS = (*READING, "known by its day", *PARTED)


Key = tuple[Any, ...]


class TableSnapshot:
    """The rows of an excerpt as known by the end of a day, `last`, and the versions of each business key up to then."""

    def __init__(self, excerpt: Excerpt, last: int) -> None:
        self.last = last
        self._excerpt = excerpt
        self._last_rows: dict[str, dict[Key, Row]] = {}
        self._versions_by_key: dict[str, dict[Key, list[Row]]] = {}

    def rows(self, table: str) -> dict[Key, Row]:
        """Return the rows of a table that hold on the day, by business key."""
        if table not in self._last_rows:
            self._read(table)
        return self._last_rows[table]

    def versions(self, table: str) -> dict[Key, list[Row]]:
        """Return by business key the versions that ever held, in their order; one superseded on its own day never did."""
        if table not in self._versions_by_key:
            self._read(table)
        return self._versions_by_key[table]

    def _read(self, table: str) -> None:
        last_rows: dict[Key, Row] = {}
        daily_versions: dict[Key, list[Row]] = {}
        for mark, versions in self._recorded(table).items():
            last = versions[-1]
            if not last["retracted"]:
                last_rows[mark] = last
            days = days_of_hold(versions)
            # of a day's versions the last one held
            version_of_day = {row["recorded_on"]: row for row in versions}
            daily_versions[mark] = [version_of_day[day] for day in days]
        self._last_rows[table] = last_rows
        self._versions_by_key[table] = daily_versions

    def _recorded(self, table: str) -> dict[Key, list[Row]]:
        """Return the versions of each business key of a table, in the order of their recording."""
        key = self._excerpt.tables[table].key
        versions: dict[Key, list[Row]] = defaultdict(list)
        rows = self._excerpt.frames[table].iter_rows(named=True)
        recorded = [row for row in rows if row["recorded_on"] <= self.last]
        for row in sorted(recorded, key=recording_order):
            mark = tuple(row[part] for part in key)
            versions[mark].append(row)
        return versions


class Look(NamedTuple):
    """A visit or a review: its label (NaN where it has none), and the first day on which any row told that label."""

    id: str
    subject: str
    opened: int
    closed: int
    label: float
    first_told: int


VERDICTS = ("fraud", "clean")


def looks_of(snapshot: TableSnapshot, target: Target) -> Iterator[Look]:
    """Yield each review of a claim target, each visit of any other."""
    if target.unit == "claim":
        return _reviews(snapshot)
    return _visits(snapshot, target)


def _reviews(snapshot: TableSnapshot) -> Iterator[Look]:
    """Yield each review of a claim; a claim is looked at by its review alone, so it opens on the day it closes."""
    versions = snapshot.versions("claim_reviews")
    for (claim,), row in snapshot.rows("claim_reviews").items():
        closed = _closing_day(row)
        outcome = row["outcome"]
        label = np.nan
        if outcome in VERDICTS and closed <= snapshot.last:
            label = float(outcome == "fraud")
        told_days = [
            version["recorded_on"] for version in versions[claim,] if version["outcome"] in VERDICTS
        ]
        first_told = min(told_days, default=FOREVER)
        yield Look(claim, claim, closed, closed, label, first_told)


def _visits(snapshot: TableSnapshot, target: Target) -> Iterator[Look]:
    """Yield each visit of the target's population to a subject that it names; one that did not examine has no label."""
    visit_versions = snapshot.versions("inspections")
    finding_days = _finding_days(snapshot, target)
    tree = _visits_condition(target)
    subject_column = SUBJECT[target.unit]
    examined_column = f"examined_{target.violation}"
    for (visit,), row in snapshot.rows("inspections").items():
        subject = row[subject_column]
        if subject is None or (tree is not None and not passes(tree, row)):
            continue
        closed = _closing_day(row)
        label = np.nan
        if row[examined_column] == 1 and closed <= snapshot.last:
            label = float(visit in finding_days)
        told_days = [
            version["recorded_on"]
            for version in visit_versions[visit,]
            if version[examined_column] == 1 and version["closed_on"] is not None
        ]
        first_told = min([*told_days, finding_days.get(visit, FOREVER)])
        yield Look(visit, subject, row["opened"], closed, label, first_told)


def _visits_condition(target: Target) -> ast.expr | None:
    """Return the condition that a visit of the target's population meets; None where it has none."""
    if not target.population or not target.population.visits:
        return None
    return parse_row(target.population.visits, "population visits")


def _finding_days(snapshot: TableSnapshot, target: Target) -> dict[str, int]:
    """Return by visit the day on which its finding of the target's violation was first told."""
    versions = snapshot.versions("findings")
    days = {}
    for mark in snapshot.rows("findings"):
        visit, violation = mark[0], mark[1]
        if violation == target.violation:
            days[visit] = versions[mark][0]["recorded_on"]
    return days


def _closing_day(row: Row) -> int:
    closed: int | None = row["closed_on"]
    if closed is None:
        return FOREVER
    return closed


def faults_of(store: Store, excerpt: Excerpt, kinds: Collection[str]) -> dict[str, dict[str, int]]:
    """Return by declared target what is wrong with its cases; targets that these rows cannot make are passed over."""
    faults_by_target: dict[str, dict[str, int]] = {}
    for name, target in store.source.target.items():
        try:
            cases = labelled(store, name)
        except TargetError:
            continue
        texts = store.texts(SUBJECT[target.unit])
        subjects = [texts[code] for code in cases.subject.tolist()]
        every = label_faults(excerpt, target, cases, subjects)
        every |= part_faults(name, target, cases)
        faults = {kind: count for kind, count in every.items() if kind in kinds}
        if faults:
            faults_by_target[name] = faults
    return faults_by_target


def label_faults(
    excerpt: Excerpt, target: Target, cases: TargetCases, subjects: list[str]
) -> dict[str, int]:
    """Return how many cases have another label than a literal reading, another as-of day, or a label known by that day.

    `subjects` holds the identifier of each case's subject.
    """
    trains = cases.part == TRAIN
    faults: dict[str, int] = defaultdict(int)
    # a model learned before the test began, so what trains may only know the rows of that time
    for last, is_part in (
        (_first_test_day(target), trains),
        (excerpt.complete_to, ~trains),
    ):
        places = np.flatnonzero(is_part)
        snapshot = TableSnapshot(excerpt, min(last, excerpt.complete_to))
        names = [subjects[place] for place in places.tolist()]
        for kind, count in _faults_of_part(snapshot, target, cases.take(places), names).items():
            faults[kind] += count
    return {name: count for name, count in faults.items() if count}


def _first_test_day(target: Target) -> int:
    """Return the first as-of day of the test, of a visit its eve; FOREVER where groups and no days part the cases."""
    if target.judged is not None:
        return FOREVER
    assert target.split is not None
    begin = day_of(target.split.test_from)
    return begin - 1 if target.unit == "inspection" else begin


def _faults_of_part(
    snapshot: TableSnapshot, target: Target, cases: TargetCases, subjects: list[str]
) -> dict[str, int]:
    """Return the faults of cases that are read from the rows known on one day."""
    faults: dict[str, int] = defaultdict(int)
    for place, expected in enumerate(_expected(snapshot, target, cases, subjects)):
        as_of = int(cases.as_of[place])
        label = float(cases.label[place])
        is_missing = bool(np.isnan(label))
        # NaN differs from itself, so two labels that are missing are compared apart
        agrees = label == expected.label or (is_missing and np.isnan(expected.label))
        is_known_by_its_day = expected.first_told <= as_of and not is_missing
        is_of_other_day = expected.day is not None and expected.day != as_of
        faults["label"] += not agrees
        faults["known by its day"] += is_known_by_its_day
        faults["day"] += is_of_other_day
    return faults


class Expected(NamedTuple):
    """What a literal reading says of a case: its label, the day on which it was first told, and its as-of day.

    `day` is None where the target declares the as-of days.
    """

    label: float
    first_told: int
    day: int | None


def _expected(
    snapshot: TableSnapshot, target: Target, cases: TargetCases, subjects: list[str]
) -> Iterator[Expected]:
    """Yield what each case should be, in their order."""
    if target.label == "event":
        return _expected_of_events(snapshot, target, cases, subjects)
    if target.unit in ("inspection", "claim"):
        return _expected_of_looks(snapshot, target, cases)
    looks: dict[str, list[Look]] = defaultdict(list)
    for look in looks_of(snapshot, target):
        looks[look.subject].append(look)
    return _expected_of_days(looks, target, cases, subjects)


def _expected_of_looks(
    snapshot: TableSnapshot, target: Target, cases: TargetCases
) -> Iterator[Expected]:
    """Yield what each case should be that is a visit or a review by itself."""
    looks = {look.id: look for look in looks_of(snapshot, target)}
    for place, case in enumerate(cases.ids.tolist()):
        look = looks.get(case)
        day = _as_of_day(snapshot, target, case, look)
        if look is None:
            yield Expected(np.nan, FOREVER, day)
            continue
        end = int(cases.as_of[place]) + target.horizon
        # without a horizon a look counts whenever it closed
        is_late = target.horizon and look.closed > end
        label = np.nan if is_late else look.label
        yield Expected(label, look.first_told, day)


def _as_of_day(snapshot: TableSnapshot, target: Target, case: str, look: Look | None) -> int | None:
    """Return the day from which a case is seen: a claim's first day, or the eve of a visit."""
    if target.unit == "claim":
        return int(snapshot.versions("claims")[case,][0]["recorded_on"])
    return None if look is None else look.opened - 1


def _expected_of_days(
    looks: Mapping[str, list[Look]], target: Target, cases: TargetCases, subjects: list[str]
) -> Iterator[Expected]:
    """Yield what each case should be that a unit and a day make: any violation found by looks inside its window."""
    for place, subject in enumerate(subjects):
        day = int(cases.as_of[place])
        end = day + target.horizon
        labels = []
        told_days = []
        for look in looks.get(subject, ()):
            is_inside = day < look.opened and look.closed <= end
            if is_inside and not np.isnan(look.label):
                labels.append(look.label)
                told_days.append(look.first_told)
        yield Expected(max(labels, default=np.nan), min(told_days, default=FOREVER), None)


def _expected_of_events(
    snapshot: TableSnapshot, target: Target, cases: TargetCases, subjects: list[str]
) -> Iterator[Expected]:
    """Yield what each case should be whose label is an event: whether one happened inside its window."""
    table = _table(target)
    happened = _events(target, [[row] for row in snapshot.rows(table).values()])
    # a version that was corrected since may have told the event first
    ever_told = _events(target, snapshot.versions(table).values())
    for place, subject in enumerate(subjects):
        day = int(cases.as_of[place])
        end = day + target.horizon
        days = [when for when, _ in happened.get(subject, ()) if day < when <= end]
        told_days = [told_day for when, told_day in ever_told.get(subject, ()) if day < when <= end]
        # before the horizon is over nobody can say that nothing happened
        label = float(bool(days)) if end <= snapshot.last else np.nan
        yield Expected(label, min(told_days, default=FOREVER), None)


def _table(target: Target) -> str:
    assert target.event is not None
    return target.event.table


def _events(target: Target, versions: Iterable[list[Row]]) -> dict[str, list[tuple[int, int]]]:
    """Return by subject the days of the target's events among versions, each with the day of its recording."""
    event = target.event
    assert event is not None
    tree = parse_row(event.filter, "event filter") if event.filter else None
    subject_column = SUBJECT[target.unit]
    by_subject: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in chain.from_iterable(versions):
        subject = row[subject_column]
        when = row[event.when]
        if subject is None or when is None:
            continue
        if tree is None or passes(tree, row):
            by_subject[subject].append((when, row["recorded_on"]))
    return by_subject
