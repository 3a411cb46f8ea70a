"""What `lssi train` says to a person of unasked outcomes: how often each befell the list, beside all units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
HEAD = "无人挑选的结果 what nobody chose to look for"


def unasked_lines(unasked: Row) -> Iterator[str]:
    """Yield a line for each event with its share on the list and among all units, or the word why nothing is told."""
    if unasked["word"]:
        yield f"{HEAD}: {unasked['word']}"
        return
    listed = f"{unasked['listed']:,}"
    units = f"{unasked['units']:,}"
    until = unasked["until"]
    yield f"{HEAD}: {unasked['as_of']} … {until}, 名单 list {listed} / {units}"
    for row in unasked["events"]:
        yield f"  {row['zh']} {row['en']}: {_event(row)}"


def _event(row: Row) -> str:
    """Return how often an event befell the list and all units."""
    if isinstance(row["lift"], str):
        return str(row["lift"])
    on_list = _percent(row["precision"])
    of_all = _percent(row["rate"])
    lift = row["lift"]
    ends = f"[{lift['low']:.2f}, {lift['high']:.2f}]"
    return f"名单 list {on_list}, 全体 all {of_all}, 倍数 times {lift['value']:.2f} {ends}"


def _percent(told: Row) -> str:
    """Return a share with its interval in percent."""
    return f"{told['value']:.1%} [{told['low']:.1%}, {told['high']:.1%}]"
