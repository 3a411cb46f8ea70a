"""Forms in which a dump may write a value, each read only where it is stated for the column: one closed table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from features.connection import named, quoted
from features.ingest.dump.units import UNITS

Reading = Callable[[str], str]
"""What turns the SQL of a text into that of a text which is read another way."""
DAYS = ("day", "month")
MONTHS = ("month",)
QUANTITIES = tuple(UNITS)
DAY_OR_ELSE = "day or else"
KINDS = (*DAYS, *QUANTITIES, DAY_OR_ELSE, "id", "code", "flag")
"""What a column of a dump may hold: a day, a month (or a day for it), a quantity by its kind of unit, or else."""
NO_DAY = "0[0/. :T年月日-]*"
"""A day of noughts alone, which is no day in any form."""
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SHORT_MONTHS = [name[:3] for name in _MONTHS]
_THREE = "".join(_SHORT_MONTHS)
"""The short names one after another: that of month m begins at letter 3 m - 2, counted from 1."""
_MONTH_NAMES = "|".join([*_MONTHS, "sept", *_SHORT_MONTHS])
_PARTS = {
    "y": "([0-9]{4})",
    "m": "([0-9]{1,2})",
    "d": "([0-9]{1,2})",
    "M": "([0-9]{2})",
    "D": "([0-9]{2})",
    "n": f"((?i:{_MONTH_NAMES})|[0-9]{{1,2}}月)",
}
_TIME = (
    "(?:[ T]*(?:[01]?[0-9]|2[0-3])(?::[0-5][0-9](?::[0-5][0-9](?:[.][0-9]+)?)?(?: ?[AaPp][Mm])?"
    "|时(?:[0-5]?[0-9]分(?:[0-5]?[0-9]秒)?)?))?"
)
_NUMBER = "(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:[.][0-9]*)?|[.][0-9]+)"
_WITH_POWER = "(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)[eE][+-]?[0-9]{1,3}"
_BRACKETED = f"[(（] *[¥￥]? *({_NUMBER}) *[)）]"
_SIGNED = f"[¥￥] *[(（] *({_NUMBER}) *[)）]"
_TRAILING = f"[¥￥]? *({_NUMBER}) *-"
_SERIAL = "([0-9]{1,7})(?:[.][0-9]*)?"
_SERIAL_OF_OUR_TIME = "[1-7][0-9]{4}(?:[.][0-9]*)?"
_LAST_SERIAL = 99_999
"""The greatest serial of five digits, a day in 2173: one of six digits may be a month such as 201506."""
_FALSE_LEAP_DAY = 60
"""The serial of 1900-02-29, a day that spreadsheets count and that never was."""
_SHIFT_1904 = 1462
"""The days from the beginning of the system of 1900 to that of 1904."""
_OPEN_SERIALS = "401768, 2958465"
"""2999-12-31 and 9999-12-31: other serials past _LAST_SERIAL, in 2173, may be months such as 201506."""


@dataclass(frozen=True, slots=True)
class ValueForm:
    """A way to write a value: `sql` of a text gives the text that every view reads, NULL where it does not fit.

    `odd` is the pattern of values that are read only if this form is stated; empty if a view may read them without it.
    """

    kinds: tuple[str, ...]
    example: str
    sql: Reading
    odd: str = ""


def _pattern(layout: str) -> str:
    """Return the regular expression of a layout.

    {d}, {m}, {n}, {y} stand for the day, the month, its name and the year; {D} and {M} have two digits.
    """
    return re.sub("{([dmnyDM])}", lambda letter: _PARTS[letter[1]], layout)


def _piece(x: str, layout: str, letter: str) -> str:
    """Return the SQL of one part of a text in some layout, that of a letter."""
    letters = re.findall("{([dmny])}", layout.lower())
    number = letters.index(letter) + 1
    pattern = quoted(_pattern(layout) + _TIME)
    return f"regexp_extract({x}, {pattern}, {number})"


def _month_number(x: str, layout: str) -> str:
    if "{m}" in layout.lower():
        return _piece(x, layout, "m")
    month = _piece(x, layout, "n")
    of_name = f"(strpos({quoted(_THREE)}, lower({month}[1:3])) + 2) // 3"
    return f"coalesce(TRY_CAST(rtrim({month}, '月') AS BIGINT), {of_name})"


def _fits(x: str, pattern: str) -> str:
    return f"regexp_full_match({x}, {quoted(pattern)})"


def _day_sql(layout: str, x: str) -> str:
    """Return the SQL of a day YYYY-MM-DD; a time of day after it is dropped, as no view reads times."""
    year, month, day = _piece(x, layout, "y"), _month_number(x, layout), _piece(x, layout, "d")
    text = f"{year} || '-' || {month} || '-' || {day}"
    is_no_day = _fits(x, NO_DAY)
    is_day = _fits(x, _pattern(layout) + _TIME)
    return (
        f"CASE WHEN {is_no_day} THEN {x} "
        f"WHEN {is_day} THEN CAST(TRY_CAST({text} AS DATE) AS VARCHAR) END"
    )


def _month_sql(layout: str, x: str) -> str:
    year, month = _piece(x, layout, "y"), _month_number(x, layout)
    first_day = f"TRY_CAST({year} || '-' || {month} || '-01' AS DATE)"
    is_no_day = _fits(x, NO_DAY)
    is_month = _fits(x, _pattern(layout))
    return f"CASE WHEN {is_no_day} THEN {x} WHEN {is_month} THEN strftime({first_day}, '%Y%m') END"


def _excel_sql(shift: int, x: str) -> str:
    """Return the SQL of a spreadsheet's serial day; its fraction is a time of day. The 1900 system has a false 1900-02-29.

    Nought is no day in the 1900 system; in the other it could be 1904-01-01 too, and does not fit.
    """
    digits = f"regexp_extract({x}, {quoted(_SERIAL)}, 1)"
    serial = f"(TRY_CAST({digits} AS BIGINT) + {shift})"
    nothing = "" if shift else f"WHEN {_fits(x, '[0.]+')} THEN {x} "
    # Past the false leap day serials are one too many, so they count from the day before.
    is_before = f"{serial} BETWEEN 1 AND {_FALSE_LEAP_DAY - 1}"
    is_after = f"{serial} BETWEEN {_FALSE_LEAP_DAY + 1} AND {_LAST_SERIAL}"
    is_open = f"{serial} IN ({_OPEN_SERIALS})"
    days = f"CAST({serial} AS INTEGER)"
    return (
        f"CASE {nothing}WHEN NOT {_fits(x, _SERIAL)} OR {serial} = {shift} THEN NULL "
        f"WHEN {is_before} THEN CAST(DATE '1899-12-31' + {days} AS VARCHAR) "
        f"WHEN {is_after} OR {is_open} THEN CAST(DATE '1899-12-30' + {days} AS VARCHAR) END"
    )


def _parentheses_sql(x: str) -> str:
    cases = " ".join(_negative_case(x, pattern) for pattern in (_BRACKETED, _SIGNED))
    return f"CASE {cases} WHEN NOT regexp_matches({x}, '[()（）]') THEN {x} END"


def _trailing_sql(x: str) -> str:
    case = _negative_case(x, _TRAILING)
    return f"CASE {case} WHEN NOT ends_with({x}, '-') THEN {x} END"


def _negative_case(x: str, pattern: str) -> str:
    """Return the SQL case of a text that a pattern reads as a negative number, its digits the first group."""
    digits = f"regexp_extract({x}, {quoted(pattern)}, 1)"
    return f"WHEN {_fits(x, pattern)} THEN '-' || {digits}"


def _day(layout: str, example: str, *, odd: bool = True) -> ValueForm:
    sql = partial(_day_sql, layout)
    if not odd:
        return ValueForm(DAYS, example, sql)
    return ValueForm((*DAYS, DAY_OR_ELSE), example, sql, odd=_pattern(layout) + _TIME)


def _month(layout: str, example: str) -> ValueForm:
    return ValueForm(MONTHS, example, partial(_month_sql, layout), odd=_pattern(layout))


def _serial(shift: int, example: str) -> ValueForm:
    return ValueForm(DAYS, example, partial(_excel_sql, shift), odd=_SERIAL_OF_OUR_TIME)


FORMS: dict[str, ValueForm] = {
    "excel day": _serial(0, "41640"),
    "excel day 1904": _serial(_SHIFT_1904, "40178"),
    "dd/mm/yyyy": _day("{d}/{m}/{y}", "15/03/2014"),
    "mm/dd/yyyy": _day("{m}/{d}/{y}", "03/15/2014"),
    "dd-mm-yyyy": _day("{d}-{m}-{y}", "15-03-2014"),
    "mm-dd-yyyy": _day("{m}-{d}-{y}", "03-15-2014"),
    "dd.mm.yyyy": _day("{d}[.]{m}[.]{y}", "15.03.2014"),
    "dd-mmm-yyyy": _day("{d}[ /-]{n} ?[ /,-] ?{y}", "15-Mar-2014"),
    "mmm dd, yyyy": _day("{n}[.]? {d},? {y}", "Mar 15, 2014"),
    "yyyymmdd": _day("{y}{M}{D}", "20140315", odd=False),
    "yyyy-mm-dd": _day("{y}-{m}-{d}", "2014-03-15", odd=False),
    "yyyy/mm/dd": _day("{y}/{m}/{d}", "2014/03/15", odd=False),
    "yyyy.mm.dd": _day("{y}[.]{m}[.]{d}", "2014.03.15", odd=False),
    "yyyy年m月d日": _day("{y}年{m}月{d}日", "2014年3月15日", odd=False),
    "mm/yyyy": _month("{m}/{y}", "03/2014"),
    "mmm-yyyy": _month("{n}[ -]{y}", "Mar-2014"),
    "parentheses": ValueForm(QUANTITIES, "(12.00)", _parentheses_sql, f"{_BRACKETED}|{_SIGNED}"),
    "trailing minus": ValueForm(QUANTITIES, "12.00-", _trailing_sql, _TRAILING),
}
"""By the words that state it, every form that is known; views read 20140315, 2014-03-15 and the like unstated."""


def form_sql(x: str, name: str, kind: str, column: str, where: str) -> str:
    """Return the SQL that reads a text in a stated form, and says of one that does not fit why its row is refused.

    If a column may hold other values than days, those that do not look like a day in this form stay unchanged.
    """
    form = FORMS[name]
    reason = quoted(f"! {column} should be written like {form.example}, as {where} says: {name}")
    value = f"coalesce({form.sql(x)}, {reason})"
    if kind == DAY_OR_ELSE:
        return f"CASE WHEN {_fits(x, form.odd)} THEN {value} ELSE {x} END"
    return value


def unit_sql(x: str, unit: str, kind: str, column: str, where: str) -> str:
    """Return the SQL of a quantity in its kind's own unit, exactly: a number of decimals times what a stated unit is worth."""
    factor = UNITS[kind][unit]
    # The digits of both factors make 32 or 37, so the product fits a DECIMAL of 38 and is exact.
    digits = "DECIMAL(4, 3)" if "." in factor else "DECIMAL(9, 0)"
    # A cast takes more than numbers, such as 1_000: only a text that looks like a number is cast.
    is_number = _fits(x, f"[+-]?{_NUMBER}|[+-]?{_WITH_POWER}")
    number = f"CASE WHEN {is_number} THEN TRY_CAST(replace({x}, ',', '') AS DECIMAL(28, 14)) END"
    value = f"CAST(({number}) * CAST({quoted(factor)} AS {digits}) AS VARCHAR)"
    reason = quoted(f"! {column} should be a number, as {where} says: {unit}")
    return f"coalesce(rtrim(rtrim({value}, '0'), '.'), {reason})"


def reading_sql(view: str, columns: Mapping[str, Reading]) -> str:
    """Return a SELECT over another in which some columns are read anew; what is empty or refused already stays as it is."""
    if not columns:
        return view
    values: list[str] = []
    for name, sql in columns.items():
        x = named(name)
        values.append(
            f"CASE WHEN starts_with({x}, '! ') THEN {x} "
            f"WHEN {x} IS NOT NULL THEN {sql(x)} END AS {x}"
        )
    return f"SELECT * REPLACE ({', '.join(values)}) FROM ({view})"
