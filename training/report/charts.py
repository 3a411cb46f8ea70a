"""Charts of the report: an interval beside a mark, and what was found beside what was told, as SVG without any script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
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
    numbers = [mark, *chain.from_iterable(rows)]
    low = min(numbers)
    high = max(numbers)
    return (low, high) if high > low else (low, low + 1.0)


def interval_chart(told: Sequence[float], axis: tuple[float, float], mark: float) -> Markup:
    """Return a value with the ends of its interval on an axis, and a mark to compare it with; `told` is value, low, high."""
    value, low, high = (_pixels(_place(number, axis)) for number in told)
    at = _pixels(_place(mark, axis))
    top, middle, bottom = "0", f"{HIGH / 2:g}", f"{HIGH:g}"
    parts = (
        _shape("line", "mark", {"x1": at, "x2": at, "y1": top, "y2": bottom}),
        _shape("line", "reach", {"x1": low, "x2": high, "y1": middle, "y2": middle}),
        _shape("circle", "value", {"cx": value, "cy": middle, "r": _pixels(DOT)}),
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
    reach = _reach(rows)
    far = SQUARE - EDGE
    parts = [*_axes(far), *_ends(far, f"{reach:.0%}")]
    for row in rows:
        x = row["told"] / reach
        y = row["found"] / reach
        # the area of a dot follows the cases
        radius = 2 + 5 * (row["cases"] / most) ** 0.5
        parts.append(_dot(x, y, radius))
    return _svg("calibration", SQUARE, SQUARE, parts)


def _reach(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the largest probability of some rows, where the axes end; 1 where there is none above 0."""
    largest = max((max(row["told"], row["found"]) for row in rows), default=1.0)
    return float(largest or 1.0)


def _axes(far: float) -> tuple[str, str]:
    """Return the line on which told and found agree, and the axes, from the near margin to the far one."""
    near, end = _pixels(EDGE), _pixels(far)
    agreement = {"x1": near, "y1": end, "x2": end, "y2": near}
    return (
        _shape("line", "mark", agreement),
        _shape("path", "axes", {"d": f"M{near} {near} V{end} H{end}"}),
    )


def _ends(far: float, reach: str) -> tuple[str, str, str]:
    """Return the numbers at the ends of the axes, set off by a few pixels so that they touch no line."""
    beside = EDGE - 6
    return (
        _text(beside, EDGE + 4, reach),
        _text(far, far + 18, reach),
        _text(beside, far + 4, "0"),
    )


def _dot(x: float, y: float, radius: float) -> str:
    """Return a dot at shares of the axes: x from the left, y from the bottom."""
    inside = SQUARE - 2 * EDGE
    right = EDGE + x * inside
    down = SQUARE - EDGE - y * inside
    place = {"cx": _pixels(right), "cy": _pixels(down), "r": _pixels(radius)}
    return _shape("circle", "value", place)


def _pixels(number: float) -> str:
    return f"{number:.1f}"


def _shape(name: str, kind: str, attributes: Mapping[str, str]) -> str:
    """Return an element whose class says how the style sheet draws it."""
    inner = " ".join(f'{attribute}="{value}"' for attribute, value in attributes.items())
    return f'<{name} class="{kind}" {inner}/>'


def _text(x: float, y: float, text: str) -> str:
    """Return a text that ends at a place."""
    return f'<text x="{_pixels(x)}" y="{_pixels(y)}" text-anchor="end">{text}</text>'


def _svg(name: str, wide: float, high: float, parts: Iterable[str]) -> Markup:
    """Return a chart of numbers alone, so that nothing of the data can be markup."""
    box = f'viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" height="{high:g}"'
    inner = "".join(parts)
    return Markup(f'<svg class="{name}" {box} aria-hidden="true">{inner}</svg>')
