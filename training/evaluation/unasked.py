"""Unasked outcomes: how often what nobody chose to look for befell the units of a list, beside all units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.estimate import NotEstimable, Told, exact_share, sum_of
from training.evaluation.found import ListAndRest, lift, precision, rate, recall

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
FIGURES = ("rate", "precision", "recall", "lift")
"""What is told of an event: its share of all units and of the list, the list's share of it, and how many times as often."""
LEAST_STRUCK = 10
"""Units that an event befell at least: with fewer, one unit more moves the share by a tenth; a choice."""


def struck_figures(struck: Flags, on_list: Flags) -> dict[str, Any]:
    """Return how often an event struck the units of a list and all, each with a 95 % interval; flags are (n,).

    Every unit is seen, so nothing is left to a draw of units. The intervals are for chance in what befell them: units are
    taken as struck one by one, which a closed chain or a wave of complaints about one firm's branches is not.
    """
    figures = _told(struck, on_list)
    return {
        "struck": int(struck.sum()),
        "struck_on_list": int(struck[on_list].sum()),
        **{name: figure.plain() for name, figure in figures.items()},
    }


def without_figures(reason: str) -> dict[str, Any]:
    """Return the same where an event is not told, with the reason in the place of each figure."""
    word = NotEstimable(reason).plain()
    return {"struck": None, "struck_on_list": None, **dict.fromkeys(FIGURES, word)}


def _told(struck: Flags, on_list: Flags) -> dict[str, Told]:
    number = int(struck.sum())
    if number < LEAST_STRUCK:
        reason = f"it befell {number} units, at least {LEAST_STRUCK} needed"
        return dict.fromkeys(FIGURES, NotEstimable(reason))
    listed = _total(struck[on_list])
    unlisted = _total(struck[~on_list])
    listed_units = float(on_list.sum())
    parts = ListAndRest(
        listed, unlisted, sum_of(listed, unlisted), listed_units, len(struck) - listed_units
    )
    return {
        "rate": rate(parts),
        "precision": precision(parts),
        "recall": recall(parts),
        "lift": lift(parts),
    }


def _total(struck: Flags) -> Told:
    """Return how many units were struck, with the exact binomial interval of their share."""
    units = float(len(struck))
    if not units:
        return NotEstimable("the list has all units or none")
    return exact_share(float(struck.mean()), units).times(units)
