"""Lines over months as SVG: one for each arm, without script, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

WIDE, HIGH = 640.0, 220.0
"""Size of a plot in pixels; it shrinks to the width of a phone."""
LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 12.0, 28.0
"""Margins in pixels: room for the numbers of the axes."""
COLOURS = ("#1b5e9b", "#c2571a", "#6b6b6b", "#2e7d4f", "#8e3b8e", "#9a7d0a", "#b71c1c", "#00838f")
"""One for each arm in turn; apart by lightness too, for who does not see colours."""
DASHES = ("", "6 3", "2 3", "8 3 2 3")
"""One for each arm in turn, for who prints without colour."""


def curves(lines: Mapping[str, Sequence[float]], months: Sequence[str]) -> Markup:
    """Return a plot with a line for each name over the same months, from zero up."""
    most = max((number for line in lines.values() for number in line), default=1.0) or 1.0
    parts = [_axes(months, most)]
    for place, line in enumerate(lines.values()):
        points = " ".join(_point(at, number, len(months), most) for at, number in enumerate(line))
        dash = DASHES[place % len(DASHES)]
        style = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(
            f'<polyline fill="none" stroke="{colour(place)}" stroke-width="2"{style} points="{points}"/>'
        )
    box = f'viewBox="0 0 {WIDE:g} {HIGH:g}" width="{WIDE:g}" height="{HIGH:g}"'
    return Markup(f'<svg class="curves" {box} aria-hidden="true">{"".join(parts)}</svg>')


def colour(place: int) -> str:
    """Return the colour of the line at a place."""
    return COLOURS[place % len(COLOURS)]


def _point(at: int, number: float, count: int, most: float) -> str:
    across = at / max(count - 1, 1)
    x = LEFT + across * (WIDE - LEFT - RIGHT)
    y = HIGH - BOTTOM - number / most * (HIGH - TOP - BOTTOM)
    return f"{x:.1f},{y:.1f}"


def _axes(months: Sequence[str], most: float) -> str:
    """Return the axes with their ends: zero and the most, the first and the last month."""
    floor = HIGH - BOTTOM
    texts = [
        (LEFT - 6, floor, "0", "end"),
        (LEFT - 6, TOP + 8, f"{most:,.0f}", "end"),
        (LEFT, HIGH - 8, months[0], "start"),
        (WIDE - RIGHT, HIGH - 8, months[-1], "end"),
    ]
    drawn = f'<path class="axes" d="M{LEFT:g} {TOP:g} V{floor:g} H{WIDE - RIGHT:g}"/>'
    return drawn + "".join(
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
        for x, y, text, anchor in texts
    )
