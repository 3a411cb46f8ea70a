"""Counted sanctions: how many each enterprise has, and the class that a rule set gives for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Column
from models.policy.campaign_rules import Appraisal
from models.policy.fact_rows import FactRows, is_grave, is_refused


@dataclass(frozen=True, slots=True, eq=False)
class SanctionCounts:
    """Of each of some enterprises (n,): its sanctions, and how many of them are grave and how many refused."""

    sanctions: Column
    grave: Column
    refused: Column


def sanction_counts(codes: Column, sanctions: FactRows, *, term: int, day: int) -> SanctionCounts:
    """Return how many of some sanctions each enterprise has; whether one is refused is judged on a day."""
    return SanctionCounts(
        sanctions=sanctions.counts(codes),
        grave=sanctions.counts(codes, is_grave(sanctions)),
        refused=sanctions.counts(codes, is_refused(sanctions, term, day)),
    )


def grade_places(counts: SanctionCounts, appraisal: Appraisal) -> Column:
    """Return the place of each enterprise's class (n,) among the classes of a rule set, the first row that holds."""
    record_of = np.stack([counts.sanctions, counts.grave, counts.refused], axis=1)
    # Nearly all records are alike, so each kind of record is judged once.
    records, kind_of = np.unique(record_of, axis=0, return_inverse=True)
    places: list[int] = []
    for sanctions, grave, refused in records.tolist():
        grade = appraisal.grade_of(sanctions=sanctions, grave=grave, refused=refused)
        places.append(appraisal.grades.index(grade))
    return np.array(places, np.int64)[kind_of.reshape(-1)]
