"""Laws of wording: both languages say the same number, and nothing that we declare is left untranslated."""

from __future__ import annotations

import math
import re
from importlib import resources

import pytest

from features.calendar import day_of
from features.catalogue.joins import declared_joins
from features.catalogue.language import AGGREGATES
from features.catalogue.parse import read_catalogue
from features.contract.tables import contract
from features.online.lineage import AGGREGATE_WORDS
from models.explain import expected_words, sentence, wording
from models.explain.wording import (
    LANGUAGES,
    day_words,
    money_words,
    month_words,
    number_words,
    span_words,
    table_words,
    units,
    value_words,
)

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (265, "persons", "265人", "265 persons"),
        (1, "persons", "1人", "1 person"),
        (-3, "persons", "-3人", "-3 persons"),
        (-0.0, "persons", "0人", "0 persons"),
        (123456789, "fen", "123.46万元", "1,234,567.89 yuan"),
        (999_999, "fen", "9,999.99元", "9,999.99 yuan"),
        (-50, "fen", "-0.50元", "-0.50 yuan"),
        (90, "minutes", "1.5小时", "1.5 hours"),
        (60, "minutes", "1小时", "1 hour"),
        (12345, "days", "12,345天", "12,345 days"),
        (1980, "calendar_year", "1980年", "1980"),
        (34, "years", "34岁", "34 years"),
        (-0.62, "persons", "-0.6人", "-0.6 persons"),
        (0.3849, "share", "38.5%", "38.5%"),
        (1.256, "ratio", "1.26", "1.26"),
        (3, "count", "3", "3"),
        (1, "flag", "是", "yes"),
        (0, "flag", "否", "no"),
        (2.5, "points", "2.5", "2.5"),
        (None, "persons", "缺失", "missing"),
        (math.nan, "fen", "缺失", "missing"),
    ],
)
def test_a_value_is_said_with_its_unit_in_both_languages(
    value: float | None, unit: str, zh: str, en: str
) -> None:
    assert (value_words(value, unit, "zh"), value_words(value, unit, "en")) == (zh, en)


def test_a_number_for_a_sentence_leaves_the_unit_out_except_money_and_shares() -> None:
    said = [
        number_words(value, unit, "zh")
        for value, unit in ((1265, "persons"), (100, "fen"), (0.5, "share"))
    ]
    assert said == ["1265", "1.00元", "50%"]


def test_ten_thousand_yuan_is_where_chinese_changes_its_unit() -> None:
    assert [money_words(fen, "zh") for fen in (999_999, 1_000_000)] == ["9,999.99元", "1.00万元"]


def test_days_months_and_spans_are_said_in_whole_months_where_they_are() -> None:
    day = day_of
    assert span_words(day("2015-05-01"), day("2015-05-31"), "zh") == "2015年5月"
    assert (
        span_words(day("2014-12-01"), day("2015-02-28"), "en") == "December 2014 to February 2015"
    )
    assert span_words(day("2015-05-02"), day("2015-05-31"), "en") == "2 May 2015 to 31 May 2015"
    assert (day_words(day("2015-05-31"), "zh"), month_words(day("2015-05-31"), "en")) == (
        "2015年5月31日",
        "May 2015",
    )


def test_every_table_derived_ones_too_has_a_name_in_both_languages() -> None:
    for table in [*contract(), *(join.name for join in declared_joins())]:
        assert HAN.search(table_words(table, "zh")) and not HAN.search(table_words(table, "en"))


def test_every_declared_text_is_in_its_language() -> None:
    texts = {
        name: text
        for module in (wording, sentence, expected_words)
        for name, text in vars(module).items()
        if isinstance(text, dict) and set(text) == set(LANGUAGES)
    }
    assert len(texts) >= 5
    for name, text in texts.items():
        assert not HAN.search(str(text["en"])), name
        plain = re.sub(r"\{\w+\}", "", str(text["zh"]))
        assert HAN.search(plain) or not re.search(r"[A-Za-z]{2}", plain), name
    for name, unit in units().items():
        assert not HAN.search(unit.en + unit.one), name
        assert HAN.search(unit.zh) or unit.zh in ("#", "#%"), name


def test_every_unit_of_the_catalogue_can_be_said() -> None:
    folder = resources.files("features.catalogue")
    used = {
        line.split("|")[2].strip()
        for name in ("enterprise", "claim", "provider")
        for line in folder.joinpath(f"{name}.txt").read_text("utf-8").splitlines()
        if line and line[0] != "#"
    }
    assert used - set(units()) <= {"fen", "flag", "category", "persons2", "rank"}


def test_every_reason_names_only_features_of_its_entity_or_measures_and_is_in_its_language() -> (
    None
):
    catalogue = read_catalogue(lambda _: True)
    reasons = [
        feature for feature in catalogue.declared.values() if feature.reason_zh or feature.reason_en
    ]
    assert len(reasons) >= 20
    for feature in reasons:
        names = {other.name for other in catalogue.features(feature.entity)} | {"value"}
        for measure in catalogue.measures:
            names |= {measure, f"{measure}_month", f"{measure}_span"}
        assert HAN.search(feature.reason_zh) and not HAN.search(feature.reason_en), feature.name
        for text in (feature.reason_zh, feature.reason_en):
            assert set(re.findall(r"\{(\w+)[:}]", text)) <= names, feature.name


def test_every_declared_reason_belongs_to_a_feature() -> None:
    declared = {feature.name for feature in read_catalogue(lambda _: True).declared.values()}
    text = resources.files("features.catalogue").joinpath("reasons.txt").read_text("utf-8")
    windows = read_catalogue(lambda _: True).windows
    for line in text.splitlines():
        if line and line[0] != "#":
            name = line.split("|")[0].strip()
            assert declared & {name.replace("{w}", window) for window in windows}, name


def test_what_an_aggregate_adds_to_a_fact_is_in_both_languages() -> None:
    assert set(AGGREGATE_WORDS) <= set(AGGREGATES)
    for _, zh, en in AGGREGATE_WORDS.values():
        assert HAN.search(zh) and not HAN.search(en)
