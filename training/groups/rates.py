"""The rates by which groups are compared: what each adds up over the cases of a test, as numerators and denominators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from training.evaluation.simultaneous import Sums

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Audited:
    """The cases of a test, one value a case, as a list at capacity met them.

    `unit` is whom a case is about; `listed` whether it stands in the list; `label` is NaN where nobody looked; `chance` is
    that of a label, by whose inverse a labelled case weighs; `weight` is how many cases of the population it stands for.
    `days` pass from the case's own day to the day on which a row first told a violation, NaN where none is told.
    """

    ids: NDArray[np.str_]
    unit: Codes
    listed: Mask
    label: Floats
    probability: Floats
    chance: Floats
    weight: Floats
    days: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Codes) -> Audited:
        """Return the chosen cases, in the order given."""
        return Audited(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def labelled(self) -> Mask:
        return np.asarray(~np.isnan(self.label))

    @property
    def inverse(self) -> Floats:
        """The weight of each labelled case, 0 of all others."""
        inverse = np.zeros(len(self))
        inverse[self.labelled] = 1.0 / self.chance[self.labelled]
        return inverse


def _share(of: Floats, among: Floats) -> Sums:
    """Return the share of one set of weights in another."""
    return Sums(of, among, among)


def _selection_rate(tested: Audited) -> Sums:
    return _share(tested.weight * tested.listed, tested.weight)


def _false_positive_rate(tested: Audited) -> Sums:
    negatives = tested.inverse * (tested.label == 0)
    return _share(negatives * tested.listed, negatives)


def _false_negative_rate(tested: Audited) -> Sums:
    positives = tested.inverse * (tested.label == 1)
    return _share(positives * ~tested.listed, positives)


def _precision(tested: Audited) -> Sums:
    # a listed case without a label weighs 0, so precision is that of the labelled ones
    listed = tested.inverse * tested.listed
    return _share(listed * (tested.label == 1), listed)


def _calibration(tested: Audited) -> Sums:
    weight = tested.inverse
    return Sums(weight * (tested.label == 1), weight * tested.probability, weight)


def _days_to_detection(tested: Audited) -> Sums:
    has_days = ~np.isnan(tested.days) & (tested.label == 1)
    weight = tested.inverse * has_days
    return Sums(weight * np.where(has_days, tested.days, 0.0), weight, weight, is_rate=False)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate by which groups are compared: its name, what it is in both languages, and what it adds up."""

    name: str
    zh: str
    en: str
    sums: Callable[[Audited], Sums]


RATES = (
    Rate(
        "selection_rate",
        "入选率",
        "share of the cases that stand in the list",
        _selection_rate,
    ),
    Rate(
        "false_positive_rate",
        "误报率",
        "share of the cases without a violation that stand in the list",
        _false_positive_rate,
    ),
    Rate(
        "false_negative_rate",
        "漏报率",
        "share of the cases with a violation that do not stand in the list",
        _false_negative_rate,
    ),
    Rate(
        "precision",
        "命中率",
        "share of the listed cases that have a violation",
        _precision,
    ),
    Rate(
        "calibration",
        "校准（查出与所说之比）",
        "violations observed over those told by the probabilities",
        _calibration,
    ),
    Rate(
        "days_to_detection",
        "查出所需天数",
        "days from a case's own day to the day on which a row first told its violation",
        _days_to_detection,
    ),
)
"""The rates, in the order in which they are printed."""
