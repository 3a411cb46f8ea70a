"""Days and months as integers: days since 1970-01-01, months as year * 12 + (month - 1)."""

from __future__ import annotations

from datetime import date, timedelta

from features.errors import RequestError

_EPOCH = date(1970, 1, 1)


def day_of(value: date | str) -> int:
    """Return the integer day of a date or an ISO text.

    >>> day_of("1970-01-02")
    1
    """
    if isinstance(value, date):
        return (value - _EPOCH).days
    try:
        # Python reads 20150630 and 2015-W27-2 too, which nothing states.
        if not (len(value) == 10 and value[4] == value[7] == "-"):
            raise ValueError
        return (date.fromisoformat(value) - _EPOCH).days
    except ValueError:
        raise RequestError(f"a day should look like 2015-06-30; got {value!r}") from None


def date_of(day: int) -> date:
    """Return the date of an integer day.

    >>> date_of(1).isoformat()
    '1970-01-02'
    """
    return _EPOCH + timedelta(days=int(day))


def month_of(value: date | str) -> int:
    """Return the integer month of a date, or of a text like 2015-06.

    >>> month_of("2015-06") == 2015 * 12 + 5
    True
    """
    if isinstance(value, date):
        return value.year * 12 + value.month - 1
    # A text of a day has to be one as a whole: 2015-06-31 lies in no month.
    first = date_of(day_of(value if len(value) > 7 else f"{value}-01"))
    return first.year * 12 + first.month - 1


def month_of_day(day: int) -> int:
    """Return the integer month in which an integer day lies."""
    return month_of(date_of(day))


def month_text(month: int) -> str:
    """Return an integer month as text.

    >>> month_text(2015 * 12 + 5)
    '2015-06'
    """
    year = month // 12
    number = month % 12 + 1
    return f"{year:04d}-{number:02d}"


def first_day(month: int) -> int:
    """Return the integer day on which an integer month begins."""
    year = month // 12
    number = month % 12 + 1
    return day_of(date(year, number, 1))
