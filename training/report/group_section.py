"""The groups of the report: for whom the list errs, a table an attribute, with small groups shown as suppressed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.report.figures import Figure, share_figure, times_figure
from training.report.reason_words import ReasonWords, reason_words

Row = Mapping[str, Any]
COLUMNS = (
    ("selection_rate", "入选率", "selected"),
    ("false_positive_rate", "误报率", "false positives"),
    ("false_negative_rate", "漏报率", "false negatives"),
    ("calibration", "查出/所说", "found / told"),
)
"""The rates of the table: whom it sends inspectors to for nothing, whom it misses, and whether its probabilities hold."""
NAMES = {name: (zh, en) for name, zh, en in COLUMNS}
SUPPRESSED = ReasonWords("隐去", "suppressed")
NOT_ESTIMABLE = ReasonWords("不可估计", "not estimable")


def group_sections(groups: Row) -> list[dict[str, Any]]:
    """Return for each attribute its table and where its groups differ, or the word why it tells nothing."""
    return [_section(groups, attribute) for attribute in groups["attributes"]]


def _section(groups: Row, attribute: Row) -> dict[str, Any]:
    name = attribute["attribute"]
    rates = {(row["group"], row["rate"]): row for row in _of(groups["rates"], name)}
    members = _of(groups["groups"], name)
    word = attribute["word"]
    return {
        "zh": attribute["zh"],
        "en": attribute["en"],
        "word": reason_words(word) if word else None,
        "rows": [_group_row(group, rates) for group in members],
        "differences": _differences(_of(groups["pairs"], name), members),
    }


def _of(rows: Sequence[Row], attribute: str) -> list[Row]:
    """Return the rows of an attribute."""
    return [row for row in rows if row["attribute"] == attribute]


def _group_row(group: Row, rates: Mapping[tuple[str, str], Row]) -> dict[str, Any]:
    """Return a group with its cells; a suppressed one has a word in each."""
    is_hidden = group["word"].startswith("suppressed")
    cells = [_cell(rates.get((group["group"], name)), name) for name, _, _ in COLUMNS]
    return {
        "zh": group["zh"],
        "en": group["en"],
        "cases": "" if is_hidden else f"{group['cases']:,}",
        "word": reason_words(group["word"]) if group["word"] else None,
        "cells": [SUPPRESSED] * len(COLUMNS) if is_hidden else cells,
        "is_hidden": is_hidden,
    }


def _cell(row: Row | None, name: str) -> Figure | ReasonWords:
    """Return a rate with its interval, or the word in its place."""
    if row is None or row["value"] is None:
        return NOT_ESTIMABLE
    estimate = (row["value"], row["low"], row["high"])
    return times_figure(estimate) if name == "calibration" else share_figure(estimate)


def _differences(pairs: Sequence[Row], members: Sequence[Row]) -> list[ReasonWords]:
    """Return the differences of the table's rates whose interval excludes 0."""
    names = {row["group"]: ReasonWords(row["zh"], row["en"]) for row in members}
    return [
        _difference(row, names[row["group"]], names[row["other"]])
        for row in pairs
        if row["differ"] and row["rate"] in NAMES
    ]


def _difference(row: Row, group: ReasonWords, other: ReasonWords) -> ReasonWords:
    """Return a difference in words."""
    zh, en = NAMES[row["rate"]]
    estimate = (row["difference"], row["low"], row["high"])
    figure = (
        times_figure(estimate)
        if row["rate"] == "calibration"
        else share_figure(estimate, signed=True)
    )
    said = f"{figure.value}（{figure.ends}）"
    return ReasonWords(
        f"{zh}：{group.zh}比{other.zh} {said}",
        f"{en}: {group.en} less {other.en} {figure.value} ({figure.ends})",
    )
