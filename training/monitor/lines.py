"""A monitor's report in lines for a terminal, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Part = dict[str, Any]
WORDS = {"go on": "继续使用 GO ON", "watch": "留意 WATCH", "halt": "停用 HALT"}


def monitor_lines(report: Part) -> Iterator[str]:
    """Yield the verdict with its reasons, what cannot be told, and the figures that they rest on."""
    judged = report["verdict"]
    target = report["target"]
    day = report["as_of"]
    trained = report["trained_as_of"]
    word = WORDS[judged["word"]]
    yield f"{target} | {day} | 训练截至 trained as of {trained} | {word}"
    for reason in judged["reasons"]:
        word = WORDS[reason["word"]]
        yield f"  {word} | {_both(reason)}"
    for unknown in judged["not_known"]:
        yield f"  尚不可知 NOT KNOWN | {_both(unknown)}"
    yield _feature_line(report["features"])
    yield _score_line(report["scores"])
    yield from _calibration_lines(report["calibration"])
    yield _list_line(report["without_labels"]["by_probability"])
    yield from _weighted_lines(report["without_labels"]["by_weighted_outcomes"])


def _both(texts: Part) -> str:
    zh = texts["zh"]
    en = texts["en"]
    return f"{zh} | {en}"


def _feature_line(features: Part) -> str:
    moved = features["moved"]
    tested = features["tested"]
    return f"特征 features: {moved} / {tested} 变动 moved"


def _score_line(scores: Part) -> str:
    psi = scores["psi"]
    index = "-" if psi is None else f"{psi:.3f}"
    before = scores["then"]["mean"]
    after = scores["now"]["mean"]
    return f"分数 scores: PSI {index}，平均概率 mean probability {before:.3f} -> {after:.3f}"


def _calibration_lines(calibration: Part) -> Iterator[str]:
    cases = calibration["cases"]
    basis = calibration["basis"]
    excess = _estimate(calibration["excess"])
    yield f"校准 calibration: {cases} 例 cases ({basis})，查出减所说 found less told {excess}"
    for band in calibration["bands"]:
        first = band["from"]
        last = band["until"]
        expected = band["expected"]
        observed = _estimate(band["observed"])
        yield f"  {first:.3f} … {last:.3f}: {band['cases']}，{expected:.3f} -> {observed}"


def _list_line(expected: Part) -> str:
    listed = expected["listed"]
    precision = expected["precision"]
    assumes = _both(expected["assumes"])
    return f"清单预期 expected of a list of {listed}: {precision:.3f} | {assumes}"


def _weighted_lines(weighted: Part) -> Iterator[str]:
    precision = _estimate(weighted["precision"])
    assumes = _both(weighted["assumes"])
    yield f"按已有结果加权 by weighted outcomes: {precision} | {assumes}"
    overlap = weighted["overlap"]
    if overlap is None:
        return
    cases = overlap["labelled"]
    effective = overlap["effective"]
    seldom = overlap["seldom"]
    yield (
        f"  重叠 overlap: {cases} 例相当于 cases tell as much as {effective:.0f}；"
        f"今天少见其同类的单位 units of today hardly met among them {seldom:.1%}"
    )


def _estimate(value: dict[str, float] | str) -> str:
    """Return an estimate with its interval, or the word why there is none."""
    if isinstance(value, str):
        return value
    middle = value["value"]
    low = value["low"]
    high = value["high"]
    return f"{middle:.3f} ({low:.3f} … {high:.3f})"
