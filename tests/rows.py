"""Rows by hand that several files of tests write."""

from __future__ import annotations

Row = dict[str, object]
Tables = dict[str, list[Row]]


def firm(name: str, registered: str = "2010-01-01", **more: object) -> Row:
    """Return an enterprise, known from the day on which it was registered."""
    return {
        "enterprise": name,
        "since": registered,
        "registered": registered,
        "recorded_on": registered,
    } | more
