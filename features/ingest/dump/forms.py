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
DAYS, MONTHS, QUANTITIES = ("day", "month"), ("month",), tuple(UNITS)
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
_THREE = "".join(name[:3] for name in _MONTHS)
_PARTS = {
    "y": "([0-9]{4})",
    "m": "([0-9]{1,2})",
    "d": "([0-9]{1,2})",
    "M": "([0-9]{2})",
    "D": "([0-9]{2})",
    "n": f"((?i:{'|'.join([*_MONTHS, 'sept', *(name[:3] for name in _MONTHS)])})|[0-9]{{1,2}}月)",
}
_TIME = (
    "(?:[ T]*(?:[01]?[0-9]|2[0-3])(?::[0-5][0-9](?::[0-5][0-9](?:[.][0-9]+)?)?(?: ?[AaPp][Mm])?"
    "|时(?:[0-5]?[0-9]分(?:[0-5]?[0-9]秒)?)?))?"
)
_NUMBER = "(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:[.][0-9]*)?|[.][0-9]+)"
_BRACKETED = f"[(（] *[¥￥]? *({_NUMBER}) *[)）]"
_SIGNED = f"[¥￥] *[(（] *({_NUMBER}) *[)）]"
_TRAILING = f"[¥￥]? *({_NUMBER}) *-"
_SERIAL = "([0-9]{1,7})(?:[.][0-9]*)?"
_SERIAL_OF_OUR_TIME = "[1-7][0-9]{4}(?:[.][0-9]*)?"
_LAST_SERIAL, _FALSE_LEAP_DAY, _SHIFT_1904 = 99_999, 60, 1462
_OPEN_SERIALS = "401768, 2958465"
"""2999-12-31 and 9999-12-31: other serials past _LAST_SERIAL, in 2173, may be months such as 201506."""


@dataclass(frozen=True, slots=True)
class ValueForm:
    """A way to write a value: `sql` of a text gives the text that every view reads, NULL where it does not fit.

    `odd` is how values look that nothing reads unless this form is stated; empty where a view may read them unstated.
    """

    kinds: tuple[str, ...]
    example: str
    sql: Reading
    odd: str = ""


def _pattern(layout: str) -> str:
    """Return the regular expression of a layout.

    {d}, {m}, {n}, {y} stand for the day, the month, its name and the year; {D} and {M} have two digits.
    """
    return re.sub("{([dmnyDM])}", lambda found: _PARTS[found[1]], layout)


def _piece(x: str, layout: str, letter: str) -> str:
    number = re.findall("{([dmny])}", layout.lower()).index(letter) + 1
    return f"regexp_extract({x}, {quoted(_pattern(layout) + _TIME)}, {number})"


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
    day = f"{_piece(x, layout, 'y')} || '-' || {_month_number(x, layout)} || '-' || {_piece(x, layout, 'd')}"
    return (
        f"CASE WHEN {_fits(x, NO_DAY)} THEN {x} "
        f"WHEN {_fits(x, _pattern(layout) + _TIME)} THEN CAST(TRY_CAST({day} AS DATE) AS VARCHAR) END"
    )


def _month_sql(layout: str, x: str) -> str:
    first = (
        f"TRY_CAST({_piece(x, layout, 'y')} || '-' || {_month_number(x, layout)} || '-01' AS DATE)"
    )
    return (
        f"CASE WHEN {_fits(x, NO_DAY)} THEN {x} "
        f"WHEN {_fits(x, _pattern(layout))} THEN strftime({first}, '%Y%m') END"
    )


def _excel_sql(shift: int, x: str) -> str:
    """Return the SQL of a spreadsheet's serial day; its fraction is a time of day. The 1900 system has a false 1900-02-29.

    Nought is no day in the 1900 system; in the other it could be 1904-01-01 too, and does not fit.
    """
    serial = f"(TRY_CAST(regexp_extract({x}, {quoted(_SERIAL)}, 1) AS BIGINT) + {shift})"
    nothing = "" if shift else f"WHEN {_fits(x, '[0.]+')} THEN {x} "
    return (
        f"CASE {nothing}WHEN NOT {_fits(x, _SERIAL)} OR {serial} = {shift} THEN NULL "
        f"WHEN {serial} BETWEEN 1 AND {_FALSE_LEAP_DAY - 1} "
        f"THEN CAST(DATE '1899-12-31' + CAST({serial} AS INTEGER) AS VARCHAR) "
        f"WHEN {serial} BETWEEN {_FALSE_LEAP_DAY + 1} AND {_LAST_SERIAL} OR {serial} IN ({_OPEN_SERIALS}) "
        f"THEN CAST(DATE '1899-12-30' + CAST({serial} AS INTEGER) AS VARCHAR) END"
    )


def _parentheses_sql(x: str) -> str:
    negative = [
        f"WHEN {_fits(x, one)} THEN '-' || regexp_extract({x}, {quoted(one)}, 1)"
        for one in (_BRACKETED, _SIGNED)
    ]
    return f"CASE {' '.join(negative)} WHEN NOT regexp_matches({x}, '[()（）]') THEN {x} END"


def _trailing_sql(x: str) -> str:
    return (
        f"CASE WHEN {_fits(x, _TRAILING)} THEN '-' || regexp_extract({x}, {quoted(_TRAILING)}, 1) "
        f"WHEN NOT ends_with({x}, '-') THEN {x} END"
    )


def _day(layout: str, example: str, *, odd: bool = True) -> ValueForm:
    kinds = (*DAYS, DAY_OR_ELSE) if odd else DAYS
    return ValueForm(
        kinds, example, partial(_day_sql, layout), _pattern(layout) + _TIME if odd else ""
    )


FORMS: dict[str, ValueForm] = {
    "excel day": ValueForm(DAYS, "41640", partial(_excel_sql, 0), _SERIAL_OF_OUR_TIME),
    "excel day 1904": ValueForm(
        DAYS, "40178", partial(_excel_sql, _SHIFT_1904), _SERIAL_OF_OUR_TIME
    ),
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
    "mm/yyyy": ValueForm(MONTHS, "03/2014", partial(_month_sql, "{m}/{y}"), _pattern("{m}/{y}")),
    "mmm-yyyy": ValueForm(
        MONTHS, "Mar-2014", partial(_month_sql, "{n}[ -]{y}"), _pattern("{n}[ -]{y}")
    ),
    "parentheses": ValueForm(QUANTITIES, "(12.00)", _parentheses_sql, f"{_BRACKETED}|{_SIGNED}"),
    "trailing minus": ValueForm(QUANTITIES, "12.00-", _trailing_sql, _TRAILING),
}
"""By the words that state it, every form that is known; views read 20140315, 2014-03-15 and the like unstated."""


def form_sql(x: str, name: str, kind: str, column: str, where: str) -> str:
    """Return the SQL that reads a text in a stated form, and says of one that does not fit why its row is refused.

    Where a column holds days or else, what does not look like such a day stays as it is.
    """
    form = FORMS[name]
    reason = quoted(f"! {column} should be written like {form.example}, as {where} says: {name}")
    read = f"coalesce({form.sql(x)}, {reason})"
    return (
        f"CASE WHEN {_fits(x, form.odd)} THEN {read} ELSE {x} END" if kind == DAY_OR_ELSE else read
    )


def unit_sql(x: str, unit: str, kind: str, column: str, where: str) -> str:
    """Return the SQL of a quantity in its kind's own unit, exactly: a number of decimals times what a stated unit is worth."""
    factor = UNITS[kind][unit]
    digits = "DECIMAL(4, 3)" if "." in factor else "DECIMAL(9, 0)"
    plain = f"CASE WHEN {_fits(x, f'[+-]?{_NUMBER}')} THEN replace({x}, ',', '') ELSE {x} END"
    value = f"CAST(TRY_CAST({plain} AS DECIMAL(28, 14)) * CAST({quoted(factor)} AS {digits}) AS VARCHAR)"
    return (
        f"coalesce(rtrim(rtrim({value}, '0'), '.'), "
        f"{quoted(f'! {column} should be a number, as {where} says: {unit}')})"
    )


def reading_sql(view: str, columns: Mapping[str, Reading]) -> str:
    """Return a SELECT over another in which some columns are read anew; what is empty or refused already stays as it is."""
    values = [
        f"CASE WHEN starts_with({named(name)}, '! ') THEN {named(name)} "
        f"WHEN {named(name)} IS NOT NULL THEN {sql(named(name))} END AS {named(name)}"
        for name, sql in columns.items()
    ]
    return f"SELECT * REPLACE ({', '.join(values)}) FROM ({view})" if values else view
