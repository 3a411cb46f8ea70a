"""A recorded score beside its peers: which features put it above or below their mean, computed from the record's day.

Nothing of it is recorded: the same record, history and model give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.calendar import date_of
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.errors import HistoryError, RequestError
from features.matrix import Matrix
from models.bundle.booster import margins
from models.bundle.bundle import Bundle
from models.bundle.manifest import FrozenFeature
from models.explain.against_peers import explain_against
from models.explain.explain import Explanation
from models.explain.leads import leads
from models.explain.peer_group import UNKNOWN, PeerGroup, peer_attributes, peer_group
from models.explain.wording import LANGUAGES, MISSING, value_beside
from serving.ledger.record import Case, Record, record_matrix
from serving.replay.contributions import size_in_words, with_colon
from serving.replay.dossier import dossier
from serving.replay.provenance import case_evaluation

UNKNOWN_WORDS = {"zh": "不明", "en": UNKNOWN}


@dataclass(frozen=True, slots=True, eq=False)
class PeerComparison:
    """One recorded score beside its peers: `explanation` has its one row, `peer_scores` (B,) are the raw scores of `peers`."""

    record_id: str
    record: Record
    case: Case
    bundle: Bundle
    group: PeerGroup
    peers: Matrix
    peer_scores: np.ndarray[Any, np.dtype[np.float64]]
    explanation: Explanation


def peer_comparison(home: Path, record_id: str, unit: str | None = None) -> PeerComparison:
    """Return a recorded score beside its peers; RequestError where the record has more units and none is named.

    Raises RecordUnknown, UnknownId, LedgerError or BundleError as `dossier` does, HistoryError where the history is gone.
    """
    evidence = dossier(home, record_id, unit)
    if len(evidence.cases) != 1:
        raise RequestError(
            f"record '{record_id}' is of {len(evidence.cases) or 'many'} units; name one of them with --unit"
        )
    [case] = evidence.cases
    record = evidence.record
    peer_attributes(record.entity)
    bundle = evidence.bundle()
    store = evidence.store()
    if store is None:
        raise HistoryError(
            f"the history of record '{record_id}' is gone, and with it the peers; restore its store and ask again"
        )
    whole_unit = case_evaluation(record, case, store).matrix
    living = matrix(engine_of(store), record.entity, case.as_of)
    group = peer_group(whole_unit, living)
    peers = living.take(group.places)
    peer_scores = margins(bundle.any_model, bundle.matrix(peers))
    # the row that was scored is the record's, whatever the history says today
    explanation = explain_against(bundle, record_matrix(record, case), peers)
    return PeerComparison(record_id, record, case, bundle, group, peers, peer_scores, explanation)


def peers_as_json(comparison: PeerComparison) -> dict[str, Any]:
    """Return a comparison as plain values; contributions are in log-odds, the largest first."""
    record, case, group = comparison.record, comparison.case, comparison.group
    contributions = comparison.explanation.contributions[0]
    shared = [
        {"attribute": each.name, "zh": each.zh, "en": each.en, "class": of_unit}
        for each, of_unit in group.shared
    ]
    return {
        "record_id": comparison.record_id,
        "target": record.target,
        "entity": record.entity,
        "unit": case.key,
        "as_of": date_of(case.as_of).isoformat(),
        "model_digest": record.bundle,
        "peers": {
            "count": len(group.places),
            "shared": shared,
            "wider": group.is_wider,
            "least": group.least,
            "with_lower_score": int((comparison.peer_scores < case.raw).sum()),
        },
        "raw": case.raw,
        "mean_raw_of_peers": comparison.explanation.base,
        "contributions": _features(comparison),
        "together": float(contributions.sum()),
    }


def _features(comparison: PeerComparison) -> list[dict[str, Any]]:
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


def _beside_peers(feature: FrozenFeature, own: str, usual: str, language: str) -> str:
    """Return what a feature means, its value, and the usual one of the peers."""
    if language == "zh":
        return f"{with_colon(feature.zh, own, 'zh')}（同组通常{usual}）"
    return f"{with_colon(feature.en, own, 'en')} (peers usually {usual})"


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


def peers_lines(shown: dict[str, Any]) -> list[str]:
    """Return a comparison in lines for a reader, each in both languages."""
    peers = shown["peers"]
    raw, mean = f"{shown['raw']:.2f}", f"{shown['mean_raw_of_peers']:.2f}"
    lower = peers["with_lower_score"]
    lines = [
        f"{shown['record_id']} | {shown['target']} | {shown['unit']} | {shown['as_of']}",
        _group_line(peers),
        f"分数 {raw}，同组平均 {mean}；高于同组 {lower} 个 | raw score {raw}, mean of the peers {mean}; above {lower} of them",
    ]
    lines += [_part_line(part) for part in shown["contributions"]]
    return lines


def _part_line(part: dict[str, Any]) -> str:
    return f"  {size_in_words(part['contribution'])} | {part['zh']} | {part['en']}"


def _group_line(peers: dict[str, Any]) -> str:
    zh = [f"{each['zh']} {_class_words(each['class'], 'zh')}" for each in peers["shared"]]
    en = [f"{each['en']} {_class_words(each['class'], 'en')}" for each in peers["shared"]]
    count, least = peers["count"], peers["least"]
    line_zh = f"同组 {count} 个单位：{'、'.join(zh) or '全部在册单位'}"
    line_en = f"{count} peers: {', '.join(en) or 'all living units'}"
    if peers["wider"]:
        line_zh += f"（更窄的组不足 {least} 个）"
        line_en += f" (a narrower group has fewer than {least})"
    return f"{line_zh} | {line_en}"


def _class_words(name: str, language: str) -> str:
    return UNKNOWN_WORDS[language] if name == UNKNOWN else name
