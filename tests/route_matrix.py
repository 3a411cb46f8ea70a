"""Which role may use which route, with a key of the whole city and of one district: the table of docs/api.md.

`python -m tests.route_matrix` writes it there; a test holds the two together, and another asks the gate for each cell.
"""

from __future__ import annotations

from pathlib import Path

from serving.gate.key_register import ROLES
from serving.gate.route import Route
from serving.gate.routes import ROUTES

DOCUMENT = Path(__file__).parents[1] / "docs" / "api.md"
BEGIN, END = "<!-- route matrix -->\n", "<!-- end of the route matrix -->\n"
NOBODY, CITY, BOTH = "–", "全市 city", "全市、区县 city, district"


def may(route: Route, role: str, *, of_district: bool) -> bool:
    """Tell whether a key may use a route."""
    if not route.roles:
        return True
    return role in route.roles and (not of_district or route.by_district)


def cell(route: Route, role: str) -> str:
    """Return which keys of a role may use a route."""
    if may(route, role, of_district=True):
        return BOTH
    return CITY if may(route, role, of_district=False) else NOBODY


def table() -> str:
    """Return the table in Markdown."""
    lines = [f"| 路由 path | {' | '.join(ROLES)} |", f"|---|{'---|' * len(ROLES)}"]
    for route in ROUTES:
        cells = " | ".join(cell(route, role) for role in ROLES)
        lines.append(f"| `{route.path}` | {cells} |")
    return "\n".join([*lines, ""])


def written() -> str:
    """Return the table that the document has."""
    return DOCUMENT.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table() + END + rest.partition(END)[2], "utf-8")
