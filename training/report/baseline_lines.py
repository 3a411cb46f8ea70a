"""What `lssi train` says to a person of the baselines: what the model gains over each, and which is the better choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
SHOWN = {
    "precision_at_capacity": "命中率 precision at capacity",
    "auc": "AUC",
    "number_per_hour": "每小时查出数 number an hour",
}
"""The metrics of a line; all are in the JSON."""
VERDICTS = {
    "model": "模型更好 the model is the better choice",
    "baseline": "{zh}更好 the {en} is the better choice",
    "not decided": "未定 not decided",
}
"""By verdict: what a line says of it."""


def card_lines(registered: Row | None) -> Iterator[str]:
    """Yield the points of a scorecard that is registered beside its model, a feature a line."""
    if registered is None:
        return
    card = registered["card"]
    version = registered["version"]
    double = card["points_to_double"]
    yield (
        f"评分卡 scorecard v{version}: 起点 start {card['start']}, "
        f"每加 {double} 分违法几率翻倍 {double} points double the odds"
    )
    for line in card["lines"]:
        yield f"  {line['feature']}: {_points(line)}"


def _points(line: Row) -> str:
    """Return the points of each bin of a feature."""
    names = [f"≤ {edge:g}" for edge in line["edges"]]
    # a feature has edges or values, never both
    names += [*(line["values"] or ()), "其余 else", "缺失 missing"]
    bins = zip(names, line["points"], strict=True)
    return ", ".join(f"{name} {points:+d}" for name, points in bins)


def baseline_lines(told: Row, not_promoted: str | None) -> Iterator[str]:
    """Yield a line for each baseline with what the model gains over it, then the verdict and what to do about it."""
    origins = len(told["origins"])
    yield f"与基线比，{origins} 个起点 beside baselines, from {origins} origins (95 %):"
    names = {}
    for row in told["baselines"]:
        names[row["baseline"]] = row
        yield f"  {row['zh']} {row['en']}: {_gains(told, row)}"
    yield _verdict_line(told["verdict"], names)
    if not_promoted:
        yield f"未启用 not promoted: {not_promoted}"


def _gains(told: Row, baseline: Row) -> str:
    """Return what the model gains over a baseline, or the word why nobody can tell."""
    if baseline["word"]:
        return str(baseline["word"])
    of_baseline = [row for row in told["gains"] if row["baseline"] == baseline["baseline"]]
    parts = [
        f"{SHOWN[row['metric']]} {_interval(row)}" for row in of_baseline if row["metric"] in SHOWN
    ]
    return ", ".join(parts) or "-"


def _verdict_line(verdict: Row, names: Mapping[str, Row]) -> str:
    """Return which is the better choice, by which gain, and why."""
    over = names[verdict["over"]]
    answer = VERDICTS[verdict["better"]].format(zh=over["zh"], en=over["en"])
    gain = _interval(verdict)
    why = verdict["why"]
    return f"结论 verdict: {answer}; {why}; 比{over['zh']} over the {over['en']} {gain}"


def _interval(row: Row) -> str:
    """Return a gain with the ends of its interval."""
    if row["gain"] is None:
        return "-"
    if row["low"] is None:
        return f"{row['gain']:+.3f}"
    return f"{row['gain']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
