"""A sentence: one feature of one case in words, and where the rows stand that it rests on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Set
from functools import partial

import numpy as np

from features.catalogue.joins import left_of
from features.contract.tables import contract
from features.matrix import Matrix
from features.online.fact import Fact
from models.bundle.manifest import FrozenFeature
from models.explain.wording import (
    month_words,
    number_words,
    span_words,
    table_words,
    value_beside,
)

Saying = Callable[[float | None, str, str], str]
PLACE = re.compile(r"\{(\w+)(?::([^{}/]*)/([^{}/]*))?\}")
"""A place of a template: a name, and in English the noun for one and for any other number where its number has one."""
SOURCE = {"zh": "（{facts}）", "en": " ({facts})"}
WITHOUT_ROWS = {
    "zh": "（据{tables}的全部记录：是合计或没有记录，不能单独指出某一行）",
    "en": " (from all records of {tables}: a total or an absence, which no single row shows)",
}
TABLE_AND_DAYS = {"zh": "{table}，{span}", "en": "{table}, {span}"}
ROWS = {"zh": "{place}，行 {rows}", "en": "{place}, {noun} {rows}"}
MORE = {"zh": "等{count}行", "en": " and {count} more"}
AND = {"zh": "；", "en": "; "}
LISTED = {"zh": "、", "en": ", "}
VALUED = {"zh": "{meaning}{value}：", "en": "{meaning} {value}: "}
SAYS = {"zh": "{meaning}：{value}", "en": "{meaning}: {value}"}


def sentence(
    feature: FrozenFeature,
    declared: Mapping[str, FrozenFeature],
    row: Matrix,
    facts: tuple[Fact, ...],
    language: str,
) -> str:
    """Return what a feature says of one case, with the facts it rests on: in its template's words if all are known."""
    words, numbers = _statement(feature, declared, row, facts, language)
    if not facts:
        return words + _whole_tables(feature, language)
    sources = [_valued(fact, numbers, language) + source_words(fact, language) for fact in facts]
    # two facts may rest on the same rows: their place is told once
    different_sources = dict.fromkeys(sources)
    return words + SOURCE[language].format(facts=AND[language].join(different_sources))


def without_rows(sentence: str, sources: Iterable[Fact], language: str) -> str:
    """Return a sentence with the table and days of its sources and not their rows; words of another form stay as they are."""
    for fact in sources:
        sentence = sentence.replace(source_words(fact, language), table_and_days(fact, language))
    return sentence


def statement(
    feature: FrozenFeature,
    declared: Mapping[str, FrozenFeature],
    row: Matrix,
    facts: tuple[Fact, ...],
    language: str,
) -> str:
    """Return what a feature says of one case, without the table, days and rows that it rests on."""
    words, _ = _statement(feature, declared, row, facts, language)
    return words


def _statement(
    feature: FrozenFeature,
    declared: Mapping[str, FrozenFeature],
    row: Matrix,
    facts: tuple[Fact, ...],
    language: str,
) -> tuple[str, set[str]]:
    """Return what a feature says of one case, and the numbers that it says."""
    template = feature.reason_zh if language == "zh" else feature.reason_en
    words = _words(feature, row, facts, language)
    names = {match[1] for match in PLACE.finditer(template)}
    for name in names - set(words):
        if name in declared and not np.isnan(row.column(name)[0]):
            words[name] = own_number(declared[name], row, language)
    if template and names <= set(words):
        return filled(template, words), {words[name] for name in names}
    return meaning_and_value(feature, row, language), {own_number(feature, row, language)}


def filled(template: str, words: Mapping[str, str]) -> str:
    """Return a template with words in its places, a noun in the singular after the number 1.

    >>> filled("{a:complaint/complaints} in a year, {b} before", {"a": "1", "b": "3"})
    '1 complaint in a year, 3 before'
    """

    def put(place: re.Match[str]) -> str:
        name, one, other = place.groups()
        number = words[name]
        if one is None:
            return number
        return f"{number} {one if number == '1' else other}"

    return PLACE.sub(put, template)


def _words(
    feature: FrozenFeature, row: Matrix, facts: tuple[Fact, ...], language: str
) -> dict[str, str]:
    """Return what a template may name: a fact's measure, its `<measure>_month` or `<measure>_span`, and `value`."""
    words = {fact.measure: number_words(fact.value, fact.unit, language) for fact in facts}
    if not np.isnan(row.column(feature.name)[0]):
        words["value"] = own_number(feature, row, language)
    for fact in facts:
        words[f"{fact.measure}_month"] = month_words(fact.last, language)
        words[f"{fact.measure}_span"] = span_words(fact.first, fact.last, language)
    return words


def _valued(fact: Fact, numbers: Set[str], language: str) -> str:
    """Return a fact's own value in words, unless the sentence has said its number."""
    if fact.value is None or number_words(fact.value, fact.unit, language) in numbers:
        return ""
    meaning = fact.zh if language == "zh" else fact.en
    value = value_beside(meaning, fact.value, fact.unit, language)
    return VALUED[language].format(meaning=meaning, value=value)


def _whole_tables(feature: FrozenFeature, language: str) -> str:
    """Return the tables that a feature without rows of its own rests on as a whole."""
    contract_tables = [table for table in feature.tables if left_of(table) in contract()]
    # a derived table and its left side are one table to a reader
    meanings = dict.fromkeys(table_words(table, language) for table in contract_tables)
    if not meanings:
        return ""
    return WITHOUT_ROWS[language].format(tables=LISTED[language].join(meanings))


def meaning_and_value(feature: FrozenFeature, row: Matrix, language: str) -> str:
    """Return what a feature means and its value of one case."""
    meaning = feature.zh if language == "zh" else feature.en
    value = own_value(feature, row, language, partial(value_beside, meaning))
    return SAYS[language].format(meaning=meaning, value=value)


def own_number(feature: FrozenFeature, row: Matrix, language: str) -> str:
    """Return a feature's value of one case for a sentence that has the words of its unit."""
    return own_value(feature, row, language, number_words)


def own_value(feature: FrozenFeature, row: Matrix, language: str, said: Saying) -> str:
    """Return a feature's own value of one case in words; `said` is how a number is said."""
    if feature.categories is None:
        return said(float(row.column(feature.name)[0]), feature.unit, language)
    return row.texts(feature.name)[0] or said(None, "", language)


def source_words(fact: Fact, language: str) -> str:
    """Return where a fact stands: its table, its days and some of its rows by number."""
    rows = LISTED[language].join(fact.row_ids) + more_rows(fact, language)
    noun = "row" if fact.n_rows == 1 else "rows"
    return ROWS[language].format(place=table_and_days(fact, language), rows=rows, noun=noun)


def more_rows(fact: Fact, language: str) -> str:
    """Return how many rows a fact has beside those that it names; "" where it names all."""
    if fact.n_rows <= len(fact.row_ids):
        return ""
    count = fact.n_rows if language == "zh" else fact.n_rows - len(fact.row_ids)
    return MORE[language].format(count=f"{count:,}")


def table_and_days(fact: Fact, language: str) -> str:
    """Return the table and the days of a fact, without its rows."""
    span = span_words(fact.first, fact.last, language)
    return TABLE_AND_DAYS[language].format(table=table_words(fact.table, language), span=span)
