"""What a scored day holds of each living unit: scores, rank and contributions of all, and the words of those within reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.catalogue.digest import catalogue_digest
from features.engine.dormancy import Dormancy
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.explain.explain import EXPLAINER
from models.explain.reasons import FORM
from serving.answers import PRIORITY_ONLY
from serving.day.reach import reason_reach, within_reach
from serving.day.row import UNKNOWN, words_of_case
from serving.day.write import UnitColumns
from serving.ledger.float_bits import float_bits
from serving.scoring.batch import OUTPUTS, columns_of
from serving.scoring.living_scores import LivingScores
from serving.scoring.scorer import Scorer

WORDED = 256
"""Units whose reasons are made at once; a choice: enough to share what they have in common."""


def day_head(scorer: Scorer, bundle: Bundle, scored: LivingScores) -> dict[str, Any]:
    """Return what the manifest of a day says of its history, its model and its words."""
    store, dormancy = scorer.store, scorer.dormancy
    names = bundle.manifest.names
    known_texts = sorted(scored.living.categories.items())
    categories = {name: texts for name, texts in known_texts if name in names}
    return {
        "target": bundle.target,
        "entity": bundle.entity,
        "as_of": scorer.day,
        "store": f"{store.summary['name']}-{store.fingerprint}",
        "bundle": bundle.digest,
        "catalogue": catalogue_digest(scorer.engine.catalogue),
        "explainer": EXPLAINER,
        "reasons_form": FORM,
        "base": float_bits(bundle.forest.base),
        "coverage": scored.scores.coverage,
        "features": names,
        "categories": categories,
        "priority_only": PRIORITY_ONLY,
        "dormant_words": None if dormancy is None else dormancy.words,
    }


def day_units(scorer: Scorer, bundle: Bundle, scored: LivingScores) -> UnitColumns:
    """Return the units of a day in the order of their keys; `scored` are all that live on it."""
    inputs = scored.living.take(scored.by_key)
    outputs = columns_of(scored.scores)
    columns: dict[str, Any] = {
        name.removeprefix("score."): outputs[name][scored.by_key] for name in OUTPUTS
    }
    keys = inputs.keys.tolist()
    columns["rank"] = ranks_among(columns["raw"])
    columns["dormant"] = _dormant(scorer, bundle, keys)
    values = inputs.columns(bundle.manifest.names).values.astype(np.float64)
    vectors = {"values": values, "contributions": scored.contributions}
    return UnitColumns(keys, columns, vectors, _told(scorer, bundle, keys, columns["raw"]))


def ranks_among(raw: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the rank of each raw score, 1 the highest; equal scores share one.

    >>> ranks_among(np.array([2.0, 3.0, 2.0, 1.0])).tolist()
    [2, 1, 2, 4]
    """
    not_higher = np.searchsorted(np.sort(raw), raw, side="right")
    return 1 + len(raw) - not_higher.astype(np.int64)


def _dormant(scorer: Scorer, bundle: Bundle, keys: list[str]) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Return of each unit whether it is dormant, as a day writes it."""
    dormancy: Dormancy | None = scorer.dormancy
    if dormancy is None or bundle.entity != "enterprise":
        return np.full(len(keys), UNKNOWN, np.int8)
    is_dormant = [dormancy.of(scorer.store.code(bundle.entity, key)) for key in keys]
    return np.array([UNKNOWN if one is None else int(one) for one in is_dormant], np.int8)


def _told(scorer: Scorer, bundle: Bundle, keys: list[str], raw: Floats) -> list[bytes]:
    """Return the words of each unit within reach, and b"" of the others."""
    words = [b""] * len(keys)
    reached = within_reach(raw, reason_reach()).tolist()
    for first in range(0, len(reached), WORDED):
        places = reached[first : first + WORDED]
        some_keys = [keys[place] for place in places]
        scoring = scorer.by_id(bundle.target, bundle.entity, some_keys)
        for place, case in zip(places, scoring.cases, strict=True):
            words[place] = words_of_case(case)
    return words
