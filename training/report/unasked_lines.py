"""What `lssi train` says to a person of unasked outcomes: how often each befell the list, beside all units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
HEAD = "无人挑选的结果 what nobody chose to look for"
PERIOD = "{head}: {as_of} … {until}, 名单 list {listed:,} / {units:,}"
EVENT = "名单 list {on_list}, 全体 all {of_all}, 倍数 times {lift}"
SHARE = "{value:.1%} [{low:.1%}, {high:.1%}]"
TIMES = "{value:.2f} [{low:.2f}, {high:.2f}]"
"""A figure and the ends of its interval, by their names in the row."""


def unasked_lines(unasked: Row) -> Iterator[str]:
    """Yield a line for each event with its share on the list and among all units, or the word why nothing is told."""
    word = unasked["word"]
    if word:
        yield f"{HEAD}: {word}"
        return
    yield PERIOD.format(
        head=HEAD,
        as_of=unasked["as_of"],
        until=unasked["until"],
        listed=unasked["listed"],
        units=unasked["units"],
    )
    for row in unasked["events"]:
        yield f"  {row['zh']} {row['en']}: {_event(row)}"


def _event(row: Row) -> str:
    """Return how often an event befell the list and all units."""
    lift = row["lift"]
    if isinstance(lift, str):
        return lift
    return EVENT.format(
        on_list=SHARE.format_map(row["precision"]),
        of_all=SHARE.format_map(row["rate"]),
        lift=TIMES.format_map(lift),
    )
