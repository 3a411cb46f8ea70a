"""Answers from a scored day: the rows that a request finds there, and the record that names them made whole again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from serving.day.scored_day import DayRow, PublishedDay, ScoredDay
from serving.errors import DayUnusable
from serving.ledger.day_reference import DayReference, RowReference, day_folder, is_of_day
from serving.ledger.record import Case, Record
from serving.scoring.transcript import AnswerFrame, framed_answer

LOG = logging.getLogger("lssi.day")


def day_for(days: Mapping[str, PublishedDay], target: str, entity: str) -> PublishedDay | None:
    """Return the scored day of a target of an entity; None where it has none."""
    published = days.get(target)
    return published if published and published.day.manifest.entity == entity else None


def rows_with_reasons(published: PublishedDay | None, ids: Sequence[str]) -> dict[str, DayRow]:
    """Return by id the rows that a day has with their reasons; none of a day that is damaged there."""
    rows = rows_of_ids(published, ids)
    return {key: row for key, row in rows.items() if row.has_reasons}


def rows_of_ids(published: PublishedDay | None, ids: Sequence[str]) -> dict[str, DayRow]:
    """Return by id the rows that a day has; what is damaged is left out, to be computed, and the log says so."""
    rows: dict[str, DayRow] = {}
    if published is None:
        return rows
    for key in ids:
        try:
            row = published.day.row(key)
        except DayUnusable as error:
            LOG.warning("%s: %s", published.day.folder.name, error)
            continue
        if row is not None:
            rows[key] = row
    return rows


def without_words(case: Case) -> Case:
    """Return a case of which only the scores are told, as one that was computed without reasons."""
    none = np.empty(0)
    return replace(case, contributions=none, facts={}, reasons=(), expected_words=None)


def with_words(case: Case) -> Case:
    """Return a case with all that the day says of it."""
    return case


def reference_to(
    published: PublishedDay, rows: Mapping[str, DayRow], ids: Sequence[str], *, has_reasons: bool
) -> DayReference:
    """Return what a record says of the units of a request that the day has, in the order in which they were asked for."""
    in_day = tuple(rows[key].reference for key in ids if key in rows)
    return DayReference(
        day=published.day.name,
        batch=published.batch,
        rows=in_day,
        order=() if len(in_day) == len(ids) else tuple(ids),
        has_reasons=has_reasons,
    )


def resolved(home: Path, record: Record) -> Record:
    """Return a record with the units that it names of a scored day, each proved to be what was answered.

    A record without such units is returned as it is. DayUnusable where the day is gone, damaged or another.
    """
    reference = record.reference
    if reference is None:
        return record
    day = ScoredDay(home / "days" / day_folder(record.target, record.as_of, reference.day))
    if day.name != reference.day:
        raise DayUnusable(
            f"the scored day in {day.folder.name} is not the one that was answered from"
        )
    by_key = {case.key: case for case in record.cases}
    for row in reference.rows:
        by_key[row.key] = _proved(day, reference, row)
    cases = tuple(by_key[key] for key in reference.keys)
    manifest = day.manifest
    frame = AnswerFrame(
        target=record.target,
        entity=record.entity,
        as_of=record.as_of,
        bundle=record.bundle,
        generation=record.generation,
        features=manifest.features,
        priority_only=manifest.priority_only,
        dormant_words=manifest.dormant_words,
    )
    return replace(
        record,
        features=manifest.features,
        categories=tuple(name for name in manifest.features if name in manifest.categories),
        cases=cases,
        answer=framed_answer(frame, cases, None),
    )


def _proved(day: ScoredDay, reference: DayReference, row: RowReference) -> Case:
    """Return the case of a row that is the one which a record names; DayUnusable where it is another."""
    stored = day.row_at(row.place)
    if stored.reference != row or not is_of_day(row, reference.day):
        raise DayUnusable(
            f"row {row.place} of {day.folder.name} is not the one that was answered from; restore the day from a copy"
        )
    return stored.case if reference.has_reasons else without_words(stored.case)
