"""Laws of the words of an expected number: they say what it is, within what, of what, and what raises it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.interval import plain_interval
from models.bundle.number import Number
from models.bundle.score import score
from models.explain.expected_words import RAISING, expected_words
from models.explain.shap_kernel import contributions
from models.explain.wording import range_words, value_words
from tests.test_bundle_score import with_number


def bundle_of(parts: Parts, folder: Path) -> Bundle:
    return load_bundle(write_bundle(folder, parts))


def test_the_words_say_the_number_its_ends_and_of_what_it_is_a_share(
    model_parts: Parts, tmp_path: Path
) -> None:
    bundle = bundle_of(with_number(model_parts), tmp_path)
    scores = score(bundle, model_parts.probe)
    assert scores.expected is not None and scores.lower is not None and scores.upper is not None
    for row in range(20):
        words = expected_words(bundle, model_parts.probe.row(row), scores, row)
        assert words is not None
        staff = max(0.0, float(np.nan_to_num(model_parts.probe.column("staff")[row])))
        share = scores.expected[row] / (staff + 1)
        for language in ("zh", "en"):
            said = words[language]
            for number in (scores.expected[row], scores.upper[row], staff + 1):
                assert value_words(float(number), "persons", language) in said
            lower, upper = float(scores.lower[row]), float(scores.upper[row])
            assert range_words(lower, upper, "persons", language) in said
            assert value_words(float(share), "share", language) in said and "90%" in said


def test_the_words_of_an_amount_say_yuan_and_how_much_each_of_the_staff_is_taken_for(
    model_parts: Parts, tmp_path: Path
) -> None:
    number = with_number(model_parts).number
    assert number is not None
    amounts = number.model_copy(update={"each": 3.6e6, "least": 1e6, "unit": "fen"})
    bundle = bundle_of(replace(model_parts, number=amounts), tmp_path)
    scores = score(bundle, model_parts.probe)
    words = expected_words(bundle, model_parts.probe.row(0), scores, 0)
    assert words is not None and scores.expected is not None
    for language in ("zh", "en"):
        assert value_words(float(scores.expected[0]), "fen", language) in words[language]
    assert "每人3.60万元" in words["zh"] and "36,000.00 yuan each" in words["en"]


def test_the_words_name_what_raises_the_number_most_and_nothing_that_lowers_it(
    model_parts: Parts, tmp_path: Path
) -> None:
    bundle = bundle_of(with_number(model_parts), tmp_path)
    assert bundle.count_forest is not None
    some = model_parts.probe.take(np.arange(30))
    shares = contributions(bundle.count_forest, bundle.matrix(some))
    assert bundle.count_model is not None
    margin = bundle.count_model.predict(bundle.matrix(some), raw_score=True)
    assert np.allclose(bundle.count_forest.base + shares.sum(axis=1), margin)
    scores = score(bundle, some)
    for row in range(len(some)):
        words = expected_words(bundle, some.row(row), scores, row)
        assert words is not None
        raised = words["en"].partition("raised most by ")[2]
        most = np.argsort(-shares[row])[:RAISING]
        named = [bundle.features[place].en for place in most if shares[row, place] > 0]
        assert all(f"{meaning}: " in raised for meaning in named)
        assert raised.count("feature ") == len(named)


def test_a_number_that_nothing_bounds_has_no_upper_end(model_parts: Parts, tmp_path: Path) -> None:
    number = with_number(model_parts).number
    assert number is not None
    free = Number.model_validate(number.model_dump() | {"stake": ()})
    bundle = bundle_of(replace(model_parts, number=free), tmp_path)
    scores = score(bundle, model_parts.probe)
    row = int(np.argmax(np.nan_to_num(model_parts.probe.column("staff"))))
    plain = plain_interval(scores.interval_of(row))
    words = expected_words(bundle, model_parts.probe.row(row), scores, row)
    assert plain is not None and plain["upper"] is None and plain["coverage"] == 0.9
    assert words is not None and "or more" in words["en"] and "以上" in words["zh"]
    assert "nothing bounds" in words["en"]


def test_the_words_name_no_bound_where_no_source_tells_the_staff(
    model_parts: Parts, tmp_path: Path
) -> None:
    number = with_number(model_parts).number
    assert number is not None
    untold = Number.model_validate(number.model_dump() | {"untold": {"stake": 7.0}})
    bundle = bundle_of(replace(model_parts, number=untold), tmp_path)
    place = model_parts.probe.names.index("staff")
    values = model_parts.probe.values.copy()
    values[0, place] = 0.0
    probe = replace(model_parts.probe, values=values)
    scores = score(bundle, probe)
    words = expected_words(bundle, probe.row(0), scores, 0)
    plain = plain_interval(scores.interval_of(0))
    assert words is not None and "nothing bounds" in words["en"]
    assert plain is not None and plain["upper"] is None


def test_a_model_without_a_way_to_its_number_has_no_words(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    scores = score(model_bundle, model_parts.probe)
    assert scores.interval_of(0) is None and scores.expected_of(0) == pytest.approx(
        float(scores.expected[0])  # type: ignore[index]
    )
    assert expected_words(model_bundle, model_parts.probe.row(0), scores, 0) is None


def told_with(model_parts: Parts, folder: Path, **more: str) -> list[str]:
    """Return the English words of what raises some numbers, where every feature but the staff is a ratio."""
    features = tuple(
        feature if feature.name == "staff" else feature.model_copy(update={"unit": "ratio", **more})
        for feature in model_parts.features
    )
    bundle = bundle_of(replace(with_number(model_parts), features=features), folder)
    some = model_parts.probe.take(np.arange(30))
    scores = score(bundle, some)
    told = [expected_words(bundle, some.row(row), scores, row) for row in range(len(some))]
    return [words["en"].partition("raised most by ")[2] for words in told if words is not None]


def test_a_ratio_is_said_with_its_parts_and_never_bare(model_parts: Parts, tmp_path: Path) -> None:
    bare = told_with(model_parts, tmp_path / "bare")
    assert len(bare) == 30
    staff = next(feature.en for feature in model_parts.features if feature.name == "staff")
    for raised in bare:
        assert all(part.startswith(f"{staff}: ") for part in raised.split("; ") if part)
    known = told_with(
        model_parts,
        tmp_path / "known",
        reason_zh="职工{staff}人",
        reason_en="{staff:person/persons} in all",
    )
    assert any(" in all" in raised for raised in known)
    unknown = told_with(
        model_parts, tmp_path / "unknown", reason_zh="{nothing}次", reason_en="{nothing} times"
    )
    assert unknown == bare
