"""The closed day of a dump that states none: the day by which most of its tables end, without late stragglers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

from features.errors import SourceError
from features.parameters import Count, Days, parameter_values, parameters_in
from features.text_files import declaration_text

MONTH, WEEK = timedelta(days=31), timedelta(days=7)
"""Tables that end within a month of one another end together: not all have rows on the last day."""
FILE = "closing.txt"


@dataclass(frozen=True, slots=True)
class ClosingParameters:
    """The value of each parameter of a closed day; closing.txt says what each means."""

    silence: Days
    ordinary_rows: Count


@cache
def closing_parameters() -> ClosingParameters:
    """Return what closing.txt declares."""
    text = declaration_text(FILE, "features.ingest.dump")
    return parameter_values(ClosingParameters, parameters_in(text, ClosingParameters, FILE))


@dataclass(frozen=True, slots=True)
class Ending:
    """A column that says when rows became known: the last day of its ordinary rows, and all its days."""

    origin: str
    ordinary: date
    days: tuple[date, ...]

    @property
    def last(self) -> date:
        return self.days[-1]


def ending(origin: str, rows: Counter[date]) -> Ending:
    """Return when the ordinary rows of a column end; `rows` counts them by day, and is not empty.

    >>> days = Counter({date(2015, 6, day): 50 for day in range(1, 31)} | {date(2016, 1, 20): 1})
    >>> ending("AC43.AAB191", days).ordinary.isoformat()
    '2015-06-30'
    """
    days = sorted(rows)
    gaps = [(later - day).days for day, later in pairwise(days)]
    longest_gap = _longest_ordinary_gap(gaps)
    all_rows = later_rows = rows.total()
    ordinary_rows = closing_parameters().ordinary_rows
    ordinary = days[-1]
    for day, gap in zip(days, [*gaps, 0], strict=True):
        later_rows -= rows[day]
        if gap > longest_gap and later_rows * ordinary_rows < all_rows:
            ordinary = day
            break
    return Ending(origin, ordinary, tuple(days))


def _longest_ordinary_gap(gaps: Sequence[int]) -> int:
    """Return the days without a row past which a column has fallen silent."""
    silence = closing_parameters().silence
    if not gaps:
        return silence
    # The longest gaps of all may lie among the stragglers, so 19 of 20 gaps say what is usual.
    usual = sorted(gaps)[int(len(gaps) * 0.95)]
    return max(silence, 3 * usual)


def closed_day(endings: Sequence[Ending]) -> date:
    """Return the day by which most columns end; SourceError where nothing was recorded.

    It lies in the month in which most columns end, the latest of such months: it is the last day in the week by which a
    quarter of them end. A column that continues after that may move it by a week at most.
    """
    if not endings:
        raise SourceError(
            "no table of the dump holds a recorded day; "
            "write complete_to = 2015-06-30 into its dump.toml"
        )
    ends = [one.ordinary for one in endings]
    last = max(ends, key=lambda end: (_ending_up_to(end, ends, MONTH), end))
    together = [end for end in ends if last - MONTH < end <= last]
    agreed = [end for end in together if 4 * _ending_up_to(end, together, WEEK) >= len(together)]
    closed = latest = max(agreed)
    for one in endings:
        if one.ordinary > last:
            days_of_week = [day for day in one.days if day <= closed + WEEK]
            latest = max([latest, *days_of_week])
    return latest


def _ending_up_to(day: date, ends: Sequence[date], span: timedelta) -> int:
    return sum(day - span < end <= day for end in ends)


def ending_notes(endings: Sequence[Ending], end: date) -> list[str]:
    """Return lines for a check: how the closed day was found, and what to write if it is wrong."""
    together = [one for one in endings if end - MONTH < one.ordinary <= end]
    earlier = [one for one in endings if one.ordinary <= end - MONTH]
    beyond = [one for one in endings if one.last > end]
    lines = [
        (
            f"complete_to = {end} is not declared but the day by which most tables end "
            f"({_ends(together)}); write "
            f"complete_to = {end}, or the last closed day if it is another, into dump.toml"
        )
    ]
    if earlier:
        lines.append(f"tables that end earlier: {_ends(earlier)}")
    if beyond:
        going_on = ", ".join(f"{one.origin} up to {one.last}" for one in beyond)
        lines.append(
            f"rows recorded after {end} are refused as later than the closed day: {going_on}; "
            "write a later complete_to to read them"
        )
    return lines


def _ends(endings: Sequence[Ending]) -> str:
    return ", ".join(f"{one.origin} {one.ordinary}" for one in endings)
