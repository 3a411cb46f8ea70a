"""Laws of a score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.number import Correction, Number, Reach
from models.bundle.score import score
from tests.test_bundle_bundle import resealed


def test_scores_are_the_same_bytes_in_any_batch_and_on_two_threads(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    some = model_parts.probe.take(np.arange(500))
    whole, threaded = score(model_bundle, some), score(model_bundle, some, threads=2)
    rows = [score(model_bundle, some.row(place)) for place in range(len(some))]
    for name in ("raw", "probability", "expected"):
        expected = getattr(whole, name).tobytes()
        assert getattr(threaded, name).tobytes() == expected
        assert b"".join(getattr(row, name).tobytes() for row in rows) == expected


def test_a_higher_raw_score_never_has_a_lower_probability(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    scores = score(model_bundle, model_parts.probe)
    order = np.argsort(scores.raw)
    assert (np.diff(scores.probability[order]) >= 0).all()
    assert scores.probability.min() >= 0.02 and scores.probability.max() <= 0.99


def test_the_expected_number_is_probability_times_the_number_if_any(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    scores = score(model_bundle, model_parts.probe)
    assert model_bundle.count_model is not None and scores.expected is not None
    number = model_bundle.count_model.predict(model_bundle.matrix(model_parts.probe))
    assert np.array_equal(scores.expected, scores.probability * number)


def test_an_empty_matrix_has_no_scores(model_parts: Parts, model_bundle: Bundle) -> None:
    assert len(score(model_bundle, model_parts.probe.take([]))) == 0


def with_number(parts: Parts) -> Parts:
    """Return a model whose count model tells shares of the staff."""
    number = Number(
        staff=("staff",),
        stake=("staff",),
        least=1.0,
        corrections=(Correction(staff=2, factor=0.5), Correction(staff=5, factor=0.8)),
        reaches=(Reach(up_to=3, spreads=1.5), Reach(up_to=None, spreads=None)),
        coverage=0.9,
        unit="persons",
    )
    return replace(parts, number=number)


def test_a_number_is_a_share_of_the_staff_and_as_told_in_training(
    model_parts: Parts, tmp_path: Path
) -> None:
    parts = with_number(model_parts)
    bundle = load_bundle(write_bundle(tmp_path, parts))
    scores = score(bundle, parts.probe)
    assert bundle.count_model is not None and parts.number is not None
    assert scores.expected is not None and scores.upper is not None
    share = bundle.count_model.predict(bundle.matrix(parts.probe))
    told = parts.number.expected(parts.probe.names, parts.probe.values, share)
    assert scores.expected.tobytes() == told.tobytes()
    staff = np.nan_to_num(np.maximum(parts.probe.column("staff"), 0)) + 1
    assert (scores.expected <= staff).all() and (scores.upper <= np.ceil(staff)).all()
    assert (scores.expected < staff).any() and (scores.expected > 0).all()


def test_a_bundle_of_form_1_scores_as_it_did(
    model_parts: Parts, model_bundle: Bundle, tmp_path: Path
) -> None:
    written = write_bundle(tmp_path, model_parts)
    text = json.loads((written / "bundle.json").read_text())
    del text["number"]
    (written / "bundle.json").write_text(json.dumps(text | {"format": 1}))
    resealed(written)
    old = score(load_bundle(written), model_parts.probe)
    now = score(model_bundle, model_parts.probe)
    assert old.expected is not None and now.expected is not None
    assert old.expected.tobytes() == now.expected.tobytes() and old.lower is None
