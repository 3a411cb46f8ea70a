"""Binning: where the bins of one feature part, so that their risk rises or falls with it, and what each bin then weighs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.tree import DecisionTreeClassifier

from training.baselines.declared import CardChoices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DIGITS = 4
"""Digits of an edge: a person has to read it, and more move hardly a case; a choice."""


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of a feature: of a number up to each of `edges`, of a category the codes of each group; then all above.

    The last bin of all is that of missing values.
    """

    name: str
    edges: tuple[float, ...] = ()
    groups: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """How many bins there are, that of missing values among them."""
        parts = self.edges if self.groups is None else self.groups
        return len(parts) + 2

    def places(self, values: Floats) -> Ints:
        """Return the bin of each value, (n,).

        >>> Bins("size", edges=(1.0, 5.0)).places(np.array([1.0, 1.5, 9.0, np.nan])).tolist()
        [0, 1, 2, 3]
        >>> Bins("kind", groups=(4, 7)).places(np.array([7.0, 4.0, 5.0, np.nan])).tolist()
        [1, 0, 2, 3]
        """
        if self.groups is None:
            place = np.searchsorted(np.array(self.edges), values, side="left")
        else:
            place = np.full(len(values), len(self.groups))
            for group, code in enumerate(self.groups):
                place[values == code] = group
        return np.where(np.isnan(values), self.size - 1, place).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class BinEvidence:
    """Bins with the weight of evidence of each, and how much all of them tell: the information value."""

    bins: Bins
    evidence: Floats
    value: float


def number_bins(name: str, values: Floats, label: Floats, sign: int, choices: CardChoices) -> Bins:
    """Return the bins of a number: the leaves of a tree whose risk only rises (sign 1) or only falls (-1) with it."""
    is_known = ~np.isnan(values)
    known_values = values[is_known]
    known_label = label[is_known]
    # a tree needs both classes, and two values that differ
    if len(np.unique(known_label)) < 2 or len(np.unique(known_values)) < 2:
        return Bins(name)
    least = max(1, round(choices.least_share * len(label)))
    tree = DecisionTreeClassifier(
        max_leaf_nodes=choices.bins, min_samples_leaf=least, monotonic_cst=[sign], random_state=0
    )
    tree.fit(known_values[:, None], known_label)
    splits = tree.tree_.threshold[tree.tree_.feature >= 0]
    edges = {float(f"{split:.{DIGITS}g}") for split in splits.tolist()}
    return Bins(name, edges=tuple(sorted(edges)))


def category_bins(name: str, codes: Floats, choices: CardChoices) -> Bins:
    """Return the bins of a category: one for each of the most frequent values that have enough cases."""
    known_codes = codes[~np.isnan(codes)].astype(np.int64)
    values, counts = np.unique(known_codes, return_counts=True)
    most_frequent = np.argsort(-counts, kind="stable")[: choices.bins - 1]
    has_enough = counts[most_frequent] >= choices.least_share * len(codes)
    chosen = values[most_frequent[has_enough]]
    return Bins(name, groups=tuple(sorted(chosen.tolist())))


def sign_of(values: Floats, label: Floats) -> int:
    """Return 1 where positives have the larger values, on average by rank, else -1."""
    is_known = ~np.isnan(values)
    if not is_known.any():
        return 1
    rank = rankdata(values[is_known])
    apart = (rank - rank.mean()) @ (label[is_known] - label[is_known].mean())
    return 1 if apart >= 0 else -1


def bin_evidence(bins: Bins, place: Ints, label: Floats, smoothing: float) -> BinEvidence:
    """Return bins with their weights of evidence: the log of how much more common each is among positives.

    Each bin is drawn towards the mean by `smoothing` cases of the mean rate, so one without cases weighs nothing.
    """
    positives = np.bincount(place, label, minlength=bins.size)
    negatives = np.bincount(place, 1 - label, minlength=bins.size)
    rate = float(label.mean())
    of_positives = (positives + smoothing * rate) / positives.sum()
    of_negatives = (negatives + smoothing * (1 - rate)) / negatives.sum()
    evidence = np.log(of_positives / of_negatives)
    apart = (positives / positives.sum()) - (negatives / negatives.sum())
    return BinEvidence(bins, evidence, float((apart * evidence).sum()))


def first_against(weighed: BinEvidence, sign: int) -> int | None:
    """Return the place of the first edge over which the evidence of a number moves against its sign, None where none does."""
    steps = np.diff(weighed.evidence[:-1]) * sign
    against = np.flatnonzero(steps < 0)
    return int(against[0]) if len(against) else None
