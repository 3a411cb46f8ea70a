"""What a comparison with peers says, in numbers and words: the one definition for the command, the route and the page."""

from __future__ import annotations

from typing import Any

from features.calendar import date_of
from models.explain.peer_group import UNKNOWN
from serving.replay.peer_comparison import PeerComparison
from serving.replay.peer_parts import peer_parts, smaller_parts
from serving.replay.two_places import number_in_words, rounds_to_zero, size_in_words

UNKNOWN_WORDS = {"zh": "不明", "en": UNKNOWN}
HIGHER = {"zh": "为何高于同类", "en": "Why higher than its peers"}
LOWER = {"zh": "为何低于同类", "en": "Why lower than its peers"}
Words = dict[str, str]


def peers_as_json(comparison: PeerComparison) -> dict[str, Any]:
    """Return a comparison as plain values; contributions are in log-odds, the largest first.

    Those that two places cannot tell from zero are left out: `smaller` says how many they are, and their sum.
    """
    record, case = comparison.record, comparison.case
    base = comparison.explanation.base
    parts = peer_parts(comparison)
    telling = [part for part in parts if not rounds_to_zero(part["contribution"])]
    return {
        "record_id": comparison.record_id,
        "target": record.target,
        "entity": record.entity,
        "unit": case.key,
        "as_of": date_of(case.as_of).isoformat(),
        "model_digest": record.bundle,
        "question": HIGHER if case.raw >= base else LOWER,
        "peers": _group(comparison),
        "raw": case.raw,
        "mean_raw_of_peers": base,
        "words": _score_words(comparison),
        "contributions": telling,
        "smaller": smaller_parts(parts[len(telling) :]),
        "together": float(comparison.explanation.contributions[0].sum()),
    }


def peers_lines(shown: dict[str, Any]) -> list[str]:
    """Return a comparison in lines for a reader, each in both languages."""
    lines = [
        f"{shown['record_id']} | {shown['target']} | {shown['unit']} | {shown['as_of']}",
        _both(shown["question"]),
        _both(shown["peers"]["words"]),
        _both(shown["words"]),
    ]
    lines += [_part_line(part) for part in shown["contributions"]]
    smaller = shown["smaller"]
    if smaller["count"]:
        lines.append(f"  {_both(smaller['words'])}")
    return lines


def _part_line(part: dict[str, Any]) -> str:
    return f"  {size_in_words(part['contribution'])} | {_both(part)}"


def _both(words: Words) -> str:
    return f"{words['zh']} | {words['en']}"


def _group(comparison: PeerComparison) -> dict[str, Any]:
    """Return who the peers are, how many, and above how many of them the score is."""
    group = comparison.group
    shared = [
        {"attribute": each.name, "zh": each.zh, "en": each.en, "value": of_unit}
        for each, of_unit in group.shared
    ]
    return {
        "count": len(group.places),
        "shared": shared,
        "wider": group.is_wider,
        "least": group.least,
        "with_lower_score": comparison.with_lower_score,
        "words": _group_words(comparison),
    }


def _group_words(comparison: PeerComparison) -> Words:
    """Return the group in words, such as `49 peers: sector C, persons 1-9`."""
    group = comparison.group
    count = len(group.places)
    zh = [f"{each.zh} {_class_words(of_unit, 'zh')}" for each, of_unit in group.shared]
    en = [f"{each.en} {_class_words(of_unit, 'en')}" for each, of_unit in group.shared]
    words = {
        "zh": f"同类 {count} 个：{'、'.join(zh) or '全部存续单位'}",
        "en": f"{count} {'peer' if count == 1 else 'peers'}: {', '.join(en) or 'all living units'}",
    }
    if group.is_wider:
        words["zh"] += f"（更窄的组不足 {group.least} 个）"
        words["en"] += f" (a narrower group has fewer than {group.least})"
    return words


def _class_words(name: str, language: str) -> str:
    return UNKNOWN_WORDS[language] if name == UNKNOWN else name


def _score_words(comparison: PeerComparison) -> Words:
    """Return the score beside the mean of the peers, and above how many of them it is."""
    raw, mean = comparison.case.raw, comparison.explanation.base
    count = len(comparison.peer_scores)
    lower = comparison.with_lower_score
    score, of_peers = number_in_words(raw), number_in_words(mean)
    gap = number_in_words(abs(raw - mean))
    zh, en = ("高", "higher") if raw >= mean else ("低", "lower")
    return {
        "zh": f"原始分 {score}，同类平均 {of_peers}，{zh} {gap}；高于 {count} 个同类中的 {lower} 个",
        "en": f"raw score {score}, mean of the peers {of_peers}: {gap} {en}; above {lower} of {count} peers",
    }
