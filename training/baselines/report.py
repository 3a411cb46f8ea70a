"""The report on baselines: every one beside the model at the same origins, what the model gains, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.baselines.declared import Baseline, BaselineTable
from training.baselines.over_origins import COMPARED, Gain, OriginScores, gains, standings
from training.baselines.sitting import MODEL, Contest
from training.baselines.verdict import PromotionVerdict, verdict_of
from training.evaluation.capacity import Judged, precision_at

Floats = NDArray[np.float64]
WAYS = ("labelled_only", "inverse_propensity", "random_visits")
"""The ways in which the precision of a list is told at each origin."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The report as plain values, and its verdict."""

    plain: dict[str, Any]
    verdict: PromotionVerdict

    def numbers(self) -> dict[str, float]:
        """Return the gains with the ends of their intervals by dotted name, as the registry keeps metrics."""
        flat = {}
        for row in self.plain["gains"]:
            place = f"gain_over.{row['baseline']}.{row['metric']}"
            for end in ("gain", "low", "high"):
                if row[end] is not None:
                    flat[f"{place}.{end}"] = row[end]
        return flat


def compared(contest: Contest, table: BaselineTable, *, seed: int, has_order: bool) -> Compared:
    """Return the report of a contest: long tables, one fact a row, and the verdict."""
    rule = table.promotion
    names = [MODEL, *(baseline.name for baseline in table.baseline)]
    by_name: dict[str, OriginScores] = {}
    if contest.answered:
        every = standings(contest.answered, names, seed=seed)
        by_name = dict(zip(names, every, strict=True))
    gains_by_name: dict[str, dict[str, Gain]] = {}
    for baseline in table.baseline:
        if by_name and baseline.name not in contest.words:
            gains_by_name[baseline.name] = gains(by_name[MODEL], by_name[baseline.name])
    over = gains_by_name.get(rule.over, {}).get(rule.metric)
    verdict = verdict_of(over, rule, has_order=has_order)
    plain = {
        "baselines": [_row(baseline, contest) for baseline in table.baseline],
        "origins": [_origin_row(contest, place) for place in range(len(contest.answered))],
        "figures": _figure_rows(contest, by_name),
        "gains": _gain_rows(gains_by_name),
        "verdict": verdict.plain(),
    }
    return Compared(plain, verdict)


def _row(baseline: Baseline, contest: Contest) -> dict[str, str]:
    return {
        "baseline": baseline.name,
        "zh": baseline.zh,
        "en": baseline.en,
        "word": contest.words.get(baseline.name, ""),
    }


def _origin_row(contest: Contest, place: int) -> dict[str, Any]:
    """Return whom an origin was taught by and whom it asked about."""
    sitting = contest.sittings[place]
    label = sitting.cases.label
    return {
        "origin": sitting.origin.name,
        "is_test": sitting.origin.is_test,
        "taught": len(sitting.label),
        "taught_positives": int(sitting.label.sum()),
        "labelled": int((~np.isnan(label)).sum()),
        "positives": int(np.nansum(label)),
        "population": round(float(sitting.cases.weight.sum())),
    }


def _figure_rows(contest: Contest, by_name: Mapping[str, OriginScores]) -> list[dict[str, Any]]:
    """Return how each model did at each origin, by every metric and by the capacity function's own ways."""
    rows = []
    for place, answered in enumerate(contest.answered):
        for name, raw in answered.raw.items():
            point = by_name[name].point[place]
            values = {metric: _number(point[which]) for which, metric in enumerate(COMPARED)}
            ways = _ways(contest, place, raw)
            rows.append({"model": name, "origin": answered.name, **values, **ways})
    return rows


def _ways(contest: Contest, place: int, raw: Floats) -> dict[str, float | None]:
    """Return the precision of the list that the capacity allows, in each way that an origin can tell it."""
    sitting = contest.sittings[place]
    cases = sitting.cases
    chance = np.full(len(cases), np.nan) if sitting.chance is None else sitting.chance
    judged = Judged(
        cases.ids, raw, cases.label, chance, cases.random_label, cases.inclusion, cases.weight
    )
    at_capacity = precision_at(judged, contest.capacity)
    return {way: at_capacity[way] for way in WAYS}


def _gain_rows(told: Mapping[str, Mapping[str, Gain]]) -> list[dict[str, Any]]:
    rows = []
    for name, by_metric in told.items():
        for metric, gain in by_metric.items():
            rows.append(
                {
                    "baseline": name,
                    "metric": metric,
                    "gain": gain.mean,
                    "low": gain.low,
                    "high": gain.high,
                    "origins": gain.origins,
                }
            )
    return rows


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
