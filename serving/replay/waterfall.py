"""The waterfall of one score: from the model's base, contribution by contribution, to the raw score, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import altair as alt
import vl_convert

from serving.replay.two_places import number_in_words, size_in_words

SHOWN = 10
"""Contributions that are drawn one by one, the rest as one bar; a choice: a page holds these."""
RAISES, LOWERS, TOTAL = "#a8442a", "#2f6478", "#4a4f57"
_FONT = "Noto Sans CJK SC, Noto Sans SC, Microsoft YaHei, PingFang SC, Source Han Sans SC, Helvetica, Arial, sans-serif"
# Pixels of the labels, the plot, a row and the room at the end, and the share of a row that a bar leaves
# free above and below; a choice of layout.
_LABEL, _PLOT, _ROW, _END, _THIN = 390, 410, 26, 60, 0.2
_GREY = "#5b616a"

_STYLE = {
    "autosize": {"type": "none"},
    "padding": {"left": _LABEL, "top": 4, "right": _END, "bottom": 44},
    "config": {
        "background": None,
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelColor": _GREY,
            "titleColor": _GREY, "gridColor": "#e6e4de", "domain": False, "ticks": False,
        },
    },
}  # fmt: skip

Language = Literal["zh", "en"]
_WORDS = {
    "zh": {
        "base": "起点（平均）",
        "rest": "其余 {} 项合计",
        "sum": "模型原始分",
        "axis": "对数几率",
    },
    "en": {
        "base": "start (average)",
        "rest": "the other {} together",
        "sum": "raw score",
        "axis": "log-odds",
    },
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution to show: its label in the language of the chart, and its size in log-odds.

    What a reason tells has a bar of its own however small it is.
    """

    label: str
    contribution: float
    told: bool = False


def waterfall(base: float, steps: Sequence[Bar], language: Language) -> str:
    """Return the SVG of a waterfall: the same bytes for the same numbers and labels; its text stays text.

    The largest contributions stand alone, and those that reasons tell; the others are one bar.
    """
    words = _WORDS[language]
    moving = [step for step in steps if step.contribution]
    ordered = sorted(moving, key=lambda step: (-abs(step.contribution), step.label))
    shown = [step for place, step in enumerate(ordered) if place < SHOWN or step.told]
    smaller = [step for place, step in enumerate(ordered) if place >= SHOWN and not step.told]
    if smaller:
        shown.append(
            Bar(words["rest"].format(len(smaller)), sum(step.contribution for step in smaller))
        )
    rows, reached = [_row(0, words["base"], base, base, TOTAL)], base
    for step in shown:
        colour = RAISES if step.contribution > 0 else LOWERS
        rows.append(_row(len(rows), step.label, reached, reached + step.contribution, colour))
        reached += step.contribution
    rows.append(_row(len(rows), words["sum"], reached, reached, TOTAL))
    return _svg(rows, words["axis"])


def _row(place: int, label: str, start: float, end: float, colour: str) -> dict[str, object]:
    change = end if colour == TOTAL else end - start
    text = number_in_words(change) if colour == TOTAL else size_in_words(change)
    low, high = sorted((start, end))
    ends = {"low": low, "high": high, "end": end, "top": place + _THIN, "bottom": place + 1 - _THIN}
    return {
        **ends,
        "middle": place + 0.5,
        "label": label,
        "colour": colour,
        "text": text,
    }


def _svg(rows: list[dict[str, object]], axis: str) -> str:
    drawn = alt.Chart(alt.InlineData(values=rows))
    colour = alt.Color("colour:N", scale=None)
    scale = alt.Scale(domain=[0, len(rows)], reverse=True, nice=False)
    middle = alt.Y("middle:Q", scale=scale, axis=None)
    top, bottom = alt.Y("top:Q", scale=scale, axis=None), alt.Y2("bottom:Q")
    x = alt.X(
        "low:Q", axis=alt.Axis(title=axis, tickCount=6), scale=alt.Scale(nice=True, zero=False)
    )
    bars = drawn.mark_rect().encode(y=top, y2=bottom, x=x, x2="high:Q", color=colour)
    joints = drawn.transform_filter(f"datum.middle < {len(rows) - 1}").transform_calculate(
        after=f"datum.bottom + {2 * _THIN}"
    )
    joints = joints.mark_rule(color="#9aa0a8").encode(
        x="end:Q", y=alt.Y("bottom:Q", axis=None), y2="after:Q"
    )
    ends = drawn.transform_filter("datum.low == datum.high").mark_tick(
        thickness=4, size=18, opacity=1
    )
    ends = ends.encode(y=middle, x="low:Q", color=colour)
    sizes = drawn.mark_text(align="left", dx=6, fontSize=12).encode(
        y=middle, x="high:Q", text="text:N", color=colour
    )
    labels = drawn.mark_text(align="right", fontSize=13, color="#1d2126").encode(
        y=middle, x=alt.value(-14), text="label:N"
    )
    chart = alt.layer(joints, bars, ends, sizes, labels).properties(
        width=_PLOT, height=_ROW * len(rows)
    )
    return str(vl_convert.vegalite_to_svg({**chart.to_dict(), **_STYLE}))
