"""What a model says of every living unit of a day: features, scores and contributions, computed in this process or by others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.engine.matrices import matrix
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.bundle.score import Scores, score
from models.explain.explain import explain

EXPLAINED = 16_384
"""Units that are explained at once; a choice: 30 MB of contributions, so that a city needs no second copy of all."""


@dataclass(frozen=True, slots=True, eq=False)
class LivingScores:
    """`living` and `scores` are of all n units that live on the day, in the order in which the engine gives them.

    `by_key` (n,) are the places that sort the units by key. `contributions`, float64 (n, F), has the F features of the
    model and stands in the order of `by_key`.
    """

    living: Matrix
    scores: Scores
    by_key: NDArray[np.intp]
    contributions: Floats


LivingScoring = Callable[[Store, Bundle], LivingScores]
"""How the living units of a store's last closed day are scored; whatever the way, the bits are the same."""


def scored_here(store: Store, bundle: Bundle) -> LivingScores:
    """Return what a model says of every unit that lives on the last closed day, computed in this process."""
    living = matrix(store, bundle.entity, store.complete_to)
    by_key = np.argsort(living.keys)
    contributions = np.empty((len(living), len(bundle.manifest.names)))
    for start in range(0, len(living), EXPLAINED):
        places = by_key[start : start + EXPLAINED]
        explanation = explain(bundle, living.take(places))
        contributions[start : start + EXPLAINED] = explanation.contributions
    return LivingScores(living, score(bundle, living), by_key, contributions)
