"""From the cases looked at to all: the probability of the whole population that a list is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.bundle.calibration import Calibration
from training.models.calibrate import Calibrated
from training.models.curves import (
    CURVES,
    base_rate,
    levelled_line,
    logistic,
    raw_curve,
    rising,
)
from training.models.selection import Selection, effective_number
from training.models.tally import (
    SMALLEST,
    ScoreTally,
    UnseenScores,
    clearly_less,
    tally_of,
    weighted_losses,
)

Floats = NDArray[np.float64]
Move = Callable[[Calibration, ScoreTally], Calibration]
"""What makes of a calibration to the cases looked at, and the tally of the population, another calibration."""
LOTTERY, WEIGHTED, VISITED = "lottery", "weighted", "visited"
"""What probabilities are calibrated on: lottery visits, all visits by weight, or the cases looked at as they are."""


@dataclass(frozen=True, slots=True)
class CalibratedOn:
    """What the probability is calibrated on, the move that was taken, and by move the weighted log-loss on unseen folds.

    `cases` is the number of unweighted cases that tell as much as those that speak for the population.
    """

    basis: str
    cases: float
    kind: str
    losses: Mapping[str, float] = field(default_factory=dict)


def to_population(
    visited: Calibrated, unseen: UnseenScores, selection: Selection | None, least: int
) -> tuple[Calibration, CalibratedOn]:
    """Return the calibration of all that a list is drawn from, and what it rests on.

    Lottery visits speak for all where as many as at least `least` of equal weight have a score of a model that had not seen
    them, else all visits by inverse propensity. Each move is fitted to all folds but one and asked about that one; the one of
    least weighted loss is taken, by a propensity only where it is clearly less than that of visits. The raw score and the
    base rate are among them, and none is taken that loses more than either.
    """
    basis, weight = _speaking(unseen, selection, least)
    speaking = _those_that_speak(unseen, weight)
    number = effective_number(weight)
    if basis == VISITED or len(np.unique(speaking.unseen.fold)) < 2:
        return visited.calibration, CalibratedOn(VISITED, number, "visited")
    losses = {kind: _losses(move, visited.kind, speaking) for kind, move in MOVES.items()}
    means = {kind: float(each.mean()) for kind, each in losses.items()}
    kind = min(means, key=means.__getitem__)
    # a lottery is drawn; a propensity is estimated, and what it moves has to show more than chance
    is_sound = means["visited"] <= min(means["raw"], means["base_rate"])
    if basis == WEIGHTED and is_sound and not clearly_less(losses[kind], losses["visited"]):
        kind = "visited"
    calibration = MOVES[kind](visited.calibration, _tally(speaking, speaking.weight > 0))
    return calibration, CalibratedOn(basis, number, kind, means)


@dataclass(frozen=True, slots=True, eq=False)
class _Speaking:
    """All unseen cases in an order that does not rest on that of the rows, and how much each speaks for the population."""

    unseen: UnseenScores
    weight: Floats


def _those_that_speak(unseen: UnseenScores, weight: Floats) -> _Speaking:
    order = np.lexsort((unseen.fold, unseen.label, weight, unseen.raw))
    ordered = UnseenScores(
        unseen.raw[order], unseen.label[order], unseen.fold[order], unseen.place[order]
    )
    return _Speaking(ordered, weight[order])


def _speaking(unseen: UnseenScores, selection: Selection | None, least: int) -> tuple[str, Floats]:
    """Return who speaks for the population, and the weight of each unseen case."""
    ones = np.ones(len(unseen.raw))
    if selection is None:
        return VISITED, ones
    anchor = selection.anchor[unseen.place]
    # few of small recorded chances may speak for nearly all, and tell no more than so many would
    if _has_both(unseen.label[anchor > 0]) and effective_number(anchor) >= least:
        return LOTTERY, anchor
    weight = selection.weight[unseen.place]
    if selection.tells and effective_number(weight) >= least:
        return WEIGHTED, weight
    return VISITED, ones


def _has_both(label: Floats) -> bool:
    return len(np.unique(label)) == 2


def _tally(speaking: _Speaking, chosen: NDArray[np.bool_]) -> ScoreTally:
    unseen = speaking.unseen
    return tally_of(unseen.raw[chosen], unseen.label[chosen], speaking.weight[chosen])


def _losses(move: Move, kind: str, speaking: _Speaking) -> Floats:
    """Return the log-loss of each case that speaks, by its weight, under a move that was fitted to all folds but its own."""
    unseen, weight = speaking.unseen, speaking.weight
    speaks = weight > 0
    unseen_probability = np.full(len(weight), np.nan)
    for each in np.unique(unseen.fold[speaks]):
        is_asked = unseen.fold == each
        of_visits = CURVES[kind](tally_of(unseen.raw[~is_asked], unseen.label[~is_asked]))
        moved = move(of_visits, _tally(speaking, ~is_asked & speaks))
        unseen_probability[is_asked] = moved(unseen.raw[is_asked])
    return weighted_losses(unseen_probability[speaks], unseen.label[speaks], weight[speaks])


def _shifted(visited: Calibration, tally: ScoreTally) -> Calibration:
    """Return the calibration with one step added to all log-odds, so that it tells as many positives as there are."""
    return _moved(visited, levelled_line(_told(visited, tally), 1.0))


def _tilted(visited: Calibration, tally: ScoreTally) -> Calibration:
    """Return the calibration whose log-odds are multiplied and moved as the logistic curve says."""
    return _moved(visited, logistic(_told(visited, tally)))


def _told(visited: Calibration, tally: ScoreTally) -> ScoreTally:
    """Return the tally by the log-odds that a calibration tells."""
    distinct, member = np.unique(_log_odds(visited(tally.raw)), return_inverse=True)
    cases = np.bincount(member, weights=tally.cases)
    positives = np.bincount(member, weights=tally.positives)
    return ScoreTally(distinct, cases.astype(np.float64), positives.astype(np.float64))


def _moved(visited: Calibration, curve: Calibration) -> Calibration:
    """Return a calibration whose log-odds go through a curve, at its knots and at places between them."""
    knots = np.array(visited.raw)
    middles = (knots[1:] + knots[:-1]) / 2
    places = np.union1d(knots, middles)
    return rising(places, curve(_log_odds(visited(places))))


def _log_odds(probability: Floats) -> Floats:
    inside = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(inside / (1 - inside)))


MOVES: Mapping[str, Move] = {
    "visited": lambda visited, _: visited,
    "shifted": _shifted,
    "tilted": _tilted,
    "base_rate": lambda _, tally: base_rate(tally),
    "raw": lambda _, tally: raw_curve(tally),
}
"""Every move, the one that changes least first: where two lose alike it is taken."""
