"""The wording of values, days and sources in Chinese and English, from the table of units in `units.txt`."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from features.calendar import date_of
from features.catalogue.joins import left_of
from features.contract.tables import contract

LANGUAGES = ("zh", "en")
MISSING = {"zh": "缺失", "en": "missing"}
YES_NO = {"zh": ("否", "是"), "en": ("no", "yes")}
TO = {"zh": "至", "en": " to "}
WAN = 1_000_000  # fen in ten thousand yuan
_SPAN = re.compile(r"(the year before the )?last \d+ (days|months)")
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
        pattern = self.one if number == "1" else self.en
        return pattern.replace("#", number)


@cache
def units() -> dict[str, UnitWording]:
    """Return the declared units by name."""
    table = resources.files("models.explain").joinpath("units.txt")
    declared: dict[str, UnitWording] = {}
    for line in table.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, divisor, decimals, zh, en, one = (part.strip() for part in line.split("|"))
        declared[name] = UnitWording(float(divisor), int(decimals), zh, en, one)
    return declared


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
    return _said(value, unit, language, lambda number, wording: wording.words(language, number))


def value_beside(meaning: str, value: float | None, unit: str, language: str) -> str:
    """Return a value to stand after its meaning, without the words of its unit where English would say them twice.

    >>> value_beside("days since the last visit", 30, "days", "en"), value_beside("staff", 30, "persons", "en")
    ('30', '30 persons')
    """
    if language == "en" and names_unit(meaning, unit):
        return number_words(value, unit, language)
    return value_words(value, unit, language)


def names_unit(meaning: str, unit: str) -> bool:
    """Tell whether the words of a meaning say its unit, the span of days or months that it looks at aside.

    >>> names_unit("visits, last 30 days", "days"), names_unit("mean days between visits", "days")
    (False, True)
    """
    noun = units().get(unit, _PLAIN).en.replace("#", "").strip()
    return noun in re.findall(r"\w+", _SPAN.sub("", meaning))


def range_words(lower: float, upper: float, unit: str, language: str) -> str:
    """Return a range from one value to another, their unit said once.

    >>> range_words(0, 4, "persons", "en"), range_words(0, 4, "persons", "zh"), range_words(0, 500, "fen", "en")
    ('0 to 4 persons', '0至4人', '0.00 to 5.00 yuan')
    """
    ends = value_words(upper, unit, language)
    # an amount keeps its unit, which in Chinese may be another than that of the end
    begins = number_words(lower, unit, language).removesuffix(" yuan")
    return f"{begins}{TO[language]}{ends}"


def _said(
    value: float | None, unit: str, language: str, worded: Callable[[str, UnitWording], str]
) -> str:
    if value is None or math.isnan(value):
        return MISSING[language]
    if unit == "flag":
        return YES_NO[language][int(value != 0)]
    if unit == "fen":
        return money_words(value, language)
    wording = units().get(unit, _PLAIN)
    number = _rounded(value / wording.divisor, wording.decimals)
    if unit == "share":
        # a share without its sign would read as another number, so it has one in every sentence
        return wording.words(language, number)
    return worded(number, wording)


def _rounded(value: float, decimals: int) -> str:
    """Return a number with at most so many decimals, without zeros at its end."""
    separator = "," if abs(value) >= GROUPED else ""
    number = f"{value:{separator}.{decimals}f}"
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    # a small negative number rounds to this
    return "0" if number == "-0" else number


# of a unit that the table does not declare: two decimals and no words
_PLAIN = UnitWording(1, 2, "#", "#", "#")


def money_words(fen: float, language: str) -> str:
    """Return an amount of fen in yuan with two decimals; in Chinese from ten thousand yuan on in units of that.

    >>> money_words(123450, "zh"), money_words(12345678, "zh"), money_words(12345678, "en")
    ('1,234.50元', '12.35万元', '123,456.78 yuan')
    """
    if language == "zh" and abs(fen) >= WAN:
        return f"{fen / WAN:,.2f}万元"
    yuan = f"{fen / 100:,.2f}"
    return f"{yuan}元" if language == "zh" else f"{yuan} yuan"


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
    if language == "zh":
        return f"{date.year}年{date.month}月"
    return f"{_MONTHS[date.month - 1]} {date.year}"


def span_words(first: int, last: int, language: str) -> str:
    """Return a span of days in words, in whole months where it is made of them.

    >>> span_words(16556, 16586, "en"), span_words(16526, 16586, "zh"), span_words(16586, 16586, "en")
    ('May 2015', '2015年4月至2015年5月', '31 May 2015')
    """
    start = date_of(first)
    end = date_of(last)
    _, days_of_last_month = calendar.monthrange(end.year, end.month)
    is_whole_months = start.day == 1 and end.day == days_of_last_month
    in_words = month_words if is_whole_months else day_words
    begins = in_words(first, language)
    ends = in_words(last, language)
    if begins == ends:
        return begins
    return f"{begins}{TO[language]}{ends}"


def table_words(table: str, language: str) -> str:
    """Return a table's meaning; of a derived table, that of the table whose rows it has."""
    declared = contract()[left_of(table)]
    return declared.zh if language == "zh" else declared.en
