"""What declarations alone tell of a leak, the parting of cases by their days, and the days from which a store knows its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalogue.model import Catalogue
from features.catalogue.parse import features_of, measures_of, read_catalogue
from features.ingest.source import find_source
from features.ingest.source_toml import Attribute, SourceDeclaration, Target, declaration_of
from features.store.opening import open_store
from training.certificate.declarations import barred
from training.certificate.recorded_days import misdated
from training.certificate.split_check import part_faults, parts
from training.data.cases import TEST, TRAIN, unlabelled
from training.data.folds import Fold

SOURCES = Path(__file__).parents[1] / "sources"
TARGET: dict[str, Any] = {
    "zh": "查出",
    "en": "found",
    "unit": "enterprise-day",
    "label": "event",
    "horizon": 60,
    "as_of": ["2014-06-30"],
    "event": {"table": "complaints", "when": "lodged"},
    "split": {"train_until": "2014-10-31", "test_from": "2014-12-01", "test_until": "2015-04-30"},
}


def declared(attribute: dict[str, str] | None = None, **target: Any) -> SourceDeclaration:
    """Return a declaration with one target and perhaps one attribute."""
    usual = {"zh": "甲", "en": "a", "type": "flag", "basis": "法 law"}
    attributes = [usual | attribute] if attribute else []
    return declaration_of(
        {
            "name": "hand",
            "zh": "手写",
            "en": "by hand",
            "complete_to": "2015-06-30",
            "attribute": attributes,
            "target": {"unpaid": TARGET | target},
        },
        "source.toml",
    )


def whole(attributes: tuple[Attribute, ...] = ()) -> Catalogue:
    return read_catalogue(lambda _table: True, attributes)


def with_feature(line: str, measure: str = "") -> Catalogue:
    """Return the catalogue with one more feature of enterprises, and perhaps a measure."""
    known = whole()
    measures = known.measures | measures_of(measure)
    feature = features_of(line, "enterprise", known.windows, "here")[0]
    return replace(known, measures=measures, declared=known.declared | {feature.name: feature})


@pytest.mark.parametrize("name", ["california", "carclaims", "chicago"])
def test_the_catalogue_and_the_sources_are_clean(name: str, tmp_path: Path) -> None:
    source = find_source(SOURCES / name, tmp_path)
    assert barred(whole(source.declaration.attribute), source.declaration) == []


@pytest.mark.parametrize("name", ["true_evasion", "outcome", "inspector_sex", "unpaid"])
def test_an_attribute_named_as_an_outcome_is_no_feature(name: str) -> None:
    assert barred(whole(), declared({"table": "enterprises", "name": name}))


@pytest.mark.parametrize(
    "name", ["actual_capital", "actual_capital_paid", "actual_address", "actual_controller"]
)
def test_an_actual_fact_of_the_register_is_no_outcome(name: str) -> None:
    assert barred(whole(), declared({"table": "enterprises", "name": name})) == []


@pytest.mark.parametrize(
    "name", ["actual", "actual_staff", "actual_capital_fraud", "capital_actual", "true_capital"]
)
def test_an_actual_number_that_others_declare_is_an_outcome(name: str) -> None:
    assert barred(whole(), declared({"table": "enterprises", "name": name}))


def test_an_attribute_that_tells_a_targets_event_is_no_feature() -> None:
    event = {"table": "inspections", "when": "opened", "filter": "proven == 1"}
    assert barred(whole(), declared({"table": "inspections", "name": "proven"}, event=event)) == []
    claims = {
        "unit": "claim",
        "as_of": [],
        "event": {"table": "claims", "when": "filed_on", "filter": "proven == 1"},
    }
    assert barred(whole(), declared({"table": "claims", "name": "proven"}, **claims)) == [
        "attribute 'proven' of claims tells the outcome of target 'unpaid'"
    ]


@pytest.mark.parametrize(
    ("line", "measure", "said"),
    [
        (
            "visits_90d | sum(visits, 180d) | count | up | staff | 甲 | a |",
            "",
            "named after the window 90d and looks at 180d",
        ),
        (
            "unpaid | sum(visits, 90d) | count | up | staff | 甲 | a |",
            "",
            "has the name of an outcome",
        ),
        (
            "seat | attr(cell) | count | up | staff | 甲 | a |",
            "",
            "takes the code of 'cell' for a number",
        ),
        (
            "odd | sum(odd, all) | count | up | staff | 甲 | a |",
            "odd | complaints | enterprise | lodged | | complaint * 2 | count | 甲 | a",
            "takes the code of 'complaint' for a number",
        ),
        (
            "late | sum(late, all) | count | up | staff | 甲 | a |",
            "late | complaints | enterprise | lodged | cell > 9 | 1 | count | 甲 | a",
            "takes the code of 'cell' for a number",
        ),
        (
            "drawn | sum(drawn, all) | count | up | staff | 甲 | a |",
            "drawn | inspections | enterprise | opened | | inclusion_probability | count | 甲 | a",
            "the chance with which",
        ),
        (
            "planned | sum(planned, all) | count | up | staff | 甲 | a |",
            "planned | plans | enterprise | week | | 1 | count | 甲 | a",
            "our own decisions",
        ),
        (
            "seated | attr(address) | category | none | staff | 甲 | a |",
            "",
            "makes an identity, 'address', a category",
        ),
        (
            "reviewed | sum(reviewed, all) | count | up | staff | 甲 | a |",
            "reviewed | reviewed | claim | closed_on | | 1 | count | 甲 | a",
            "what came of it itself",
        ),
        (
            "listed | sum(listed, all) | count | up | staff | 甲 | a |",
            "listed | complaints | enterprise | lodged | enterprise == 'E7' | 1 | count | 甲 | a",
            "picks single ones by 'enterprise'",
        ),
        (
            "ethnic | sum(ethnic, all) | count | up | staff | 甲 | a |",
            "ethnic | protected | worker | | | ethnicity | count | 甲 | a",
            "'protected'",
        ),
    ],
)
def test_a_feature_that_may_not_be_is_told_by_its_declaration(
    line: str, measure: str, said: str
) -> None:
    found = barred(with_feature(line, measure), declared())
    assert any(said in one for one in found), found


@pytest.mark.parametrize("condition", ["topic == 'wages'", "cell is not None", "cell == 'g7'"])
def test_a_filter_by_kind_or_place_or_whether_any_is_named_is_no_identity(condition: str) -> None:
    line = "told | sum(told, all) | count | up | staff | 甲 | a |"
    measure = f"told | complaints | enterprise | lodged | {condition} | 1 | count | 甲 | a"
    assert barred(with_feature(line, measure), declared()) == []


def test_a_window_that_does_not_say_how_far_it_reaches_is_told() -> None:
    known = whole()
    ahead = known.windows | {"next": replace(known.windows["90d"], name="next", first=0, last=-90)}
    assert barred(replace(known, windows=ahead), declared()) == [
        "window 'next' should be named after its span before the day, such as 30d, prev12m or all"
    ]


def test_cases_are_parted_as_their_split_says() -> None:
    target = Target.model_validate(TARGET)
    days = np.array([16_100, 16_400], np.int64)  # 2014-01-30 and 2014-11-26
    cases = unlabelled(
        np.arange(2), days, days, np.array(["a", "b"]), np.array([TRAIN, 0], np.int8)
    )
    assert part_faults("unpaid", target, cases) == {}
    assert part_faults("unpaid", target, replace(cases, part=np.array([TRAIN, TEST], np.int8))) == {
        "part": 1
    }


def test_a_fold_looks_forward_or_shares_no_key() -> None:
    days, keys = np.array([100, 150, 200, 250], np.int64), np.array(["a", "b", "a", "c"])
    bare = unlabelled(np.arange(4), days, days, keys, np.ones(4, np.int8))
    cases = replace(bare, known=days)
    first, last = np.array([True, True, False, False]), np.array([False, False, True, True])
    assert parts(Fold(first, last), keys, cases, 50)
    assert not parts(Fold(first, last), keys, cases, 51)
    assert parts(Fold(np.array([False, True, False, False]), last), keys, cases, 99)
    assert not parts(Fold(first, last), keys, replace(cases, known=days + 51), 50)


def test_a_store_that_knows_rows_from_another_day_is_found(
    write_source: Callable[..., Path],
) -> None:
    rows: list[dict[str, object]] = [
        {"complaint": f"c{n}", "lodged": "2015-02-01", "recorded_on": f"2015-02-{n:02d}"}
        for n in range(1, 26)
    ]
    store = open_store(write_source({"complaints": rows}))
    later = [
        row | {"recorded_on": "2015-03-01"} if number < 3 else row
        for number, row in enumerate(rows)
    ]
    source = find_source(write_source({"complaints": later}, folder="later"))
    assert misdated(source, open_store(source)) == {}
    assert misdated(source, store) == {"complaints": 3}
