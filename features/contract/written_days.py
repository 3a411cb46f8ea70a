"""The forms in which a day, a moment or a month may be written as text, and the SQL that reads them.

DuckDB's own cast reads more: `epoch`, years before Christ, offsets of 99 hours, and 24:00 as the day after.
"""

from __future__ import annotations

from features.connection import quoted

WRITTEN_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
"""2015-06-30."""
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
_MINUTES = "(:?[0-5][0-9](:[0-5][0-9])?)?"
_OFFSET = f"(Z| UTC|[+-]((0[0-9]|1[0-3]){_MINUTES}|14(:?00)?))"
"""Offsets within 14 hours: no place on earth has a greater one. Their seconds are those of clocks before time zones."""
WRITTEN_MOMENT = f"{WRITTEN_DAY}[T ]{_TIME}{_OFFSET}?"
"""2015-06-30 23:59, 2015-06-30T23:59:59.5+08:00; without an offset it is on the source's clock."""
WRITTEN_MONTH = "[0-9]{4}-?[0-9]{2}"
"""2015-06 or 201506."""


def date_sql(text: str) -> str:
    """Return a text, given in SQL, as a DATE in the connection's zone; NULL where it is written neither as a day nor as a moment.

    >>> date_sql("x").startswith("CASE WHEN regexp_full_match(x, '[0-9]{4}-")
    True
    """
    day = f"TRY_CAST({text} AS DATE)"
    day_of_moment = f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS DATE)"
    return (
        f"CASE WHEN regexp_full_match({text}, {quoted(WRITTEN_DAY)}) THEN {day} "
        f"WHEN regexp_full_match({text}, {quoted(WRITTEN_MOMENT)}) THEN {day_of_moment} END"
    )


def month_date_sql(text: str) -> str:
    """Return a text, given in SQL, as a DATE in the month that it says, or in which its day lies; NULL where it is neither."""
    first = f"TRY_CAST({text}[:4] || '-' || {text}[-2:] || '-01' AS DATE)"
    is_month = f"regexp_full_match({text}, {quoted(WRITTEN_MONTH)})"
    return f"CASE WHEN {is_month} THEN {first} ELSE {date_sql(text)} END"
