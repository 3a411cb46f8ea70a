"""Charts of the report: an interval beside a mark, and what was found beside what was told, as SVG without any script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

WIDE, HIGH = 160.0, 18.0
"""Size of the chart of an interval, in pixels: it stands in a line of a table."""
SQUARE, EDGE = 300.0, 34.0
"""Size of the chart of probabilities and its margin, in pixels: a phone shows it whole."""
DOT = 3.5
"""Radius of a value's mark in pixels, since a smaller one is lost on a phone."""


def axis_of(rows: Iterable[Sequence[float]], mark: float) -> tuple[float, float]:
    """Return the ends of an axis that shows every number of some rows, and a mark.

    >>> axis_of([(0.2, 0.1, 0.4)], 0.0)
    (0.0, 0.4)
    """
    numbers = [mark, *(number for row in rows for number in row)]
    low = min(numbers)
    high = max(numbers)
    return (low, high) if high > low else (low, low + 1.0)


def interval_chart(told: Sequence[float], axis: tuple[float, float], mark: float) -> Markup:
    """Return a value with the ends of its interval on an axis, and a mark to compare it with; `told` is value, low, high."""
    value, low, high = (_place(number, axis) for number in told)
    at = _place(mark, axis)
    middle = HIGH / 2
    parts = (
        f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{HIGH:g}"/>',
        f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:g}" y2="{middle:g}"/>',
        f'<circle class="value" cx="{value:.1f}" cy="{middle:g}" r="{DOT}"/>',
    )
    return _svg("interval", WIDE, HIGH, parts)


def _place(number: float, axis: tuple[float, float]) -> float:
    """Return where a number stands, inside the margins of a dot."""
    low, high = axis
    share = (number - low) / (high - low)
    return DOT + share * (WIDE - 2 * DOT)


def calibration_chart(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Return what was found against what was told, a dot for each row of probabilities, larger where it has more cases."""
    most = max((row["cases"] for row in rows), default=1)
    reach = max((max(row["told"], row["found"]) for row in rows), default=1.0) or 1.0
    inside = SQUARE - 2 * EDGE
    parts = [
        f'<line class="mark" x1="{EDGE}" y1="{SQUARE - EDGE}" x2="{SQUARE - EDGE}" y2="{EDGE}"/>',
        f'<path class="axes" d="M{EDGE} {EDGE} V{SQUARE - EDGE} H{SQUARE - EDGE}"/>',
        _text(EDGE - 6, EDGE + 4, f"{reach:.0%}", "end"),
        _text(SQUARE - EDGE, SQUARE - EDGE + 18, f"{reach:.0%}", "end"),
        _text(EDGE - 6, SQUARE - EDGE + 4, "0", "end"),
    ]
    for row in rows:
        x = EDGE + row["told"] / reach * inside
        y = SQUARE - EDGE - row["found"] / reach * inside
        # the area of a dot follows the cases
        radius = 2 + 5 * (row["cases"] / most) ** 0.5
        parts.append(f'<circle class="value" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')
    return _svg("calibration", SQUARE, SQUARE, parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _svg(name: str, wide: float, high: float, parts: Iterable[str]) -> Markup:
    """Return a chart of numbers alone, so that nothing of the data can be markup."""
    box = f'viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" height="{high:g}"'
    inner = "".join(parts)
    return Markup(f'<svg class="{name}" {box} aria-hidden="true">{inner}</svg>')
