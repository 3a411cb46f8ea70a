"""Laws of sentences over every feature of the catalogue: an inspector can read each at any value, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

import numpy as np
import pytest

from features.calendar import day_of
from features.catalogue.differences import Difference, declared_differences
from features.catalogue.joins import declared_joins
from features.catalogue.language import Atom, atom_of
from features.catalogue.model import ENTITIES, Catalogue, Feature
from features.catalogue.parse import read_catalogue
from features.catalogue.told_atoms import parts_above, told_atoms
from features.contract.tables import contract
from features.matrix import Matrix
from features.online.fact import Fact
from models.bundle.manifest import FrozenFeature
from models.explain.sentence import filled, sentence
from models.explain.wording import LANGUAGES, units

HAN = re.compile(r"[\u4e00-\u9fff]")
VALUES = (0.0, 1.0, 2.0, 2.5, 12_345.0, -3.0)
MAY = (day_of("2015-05-01"), day_of("2015-05-31"))
INNER = re.compile(r"\w_\w|[{}|]|\bNone\b|\bnan\b|\binf\b")
"""What only the program says: names with a line, places of a template, values of Python."""
DOUBLED = re.compile(r"(?i)\b([a-z]+) \1\b|([人天次条项家元%])\2")
"""A word or unit said twice."""
ONE = re.compile(r"(?<![\d.,])1 ([a-z-]+)")
"""The noun or verb after the number 1."""


@cache
def whole() -> Catalogue:
    """The catalogue of a history that has every table."""
    return read_catalogue(lambda _: True)


@cache
def frozen(entity: str) -> dict[str, FrozenFeature]:
    """The features of an entity as a bundle keeps them."""
    fields = [name for name in FrozenFeature.model_fields if name != "categories"]
    return {
        feature.name: FrozenFeature(**{field: getattr(feature, field) for field in fields})
        for feature in whole().features(entity)
    }


def row_of(entity: str, value: float) -> Matrix:
    """A case of which every number is the same."""
    names = tuple(frozen(entity))
    values = np.full((1, len(names)), value)
    return Matrix(entity, np.array(["x"]), np.array([16616], np.int32), names, values, {})


def facts_of(feature: Feature, value: float) -> Iterator[Fact]:
    """A fact of each measure that a feature may rest on, with the value of the case."""
    for atom in told_atoms(whole(), feature.name):
        measure = whole().measure(atom.measure)
        table = {join.name: join.left for join in declared_joins()}.get(
            measure.table, measure.table
        )
        rows = ("r1", "r2")
        yield Fact(
            measure.name, table, measure.zh, measure.en, int(value), measure.unit, *MAY, rows, 2
        )


def said_of_all(language: str) -> Iterator[tuple[str, str]]:
    """Each feature's sentences at each value: as a whole, and with a fact of each of its measures."""
    for entity in ENTITIES:
        for value in VALUES:
            row = row_of(entity, value)
            for name, feature in frozen(entity).items():
                yield name, sentence(feature, frozen(entity), row, (), language)
                for fact in facts_of(whole().feature(name), value):
                    yield name, sentence(feature, frozen(entity), row, (fact,), language)


def after_one() -> set[str]:
    """The words that stand after another number than 1: nouns in the plural, and their verbs."""
    text = resources.files("features.catalogue").joinpath("reasons.txt").read_text("utf-8")
    pairs = re.findall(r"\{\w+:([^{}/]*)/([^{}/]*)\}", text)
    plural = {many.split()[0] for one, many in pairs if many.split()[0] != one.split()[0]}
    return plural | {unit.en.removeprefix("# ") for unit in units().values() if unit.en != unit.one}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_every_feature_reads_as_language(language: str) -> None:
    plural = after_one()
    assert {"complaints", "persons", "days", "are"} <= plural
    sentences = list(said_of_all(language))
    assert len(sentences) > 2000
    for name, said in sentences:
        assert not INNER.search(said), (name, said)
        assert not DOUBLED.search(said), (name, said)
        if language == "en":
            assert not HAN.search(said) and not plural.intersection(ONE.findall(said)), said
        else:
            assert HAN.search(said), (name, said)


def test_no_sentence_names_a_table_that_only_the_program_has() -> None:
    inner = {join.name for join in declared_joins()}
    names = re.compile(rf"\b({'|'.join(inner - {'staff', 'found', 'reviewed'})})\b")
    for name, said in said_of_all("en"):
        assert not names.search(said), (name, said)
        # found and reviewed are words too, but never where a table stands
        assert not re.search(r"[(:,] (found|reviewed),", said), (name, said)


def can_be_a_reason(feature: Feature) -> bool:
    """Tell whether a feature rests on rows other than the unit's own place in the register."""
    register, _ = ENTITIES[feature.entity]
    measures = [whole().measure(atom.measure) for atom in told_atoms(whole(), feature.name)]
    return any(measure.table != register for measure in measures)


def test_a_ratio_or_a_trend_has_a_sentence_of_its_own() -> None:
    for feature in whole().declared.values():
        bare = feature.unit == "ratio" or "slope(" in feature.expression
        if bare and can_be_a_reason(feature):
            assert feature.reason_zh and feature.reason_en, feature.name


def test_every_feature_says_what_to_check_in_both_languages() -> None:
    assert sum(map(can_be_a_reason, whole().declared.values())) > 300
    for feature in whole().declared.values():
        assert HAN.search(feature.check_zh) and not HAN.search(feature.check_en), feature.name
        assert len(feature.check_en) > 20, feature.name


def test_every_check_belongs_to_a_feature_or_family_and_none_is_declared_twice() -> None:
    text = resources.files("features.catalogue").joinpath("checks.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    names = [line.split("|")[0].strip() for line in lines]
    families = {f"family {feature.family}" for feature in whole().declared.values()}
    assert len(names) == len(set(names))
    assert set(names) <= families | set(whole().declared) | {"family attributes"}


def taken_away(feature: Feature) -> Iterator[tuple[Atom, Atom]]:
    """Yield the sums of a formula of which one is taken away from the other."""
    for part in parts_above(feature.tree):
        for left, right in [(getattr(part, "left", None), getattr(part, "right", None))]:
            if left is None or right is None or type(getattr(part, "op", None)).__name__ != "Sub":
                continue
            plus, minus = atom_of(left), atom_of(right)
            if plus and minus and {plus.aggregate, minus.aggregate} == {"sum"}:
                yield plus, minus


def test_what_a_formula_takes_away_from_the_same_rows_is_a_declared_difference() -> None:
    declared = {(one.plus, one.minus) for one in declared_differences().values()}
    seen = set()
    for feature in whole().declared.values():
        for plus, minus in taken_away(feature):
            measures = [whole().measure(atom.measure) for atom in (plus, minus)]
            same_table = len({measure.table for measure in measures}) == 1
            same_rows = plus.window == "all" or len({measure.when for measure in measures}) == 1
            if same_table and same_rows and plus.window == minus.window:
                assert (plus.measure, minus.measure) in declared, feature.name
                seen.add((plus.measure, minus.measure))
    assert len(seen) > 12


@pytest.mark.parametrize("difference", declared_differences().values(), ids=lambda one: one.name)
def test_a_difference_is_of_two_measures_of_one_table_and_key(difference: Difference) -> None:
    plus, minus = (whole().measure(name) for name in (difference.plus, difference.minus))
    assert (plus.table, plus.by) == (minus.table, minus.by)
    assert difference.name not in whole().measures
    assert HAN.search(difference.zh) and not HAN.search(difference.en)
    assert difference.unit in ("", plus.unit) and plus.unit == minus.unit


def test_every_table_that_a_sentence_may_name_is_of_the_contract() -> None:
    left = {join.name: join.left for join in declared_joins()}
    for feature in whole().declared.values():
        assert {left.get(table, table) for table in feature.tables} <= set(contract())


def test_a_noun_is_in_the_singular_after_one_alone() -> None:
    template = "{n:complaint/complaints} in a year, {before} the year before"
    assert filled(template, {"n": "1", "before": "4"}) == "1 complaint in a year, 4 the year before"
    assert (
        filled(template, {"n": "4", "before": "1"}) == "4 complaints in a year, 1 the year before"
    )


def test_a_number_that_the_sentence_has_said_is_not_said_again_with_its_rows() -> None:
    features = frozen("enterprise")
    fact = Fact("complaints", "complaints", "投诉", "complaints", 4, "count", *MAY, ("k1",), 1)
    row = row_of("enterprise", 4.0)
    said = sentence(features["complaints_365d"], features, row, (fact,), "en")
    assert said == "4 complaints in a year, 4 the year before (complaints, May 2015, row k1)"
    zh = sentence(features["complaints_365d"], features, row, (fact,), "zh")
    assert zh.startswith("近一年投诉4次，前一年4次（") and zh.count("k1") == 1
