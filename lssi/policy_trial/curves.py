"""Lines over months as SVG: one for each arm, without script, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

WIDE, HIGH = 640.0, 220.0
"""Size of a plot in pixels; it shrinks to the width of a phone."""
LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 12.0, 28.0
"""Margins in pixels: room for the numbers of the axes."""
END, FLOOR = WIDE - RIGHT, HIGH - BOTTOM
"""Where the axes end on the right, and where zero lies."""
AXES = f"M{LEFT:g} {TOP:g} V{FLOOR:g} H{END:g}"
"""Down the left side and along the bottom, as SVG writes a path."""
COLOURS = ("#1b5e9b", "#c2571a", "#6b6b6b", "#2e7d4f", "#8e3b8e", "#9a7d0a", "#b71c1c", "#00838f")
"""One for each arm in turn; apart by lightness too, for who does not see colours."""
DASHES = ("", "6 3", "2 3", "8 3 2 3")
"""One for each arm in turn, for who prints without colour."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a plot: its colour, its dashes, and its points as SVG writes them."""

    colour: str
    dash: str
    points: str


@dataclass(frozen=True, slots=True)
class AxisText:
    """A text at an end of an axis: where it stands, what it says, and which end of it stands there."""

    x: str
    y: str
    text: str
    anchor: str


@cache
def trial_templates() -> Environment:
    """Return the templates of this room, which are read once."""
    return Environment(
        loader=PackageLoader("lssi.policy_trial", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def curves(lines: Mapping[str, Sequence[float]], months: Sequence[str]) -> Markup:
    """Return a plot with a line for each name over the same months, from zero up."""
    # a plot whose lines are all zero, or that has none, is drawn as if it reached 1
    highest = max(chain.from_iterable(lines.values()), default=1.0) or 1.0
    drawn = [
        Curve(colour(place), DASHES[place % len(DASHES)], _points(line, len(months), highest))
        for place, line in enumerate(lines.values())
    ]
    svg = (
        trial_templates()
        .get_template("curves.svg.j2")
        .render(
            wide=_pixels(WIDE),
            high=_pixels(HIGH),
            axes=AXES,
            texts=_axis_texts(months, highest),
            curves=drawn,
        )
    )
    return Markup(svg)


def colour(place: int) -> str:
    """Return the colour of the line at a place."""
    return COLOURS[place % len(COLOURS)]


def _points(line: Sequence[float], months: int, highest: float) -> str:
    """Return the points of a line, its first month at the left and its last at the right."""
    # a single month stands at the left
    steps = max(months - 1, 1)
    return " ".join(_point(place / steps, number / highest) for place, number in enumerate(line))


def _point(across: float, up: float) -> str:
    """Return a point at shares of the axes: from the left, and from the bottom."""
    x = LEFT + across * (WIDE - LEFT - RIGHT)
    y = HIGH - BOTTOM - up * (HIGH - TOP - BOTTOM)
    return f"{x:.1f},{y:.1f}"


def _axis_texts(months: Sequence[str], highest: float) -> tuple[AxisText, ...]:
    """Return what stands at the ends of the axes: zero and the highest number, the first and the last month."""
    beside = _pixels(LEFT - 6)
    below = _pixels(HIGH - 8)
    return (
        AxisText(beside, _pixels(FLOOR), "0", "end"),
        AxisText(beside, _pixels(TOP + 8), f"{highest:,.0f}", "end"),
        AxisText(_pixels(LEFT), below, months[0], "start"),
        AxisText(_pixels(END), below, months[-1], "end"),
    )


def _pixels(number: float) -> str:
    return f"{number:g}"
