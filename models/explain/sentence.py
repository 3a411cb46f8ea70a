"""A sentence: one feature of one case in words, and where the rows stand that it rests on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from features.matrix import Matrix
from features.online.fact import Fact
from models.bundle.manifest import FrozenFeature
from models.explain.wording import month_words, number_words, span_words, table_words, value_words

Saying = Callable[[float | None, str, str], str]
_PLACE = re.compile(r"\{(\w+)\}")
SOURCE = {"zh": "（{facts}）", "en": " ({facts})"}
ROWS = {"zh": "{table}，{span}，行 {rows}", "en": "{table}, {span}, {noun} {rows}"}
MORE = {"zh": "等{count}行", "en": " and {count} more"}
AND = {"zh": "；", "en": "; "}
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
    template = feature.reason_zh if language == "zh" else feature.reason_en
    words = _words(feature, row, facts, language)
    names = set(_PLACE.findall(template))
    for name in names - set(words):
        if name in declared and not np.isnan(row.column(name)[0]):
            words[name] = own_value(declared[name], row, language, number_words)
    if template and names <= set(words):
        statement = template.format_map(words)
        sources = [source_words(fact, language) for fact in facts]
    else:
        meaning = feature.zh if language == "zh" else feature.en
        value = own_value(feature, row, language, value_words)
        statement = SAYS[language].format(meaning=meaning, value=value)
        number = float(row.column(feature.name)[0])
        sources = [_valued(fact, number, language) + source_words(fact, language) for fact in facts]
    # two facts may rest on the same rows: their place is told once
    different_sources = dict.fromkeys(sources)
    return statement + SOURCE[language].format(facts=AND[language].join(different_sources))


def _words(
    feature: FrozenFeature, row: Matrix, facts: tuple[Fact, ...], language: str
) -> dict[str, str]:
    """Return what a template may name: a fact's measure, its `<measure>_month` or `<measure>_span`, and `value`."""
    words = {fact.measure: number_words(fact.value, fact.unit, language) for fact in facts}
    words["value"] = own_value(feature, row, language, number_words)
    for fact in facts:
        words[f"{fact.measure}_month"] = month_words(fact.last, language)
        words[f"{fact.measure}_span"] = span_words(fact.first, fact.last, language)
    return words


def _valued(fact: Fact, own: float, language: str) -> str:
    """Return a fact's own value in words, unless it says no more than the feature's."""
    if fact.value is None or fact.value == int(own):
        return ""
    meaning = fact.zh if language == "zh" else fact.en
    return VALUED[language].format(
        meaning=meaning, value=value_words(fact.value, fact.unit, language)
    )


def own_value(feature: FrozenFeature, row: Matrix, language: str, said: Saying) -> str:
    """Return a feature's own value of one case in words; `said` is how a number is said."""
    if feature.categories is None:
        return said(float(row.column(feature.name)[0]), feature.unit, language)
    return row.texts(feature.name)[0] or said(None, "", language)


def source_words(fact: Fact, language: str) -> str:
    """Return where a fact stands: its table, its days and some of its rows by number."""
    rows = ("、" if language == "zh" else ", ").join(fact.row_ids)
    if fact.n_rows > len(fact.row_ids):
        count = fact.n_rows if language == "zh" else fact.n_rows - len(fact.row_ids)
        rows += MORE[language].format(count=f"{count:,}")
    noun = "row" if fact.n_rows == 1 else "rows"
    span = span_words(fact.first, fact.last, language)
    return ROWS[language].format(
        table=table_words(fact.table, language), span=span, rows=rows, noun=noun
    )
