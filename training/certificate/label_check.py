"""The label proof: every case's label read again literally, from its window alone, and resting on no row known by its day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from features.catalogue.language import parse_row
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.store.store import Store
from training.certificate.reference_language import Row, days_of_hold, passes
from training.certificate.sample import Excerpt
from training.certificate.split_check import PARTED, part_faults
from training.data.cases import TargetCases
from training.data.dataset import labelled
from training.data.labels import SUBJECT

FOREVER = 2**31
READING = ("label", "day")
"""What may be asked of altered rows too; in them a finding may stand before its visit."""
FAULTS = (*READING, "known by its day", *PARTED)


class Later:
    """What an excerpt says on its last day, and from which day on each key was there."""

    def __init__(self, excerpt: Excerpt) -> None:
        self._excerpt = excerpt
        self._held: dict[str, dict[tuple[Any, ...], Row]] = {}
        self._first: dict[str, dict[tuple[Any, ...], int]] = {}

    def rows(self, table: str) -> dict[tuple[Any, ...], Row]:
        """Return the rows of a table that hold on the last day, by business key."""
        if table not in self._held:
            self._read(table)
        return self._held[table]

    def first(self, table: str) -> dict[tuple[Any, ...], int]:
        """Return by business key the first day on which a version of it held; one superseded on its own day never did."""
        if table not in self._first:
            self._read(table)
        return self._first[table]

    def _read(self, table: str) -> None:
        versions: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        frame = self._excerpt.frames[table]
        rows = sorted(
            frame.iter_rows(named=True),
            key=lambda row: (row["recorded_on"], len(row["row_id"]), row["row_id"]),
        )
        for row in rows:
            versions[tuple(row[part] for part in self._excerpt.tables[table].key)].append(row)
        self._held[table] = {
            mark: rows[-1] for mark, rows in versions.items() if not rows[-1]["retracted"]
        }
        self._first[table] = {
            mark: min(days) for mark, rows in versions.items() if (days := days_of_hold(rows))
        }


def looks_of(
    later: Later, target: Target, last: int
) -> Iterator[tuple[str, str, int, int, float, int]]:
    """Yield (id, subject, opened, closed, label or NaN, day from which the label was known) of each look."""
    if target.unit == "claim":
        for (claim,), row in later.rows("claim_reviews").items():
            closed = FOREVER if row["closed_on"] is None else row["closed_on"]
            told = row["outcome"] in ("fraud", "clean") and closed <= last
            label = float(row["outcome"] == "fraud") if told else np.nan
            yield claim, claim, closed, closed, label, later.first("claim_reviews")[claim,]
        return
    found = {
        mark[0]: later.first("findings")[mark]
        for mark in later.rows("findings")
        if mark[1] == target.violation
    }
    condition = target.population.visits if target.population else ""
    tree = parse_row(condition, "population visits") if condition else None
    for (visit,), row in later.rows("inspections").items():
        subject = row[SUBJECT[target.unit]]
        if subject is None or (tree is not None and not passes(tree, row)):
            continue
        closed = FOREVER if row["closed_on"] is None else row["closed_on"]
        told = row[f"examined_{target.violation}"] == 1 and closed <= last
        known = min(found.get(visit, FOREVER), row["recorded_on"])
        yield (
            visit,
            subject,
            row["opened"],
            closed,
            float(visit in found) if told else np.nan,
            known,
        )


def faults_of(store: Store, excerpt: Excerpt, kinds: Collection[str]) -> dict[str, dict[str, int]]:
    """Return by declared target what is wrong with its cases; targets that these rows cannot make are passed over."""
    found: dict[str, dict[str, int]] = {}
    for name, target in store.source.target.items():
        try:
            cases = labelled(store, name)
        except TargetError:
            continue
        texts = store.texts(SUBJECT[target.unit])
        every = label_faults(
            excerpt, target, cases, [texts[code] for code in cases.subject.tolist()]
        )
        every |= part_faults(name, target, cases)
        faults = {kind: every[kind] for kind in every if kind in kinds}
        if faults:
            found[name] = faults
    return found


def label_faults(
    excerpt: Excerpt, target: Target, cases: TargetCases, subjects: list[str]
) -> dict[str, int]:
    """Return how many cases have a label that a literal reading does not give, look from the wrong day, or know too soon.

    `subjects` holds the identifier of each case's subject.
    """
    later = Later(excerpt)
    faults: dict[str, int] = defaultdict(int)
    expected = (
        _of_events(later, target, cases, subjects)
        if target.label == "event"
        else _of_looks(later, target, cases, excerpt.complete_to)
        if target.unit in ("inspection", "claim")
        else _of_days(later, target, cases, subjects, excerpt.complete_to)
    )
    for place, (label, known, day) in enumerate(expected):
        said = float(cases.label[place])
        faults["label"] += not (said == label or (np.isnan(said) and np.isnan(label)))
        faults["known by its day"] += known <= int(cases.as_of[place]) and not np.isnan(said)
        faults["day"] += day is not None and day != int(cases.as_of[place])
    return {name: count for name, count in faults.items() if count}


Expected = Iterator[tuple[float, int, int | None]]


def _of_looks(later: Later, target: Target, cases: TargetCases, last: int) -> Expected:
    looks = {look[0]: look for look in looks_of(later, target, last)}
    heard = later.first("claims") if target.unit == "claim" else {}
    for place, case in enumerate(cases.ids.tolist()):
        day = (
            heard[case,]
            if target.unit == "claim"
            else looks[case][2] - 1
            if case in looks
            else None
        )
        if case not in looks:
            yield np.nan, FOREVER, day
            continue
        _, _, _, closed, label, known = looks[case]
        late = target.horizon and closed > int(cases.as_of[place]) + target.horizon
        yield np.nan if late else label, known, day


def _of_days(
    later: Later, target: Target, cases: TargetCases, subjects: list[str], last: int
) -> Expected:
    by_subject = defaultdict(list)
    for look in looks_of(later, target, last):
        by_subject[look[1]].append(look)
    for place, subject in enumerate(subjects):
        day = int(cases.as_of[place])
        inside = [
            look
            for look in by_subject[subject]
            if day < look[2] and look[3] <= day + target.horizon and not np.isnan(look[4])
        ]
        yield (
            max((look[4] for look in inside), default=np.nan),
            min((look[5] for look in inside), default=FOREVER),
            None,
        )


def _of_events(later: Later, target: Target, cases: TargetCases, subjects: list[str]) -> Expected:
    event = target.event
    assert event is not None
    tree = parse_row(event.filter, "event filter") if event.filter else None
    by_subject: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for mark, row in later.rows(event.table).items():
        subject, when = row[SUBJECT[target.unit]], row[event.when]
        if subject is not None and when is not None and (tree is None or passes(tree, row)):
            by_subject[subject].append((when, later.first(event.table)[mark]))
    for place, subject in enumerate(subjects):
        day = int(cases.as_of[place])
        inside = [
            known for when, known in by_subject[subject] if day < when <= day + target.horizon
        ]
        yield float(bool(inside)), min(inside, default=FOREVER), None
