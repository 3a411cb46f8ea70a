"""Selection: what is known of who was looked at, and the weights that let the labelled cases stand for all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.errors import TargetError
from features.matrix import Matrix, stacked
from training.data.cases import Bystanders, TargetCases
from training.data.recipe import Recipe
from training.models.propensity import propensity, trimmed

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far the cases looked at speak for all: their number, how many a recorded lottery chose, and the bystanders.

    `effective` is the number of unweighted cases that tell as much as the weighted ones; `trimmed` the share of cases whose
    weight the recipe cut; `seldom` the share of all whose chance is below a `heaviest`-th of the mean. NaN is unknown.
    """

    labelled: int
    recorded: int
    bystanders: int
    effective: float
    trimmed: float
    seldom: float


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """By case, float64 (n,): `weight`, of mean 1, and `anchor`, the weight of those that a recorded lottery chose, else 0.

    All weights are 1 where nothing tells one case's chance from another's. A bystander `stands_for` so many, on average.
    """

    weight: Floats
    anchor: Floats
    bystanders: Matrix
    stands_for: float
    overlap: Overlap

    @property
    def tells(self) -> bool:
        """Whether some cases weigh more than others."""
        return bool(np.ptp(self.weight) > 0)

    def of_cases(self, rows: Mask) -> Selection:
        """Return the same of the chosen cases."""
        return replace(self, weight=self.weight[rows], anchor=self.anchor[rows])


def selection_of(
    matrix: Matrix, cases: TargetCases, bystanders: Bystanders | None, recipe: Recipe
) -> Selection | None:
    """Return what is known of the selection of cases; None where nobody was passed over.

    A case that a lottery chose weighs 1 / its recorded probability, every other 1 / its estimated propensity (stabilised
    inverse-propensity weights: Robins, Hernan and Brumback 2000). Either sort is a sample of all of its own, so each is
    scaled to weigh as many as it has cases, and neither counts the other's again. A lottery visit whose probability was not
    written is estimated as the others are. Raises TargetError for a probability that is none.
    """
    if bystanders is None or not len(bystanders):
        return None
    recorded = ~np.isnan(cases.inclusion)
    _check(cases.inclusion[recorded])
    chance, of_bystanders = _estimated(matrix.take(~recorded), bystanders, recipe)
    weight = np.ones(len(cases))
    anchor = np.zeros(len(cases))
    anchor[recorded] = levelled(cases.inclusion[recorded], recipe.heaviest)
    weight[recorded] = anchor[recorded]
    weight[~recorded] = levelled(chance, recipe.heaviest)
    overlap = Overlap(
        labelled=len(cases),
        recorded=int(recorded.sum()),
        bystanders=len(bystanders),
        effective=effective_number(weight),
        trimmed=_trimmed_share(chance, recipe.heaviest),
        seldom=_seldom_share(of_bystanders, recipe.heaviest),
    )
    stands_for = float(bystanders.cases.weight.mean())
    return Selection(weight, anchor, bystanders.matrix, stands_for, overlap)


def levelled(chance: Floats, heaviest: float) -> Floats:
    """Return the weights 1 / chance, trimmed and scaled to a mean of 1; ones where a chance is unknown."""
    if not len(chance) or np.isnan(chance).any():
        return np.ones(len(chance))
    looked_at = np.ones(len(chance), np.bool_)
    weight = 1.0 / trimmed(chance, looked_at, heaviest)
    return np.asarray(weight / weight.mean())


def effective_number(weight: Floats) -> float:
    """Return how many cases of equal weight tell as much (Kish).

    >>> effective_number(np.array([1.0, 1.0])), effective_number(np.array([1.0, 0.0]))
    (2.0, 1.0)
    """
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0


def _check(inclusion: Floats) -> None:
    """Raise TargetError unless all recorded probabilities are above 0 and at most 1."""
    wrong = inclusion[~((inclusion > 0) & (inclusion <= 1))]
    if len(wrong):
        raise TargetError(
            f"a recorded inclusion probability should be above 0 and at most 1; got {wrong[0]:g}: "
            "correct it in the source, or leave it empty where it is unknown"
        )


def _estimated(matrix: Matrix, bystanders: Bystanders, recipe: Recipe) -> tuple[Floats, Floats]:
    """Return the propensity of the cases of a matrix, and of the bystanders."""
    both = stacked([matrix, bystanders.matrix])
    seen = np.arange(len(both)) < len(matrix)
    stands_for = np.concatenate((np.ones(len(matrix)), bystanders.cases.weight))
    chance = propensity(both, seen, stands_for, recipe)
    return chance[seen], chance[~seen]


def _trimmed_share(chance: Floats, heaviest: float) -> float:
    """Return the share of cases whose chance is raised."""
    if not len(chance) or np.isnan(chance).any():
        return np.nan
    raised = trimmed(chance, np.ones(len(chance), np.bool_), heaviest)
    return float((raised > chance).mean())


def _seldom_share(of_bystanders: Floats, heaviest: float) -> float:
    """Return the share of bystanders whose chance is below a `heaviest`-th of the mean of all."""
    if np.isnan(of_bystanders).any():
        return np.nan
    mean = float(of_bystanders.mean())
    return float((of_bystanders * heaviest < mean).mean())
