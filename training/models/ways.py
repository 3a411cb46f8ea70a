"""Ways to teach cases that were chosen, not drawn: by weight, or with bystanders beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import lightgbm
import numpy as np
from lightgbm import Booster
from numpy.typing import NDArray

from features.matrix import Matrix, stacked
from training.data.folds import Fold
from training.data.recipe import Recipe, Way
from training.models.curves import logistic
from training.models.propensity import share_of
from training.models.selection import Selection
from training.models.tally import clearly_less, tally_of, weighted_losses
from training.models.trials import Trials, dataset_of

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Taken = Way | Literal["plain"]
"""The way that was taken: "plain" is every case as it is."""
NEAREST = 1e-15
"""How near to 0 or 1 LightGBM lets the share of positives come from which it starts."""


@dataclass(frozen=True, slots=True, eq=False)
class Teaching:
    """What one model learns from: features, labels between 0 and 1, and weights, (n,) each."""

    matrix: Matrix
    label: Floats
    weight: Floats

    @property
    def start(self) -> float:
        """The log-odds of the share of positives, where LightGBM's first tree starts."""
        return log_odds(float(np.average(self.label, weights=self.weight)))


@dataclass(frozen=True, slots=True)
class Choice:
    """The way that was taken, and by way the mean log-loss on unseen cases, weighted to stand for all."""

    way: Taken
    losses: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class TriedWay:
    """What a way's trial models say of cases that they had not seen, log-odds (n,), and where each of them started."""

    way: Way
    unseen: Floats
    starts: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class School:
    """What every way has in common: labelled cases, their selection and folds, LightGBM's parameters, and the rounds."""

    matrix: Matrix
    label: Floats
    selection: Selection
    folds: Sequence[Fold]
    parameters: dict[str, Any]
    rounds: int
    recipe: Recipe

    def chosen_way(self, plain: Floats) -> tuple[TriedWay | None, Choice]:
        """Return the way that teaches better than the plain one, whose unseen log-odds are given, or None; and all losses.

        A way is taken where its loss on unseen cases, weighted to stand for all, is clearly less.
        """
        of_plain = self.losses(plain)
        means = {"plain": float(of_plain.mean())}
        best = None
        for way in self.recipe.selection:
            tried = self.tried(way)
            losses = self.losses(tried.unseen)
            means[way] = float(losses.mean())
            is_best = best is None or means[way] < means[best.way]
            if is_best and clearly_less(losses, of_plain):
                best = tried
        return best, Choice("plain" if best is None else best.way, means)

    def tried(self, way: Way) -> TriedWay:
        """Return a way, tried on every fold with the rounds that were best for the plain one."""
        teachings = [self.teaching(way, fold.seen) for fold in self.folds]
        models = [self.model(teaching) for teaching in teachings]
        trials = Trials(self.folds, models, self.rounds, np.nan)
        unseen = trials.unseen(self.matrix, self.rounds, raw=True)
        return TriedWay(way, unseen, tuple(teaching.start for teaching in teachings))

    def taught(self, way: Way) -> tuple[Booster, float]:
        """Return the model that a way teaches on all cases, and where it started."""
        teaching = self.teaching(way, np.ones(len(self.matrix), np.bool_))
        return self.model(teaching), teaching.start

    def model(self, teaching: Teaching) -> Booster:
        """Return a model; cross-entropy is the log-loss for labels that are shares, too."""
        parameters = {**self.parameters, "objective": "cross_entropy"}
        whole = dataset_of(teaching.matrix, teaching.label, parameters, teaching.weight)
        return lightgbm.train(parameters, whole, self.rounds)

    def teaching(self, way: Way, chosen: Mask) -> Teaching:
        """Return what a way teaches of the chosen cases."""
        matrix = self.matrix.take(chosen)
        label = self.label[chosen]
        if way == "weighted":
            return Teaching(matrix, label, self.selection.weight[chosen])
        return self._with_bystanders(matrix, label)

    def _with_bystanders(self, matrix: Matrix, label: Floats) -> Teaching:
        """Return labelled cases, and beside them bystanders of the same days, which together weigh as much.

        A bystander is a positive by the chance that Elkan and Noto (2008, "Learning classifiers from only positive and
        unlabeled data", section 3) give it: (1 - c) / c * g / (1 - g), where g is how likely a case like it is a labelled
        positive, and c the mean of g among labelled positives. They let it teach twice, as a positive and as a negative with
        these weights; a label that is a share has the same loss. Unlike risks with negative weights (nnPU), trees take it.
        """
        # a trial model of earlier days must not learn from bystanders of later ones
        was_there = self.selection.bystanders.as_of <= matrix.as_of.max()
        beside = self.selection.bystanders.take(was_there)
        is_positive = label == 1
        if not len(beside) or not is_positive.any():
            return Teaching(matrix, label, np.ones(len(matrix)))
        chance = self._chance_of_positive(matrix.take(is_positive), beside)
        share = len(matrix) / len(beside)
        return Teaching(
            stacked([matrix, beside]),
            np.concatenate((label, chance)),
            np.concatenate((np.ones(len(matrix)), np.full(len(beside), share))),
        )

    def _chance_of_positive(self, positives: Matrix, beside: Matrix) -> Floats:
        """Return the chance of each bystander to be a positive."""
        both = stacked([positives, beside])
        is_labelled = np.arange(len(both)) < len(positives)
        among_drawn = share_of(both, is_labelled, self.recipe)
        odds = among_drawn / (1 - among_drawn) / self.selection.stands_for
        mean = float((odds / (1 + odds))[is_labelled].mean())
        chance = (1 - mean) / mean * odds[~is_labelled]
        return np.asarray(np.minimum(chance, 1.0))

    def losses(self, unseen: Floats) -> Floats:
        """Return the log-loss of each case that a fold holds, by its weight, once the scores are calibrated.

        Calibrated, since a weight that only moves the level of all scores would else seem to teach something.
        """
        was_held = ~np.isnan(unseen)
        raw = unseen[was_held]
        label = self.label[was_held]
        weight = self.selection.weight[was_held]
        curve = logistic(tally_of(raw, label, weight))
        return weighted_losses(curve(raw), label, weight)


def log_odds(share: float) -> float:
    """Return the log-odds of a share of positives; one class alone is kept as far from 0 and 1 as LightGBM keeps it."""
    inside = np.clip(share, NEAREST, 1 - NEAREST)
    return float(np.log(inside / (1 - inside)))
