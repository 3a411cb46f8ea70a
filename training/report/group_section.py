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
DIFFERENCE_ZH = "{rate}：{group}比{other} {value}（{ends}）"
DIFFERENCE_EN = "{rate}: {group} less {other} {value} ({ends})"
SUPPRESSED = ReasonWords("隐去", "suppressed")
NOT_ESTIMABLE = ReasonWords("不可估计", "not estimable")


def group_sections(groups: Row) -> list[dict[str, Any]]:
    """Return for each attribute its table and where its groups differ, or the word why it tells nothing."""
    return [_section(groups, attribute) for attribute in groups["attributes"]]


def _section(groups: Row, attribute: Row) -> dict[str, Any]:
    name = attribute["attribute"]
    rates = {}
    for row in _of(groups["rates"], name):
        cell = row["group"], row["rate"]
        rates[cell] = row
    members = _of(groups["groups"], name)
    pairs = _of(groups["pairs"], name)
    return {
        "zh": attribute["zh"],
        "en": attribute["en"],
        "word": _words(attribute["word"]),
        "rows": [_group_row(group, rates) for group in members],
        "differences": _differences(pairs, members),
    }


def _of(rows: Sequence[Row], attribute: str) -> list[Row]:
    """Return the rows of an attribute."""
    return [row for row in rows if row["attribute"] == attribute]


def _group_row(group: Row, rates: Mapping[tuple[str, str], Row]) -> dict[str, Any]:
    """Return a group with its cells; a suppressed one has a word in each."""
    word = group["word"]
    is_hidden = word.startswith("suppressed")
    return {
        "zh": group["zh"],
        "en": group["en"],
        "cases": "" if is_hidden else f"{group['cases']:,}",
        "word": _words(word),
        "cells": [SUPPRESSED] * len(COLUMNS) if is_hidden else _cells(group["group"], rates),
        "is_hidden": is_hidden,
    }


def _cells(group: str, rates: Mapping[tuple[str, str], Row]) -> list[Figure | ReasonWords]:
    """Return a group's rates in the order of the columns."""
    return [_cell(rates.get((group, rate))) for rate in NAMES]


def _words(word: str) -> ReasonWords | None:
    """Return why figures are missing, if they are."""
    return reason_words(word) if word else None


def _cell(row: Row | None) -> Figure | ReasonWords:
    """Return a rate with its interval, or the word in its place."""
    if row is None or row["value"] is None:
        return NOT_ESTIMABLE
    estimate = row["value"], row["low"], row["high"]
    if row["rate"] == "calibration":
        return times_figure(estimate)
    return share_figure(estimate)


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
    figure = _difference_figure(row)
    in_zh = DIFFERENCE_ZH.format(
        rate=zh,
        group=group.zh,
        other=other.zh,
        value=figure.value,
        ends=figure.ends,
    )
    in_en = DIFFERENCE_EN.format(
        rate=en,
        group=group.en,
        other=other.en,
        value=figure.value,
        ends=figure.ends,
    )
    return ReasonWords(in_zh, in_en)


def _difference_figure(row: Row) -> Figure:
    """Return a difference with its interval; one of shares has its sign."""
    estimate = row["difference"], row["low"], row["high"]
    if row["rate"] == "calibration":
        return times_figure(estimate)
    return share_figure(estimate, signed=True)
