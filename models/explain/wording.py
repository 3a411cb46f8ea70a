"""The wording of values, days and sources in Chinese and English, from the table of units in `units.txt`."""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from features.calendar import date_of
from features.catalogue import declared_joins
from features.contract.tables import contract

LANGUAGES = ("zh", "en")
MISSING = {"zh": "缺失", "en": "missing"}
YES_NO = {"zh": ("否", "是"), "en": ("no", "yes")}
TO = {"zh": "至", "en": " to "}
WAN = 1_000_000  # fen in ten thousand yuan
GROUPED = 10_000  # from here on thousands are set apart, so that years stay whole
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class UnitWording:
    """How a number of one unit is said: divided, rounded, then put into the words of each language."""

    divisor: float
    decimals: int
    zh: str
    en: str
    one: str

    def words(self, language: str, number: str) -> str:
        """Return a formatted number with its unit."""
        if language == "zh":
            return self.zh.replace("#", number)
        return (self.one if number == "1" else self.en).replace("#", number)


@cache
def units() -> dict[str, UnitWording]:
    """Return the declared units by name."""
    found: dict[str, UnitWording] = {}
    for line in (
        resources.files("models.explain").joinpath("units.txt").read_text("utf-8").splitlines()
    ):
        if line and not line.startswith("#"):
            name, divisor, decimals, zh, en, one = (part.strip() for part in line.split("|"))
            found[name] = UnitWording(float(divisor), int(decimals), zh, en, one)
    return found


def number_words(value: float | None, unit: str, language: str) -> str:
    """Return a value without the words of its unit, for a sentence that has them; money and shares keep theirs.

    >>> number_words(265, "persons", "en"), number_words(12345678, "fen", "zh"), number_words(0.385, "share", "en")
    ('265', '12.35万元', '38.5%')
    """
    return _said(value, unit, language, lambda number, _: number)


def value_words(value: float | None, unit: str, language: str) -> str:
    """Return a value with its unit.

    >>> value_words(1, "persons", "en"), value_words(12650, "persons", "zh"), value_words(90, "minutes", "en")
    ('1 person', '12,650人', '1.5 hours')
    """
    return _said(value, unit, language, lambda number, known: known.words(language, number))


def _said(
    value: float | None, unit: str, language: str, worded: Callable[[str, UnitWording], str]
) -> str:
    if value is None or math.isnan(value):
        return MISSING[language]
    if unit == "flag":
        return YES_NO[language][int(value != 0)]
    if unit == "fen":
        return money_words(value, language)
    known = units().get(unit, _PLAIN)
    scaled = value / known.divisor
    number = (
        f"{scaled:,.{known.decimals}f}"
        if abs(scaled) >= GROUPED
        else f"{scaled:.{known.decimals}f}"
    )
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    number = "0" if number == "-0" else number
    return known.words(language, number) if unit == "share" else worded(number, known)


_PLAIN = UnitWording(1, 2, "#", "#", "#")


def money_words(fen: float, language: str) -> str:
    """Return an amount of fen in yuan with two decimals; in Chinese from ten thousand yuan on in units of that.

    >>> money_words(123450, "zh"), money_words(12345678, "zh"), money_words(12345678, "en")
    ('1,234.50元', '12.35万元', '123,456.78 yuan')
    """
    if language == "zh" and abs(fen) >= WAN:
        return f"{fen / WAN:,.2f}万元"
    return f"{fen / 100:,.2f}" + ("元" if language == "zh" else " yuan")


def day_words(day: int, language: str) -> str:
    """Return an integer day in words.

    >>> day_words(16586, "zh"), day_words(16586, "en")
    ('2015年5月31日', '31 May 2015')
    """
    date = date_of(day)
    if language == "zh":
        return f"{date.year}年{date.month}月{date.day}日"
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def month_words(day: int, language: str) -> str:
    """Return the month of an integer day in words.

    >>> month_words(16586, "zh"), month_words(16586, "en")
    ('2015年5月', 'May 2015')
    """
    date = date_of(day)
    return (
        f"{date.year}年{date.month}月"
        if language == "zh"
        else f"{_MONTHS[date.month - 1]} {date.year}"
    )


def span_words(first: int, last: int, language: str) -> str:
    """Return a span of days in words, in whole months where it is made of them.

    >>> span_words(16556, 16586, "en"), span_words(16526, 16586, "zh"), span_words(16586, 16586, "en")
    ('May 2015', '2015年4月至2015年5月', '31 May 2015')
    """
    start, end = date_of(first), date_of(last)
    whole = start.day == 1 and end.day == calendar.monthrange(end.year, end.month)[1]
    say = month_words if whole else day_words
    begins, ends = say(first, language), say(last, language)
    return begins if begins == ends else f"{begins}{TO[language]}{ends}"


def table_words(table: str, language: str) -> str:
    """Return a table's meaning; of a derived table, that of the table whose rows it has."""
    lefts = {join.name: join.left for join in declared_joins()}
    declared = contract()[lefts.get(table, table)]
    return declared.zh if language == "zh" else declared.en
