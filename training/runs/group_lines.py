"""What `lssi train` says to a person of groups: a few lines of who is chosen, who wrongly, and what features cost them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training.groups.costs import ALL_FEATURES
from training.groups.rates import RATES

Row = Mapping[str, Any]
SHORT = {
    "selection_rate": "入选率 selection rate",
    "false_positive_rate": "误报率 false-positive rate",
    "false_negative_rate": "漏报率 false-negative rate",
    "precision": "命中率 precision",
    "calibration": "校准 calibration",
    "days_to_detection": "查出天数 days to detection",
}
"""The rates as a line names them."""
WORDS = {"not known": "不详", "one group": "只有一组", "no case": "测试中无样本"}
"""The beginning of a word, and what it says in Chinese."""
TOO_FEW = "样本太少 too few cases"
METRICS = ("auc", "average_precision", "precision_at_capacity")
"""The metrics that stand side by side for two models."""
SIDE_BY_SIDE = ("selection_rate", "false_positive_rate")
"""The rates that do; all others are in the JSON."""


def group_lines(groups: Mapping[str, Any]) -> Iterator[str]:
    """Yield for each attribute who is chosen least and most and where groups differ, then what features cost."""
    for attribute in groups["attributes"]:
        yield from _attribute_lines(groups, attribute)
    for row in _told_costs(groups["costs"]):
        yield _cost_line(row)


def _attribute_lines(groups: Mapping[str, Any], attribute: Row) -> Iterator[str]:
    """Yield the lines of one attribute, or the word why it tells nothing."""
    zh = attribute["zh"]
    en = attribute["en"]
    head = f"群体 by {zh} {en}"
    if attribute["word"]:
        word = _in_both(attribute["word"])
        yield f"{head}: {word}"
        return
    name = attribute["attribute"]
    spread = _spread(_of(groups["rates"], name))
    suppressed = _suppressed(_of(groups["groups"], name))
    yield f"{head}: {spread}{suppressed}"
    yield from _differences(_of(groups["pairs"], name))


def _of(rows: Sequence[Row], attribute: str) -> list[Row]:
    """Return the rows of an attribute."""
    return [row for row in rows if row["attribute"] == attribute]


def _in_both(word: str) -> str:
    """Return a word with its beginning in Chinese."""
    for beginning, zh in WORDS.items():
        if word.startswith(beginning):
            return f"{zh} {word}"
    return word


def _spread(rates: Sequence[Row]) -> str:
    """Return the least and the greatest selection rate with their intervals."""
    name = SHORT["selection_rate"]
    chosen = [row for row in rates if row["rate"] == "selection_rate" and not row["word"]]
    if not chosen:
        return f"{name}: {TOO_FEW}"
    ascending = sorted(chosen, key=_value)
    least = _of_group(ascending[0])
    greatest = _of_group(ascending[-1])
    return f"{name} {least} … {greatest}"


def _value(row: Row) -> float:
    return float(row["value"])


def _of_group(row: Row) -> str:
    """Return a group with its rate."""
    group = row["group"]
    interval = _interval(row, "value")
    return f"{group} {interval}"


def _suppressed(groups: Sequence[Row]) -> str:
    """Return which groups are hidden because they are small, or beside a small one."""
    hidden = [row["group"] for row in groups if row["word"].startswith("suppressed")]
    if not hidden:
        return ""
    named = ", ".join(hidden)
    return f"; 隐去小群体 suppressed {named}"


def _differences(pairs: Sequence[Row]) -> Iterator[str]:
    """Yield for each rate the largest difference whose interval excludes 0, and how many more do."""
    for rate in RATES:
        differing = [row for row in pairs if row["rate"] == rate.name and row["differ"]]
        if differing:
            yield _difference(differing)


def _difference(differing: Sequence[Row]) -> str:
    """Return the largest of some differences of a rate, and how many others there are."""
    largest = max(differing, key=_size)
    name = SHORT[largest["rate"]]
    group = largest["group"]
    other = largest["other"]
    interval = _interval(largest, "difference")
    line = f"  差别 differs: {name} {group} - {other}: {interval}"
    more = len(differing) - 1
    return f"{line}, 另有 and {more} 对 more" if more else line


def _size(row: Row) -> float:
    return abs(float(row["difference"]))


def _told_costs(costs: Sequence[Row]) -> list[Row]:
    """Return the rows of all features of a concern together, where it has several, else that of its only one."""
    have_several = {row["group"] for row in costs if row["feature"] == ALL_FEATURES}
    return [
        row for row in costs if row["feature"] == ALL_FEATURES or row["group"] not in have_several
    ]


def _cost_line(row: Row) -> str:
    """Return what a feature, or all of a concern, cost a group by one rate."""
    feature = row["feature"]
    attribute = row["attribute"]
    group = row["group"]
    name = SHORT[row["rate"]]
    head = f"特征 feature {feature} → {attribute} {group}, {name}"
    if row["word"]:
        word = row["word"]
        return f"{head}: {word}"
    gap = f"{row['gap']:+.3f}"
    without = f"{row['gap_without']:+.3f}"
    cost = _interval(row, "cost")
    return f"{head}: 差距 gap {gap}, 去掉后 without {without}, 代价 cost {cost}"


def _interval(row: Row, name: str) -> str:
    """Return a value with the ends of its interval."""
    value = f"{row[name]:.3f}"
    low = f"{row['low']:.3f}"
    high = f"{row['high']:.3f}"
    return f"{value} [{low}, {high}]"


def beside_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the model of all features beside the one without a family: how well each does, and the rates of each group."""
    beside = result["beside"]
    if beside is None:
        return
    family = result["without"]
    fewer = result["features"]
    every = beside["features"]
    yield f"全部 all {every} 个特征 features → 去掉 without {family}: {fewer}"
    for name in METRICS:
        change = _change(beside["metrics"][name], result["metrics"][name])
        yield f"  {name}: {change}"
    yield from _rates_beside(beside["groups"]["rates"], result["groups"]["rates"])


def _rates_beside(before: Sequence[Row], after: Sequence[Row]) -> Iterator[str]:
    """Yield for each group the rates of two models that stand side by side."""
    value_after = {_key(row): row["value"] for row in after}
    changes: dict[str, list[str]] = {}
    for row in before:
        if row["rate"] not in SIDE_BY_SIDE or row["word"]:
            continue
        attribute, group, rate = _key(row)
        change = _change(row["value"], value_after[attribute, group, rate])
        changes.setdefault(f"{attribute} {group}", []).append(f"{SHORT[rate]} {change}")
    for place, texts in changes.items():
        joined = ", ".join(texts)
        yield f"  {place}: {joined}"


def _key(row: Row) -> tuple[str, str, str]:
    return row["attribute"], row["group"], row["rate"]


def _change(before: float | None, after: float | None) -> str:
    texts = ["-" if value is None else f"{value:.3f}" for value in (before, after)]
    return " → ".join(texts)
