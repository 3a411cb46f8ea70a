"""Days in raw tables: which columns hold days, what they are as integers, and other days written in their place."""

from __future__ import annotations

import re
from datetime import date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.calendar import date_of

_DAY = r"^(\d{4}[-/.]?\d{2}[-/.]?\d{2})(?:$|[.]0*$|[ T][\d:.]*$)"
"""A day as it is written, alone or before a time without a zone."""


def holds_days(column: pl.Series) -> bool:
    """Tell whether most of what a raw column says are days; a few numbers of eight digits may look like one."""
    return 2 * days_in(column).count() > column.count()


def days_in(column: pl.Series) -> pl.Series:
    """Return the days that a raw column holds as integers, null where it holds none."""
    texts = column.cast(pl.String).str.strip_chars()
    written = texts.str.extract(_DAY, 1)
    digits = written.str.replace_all("[-/.]", "")
    dates = digits.str.to_date("%Y%m%d", strict=False)
    return dates.cast(pl.Int32)


def on_days(column: pl.Series, days: NDArray[np.int64]) -> pl.Series:
    """Return a raw column's cells with other days (n,) in the place of theirs, written alike; a cell without one stays."""
    cells = [_on_day(cell, int(day)) for cell, day in zip(column, days, strict=True)]
    return pl.Series(column.name, cells, column.dtype)


def _on_day(cell: object, day: int) -> object:
    """Return a cell with another day in the place of its own."""
    # a datetime is a date too, but its time would be lost
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return date_of(day)
    if not isinstance(cell, str):
        return cell
    written = re.match(_DAY, cell.strip())
    if written is None:
        return cell
    before = written[1]
    mark = before[4]
    separator = "" if mark.isdigit() else mark
    after = date_of(day).strftime(f"%Y{separator}%m{separator}%d")
    return cell.replace(before, after, 1)
