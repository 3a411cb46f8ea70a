"""The features that put a score above or below its peers, each in words beside their usual value, the largest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from features.matrix import Matrix
from models.bundle.manifest import FrozenFeature
from models.explain.leads import leads
from models.explain.wording import LANGUAGES, MISSING, value_beside
from serving.ledger.record import record_matrix
from serving.replay.contributions import with_colon
from serving.replay.peer_comparison import PeerComparison
from serving.replay.two_places import size_in_words


def peer_parts(comparison: PeerComparison) -> list[dict[str, Any]]:
    """Return what moves the score from the mean of its peers, by lead, in words, the largest first."""
    by_name = {feature.name: feature for feature in comparison.bundle.features}
    ordered = leads(comparison.bundle, comparison.explanation.contributions[0])
    ordered.sort(key=lambda lead: -abs(lead.contribution))
    unit = record_matrix(comparison.record, comparison.case)
    parts = []
    for lead in ordered:
        feature = by_name[lead.members[0]]
        part: dict[str, Any] = {"feature": feature.name, "contribution": lead.contribution}
        for language in LANGUAGES:
            value = _usual(unit, feature, language)
            usual = _usual(comparison.peers, feature, language)
            part[language] = _beside_peers(feature, value, usual, language)
        parts.append(part)
    return parts


def _beside_peers(feature: FrozenFeature, value: str, usual: str, language: str) -> str:
    """Return what a feature means, its value, and the usual one of the peers."""
    if language == "zh":
        return f"{with_colon(feature.zh, value, 'zh')}（同类通常{usual}）"
    return f"{with_colon(feature.en, value, 'en')} (peers usually {usual})"


def _usual(units: Matrix, feature: FrozenFeature, language: str) -> str:
    """Return the usual value of units in words: the most frequent text, or the lower median of the numbers there are."""
    meaning = feature.zh if language == "zh" else feature.en
    if feature.name in units.categories:
        times = Counter(text for text in units.texts(feature.name) if text is not None)
        # of several that are as frequent, the first in the order of texts
        return min(times, key=lambda text: (-times[text], text), default=MISSING[language])
    numbers = np.sort(units.column(feature.name))
    present = numbers[~np.isnan(numbers)]
    median = float(present[(len(present) - 1) // 2]) if len(present) else float("nan")
    return value_beside(meaning, median, feature.unit, language)


def smaller_parts(
    parts: Sequence[dict[str, Any]], count_before: int = 0, sum_before: float = 0.0
) -> dict[str, Any]:
    """Return how many parts are left out, with those left out before, and their sum; in words, "" where there are none."""
    count = count_before + len(parts)
    total = sum_before + sum(part["contribution"] for part in parts)
    words = {"zh": "", "en": ""}
    if count:
        size = size_in_words(total)
        noun = "one" if count == 1 else "ones"
        words["zh"] = f"其余较小的 {count} 项，合计 {size}"
        words["en"] = f"{count} smaller {noun}, together {size}"
    return {"count": count, "contribution": total, "words": words}
