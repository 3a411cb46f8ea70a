"""Laws of a score."""

from __future__ import annotations

import numpy as np

from models.bundle.bundle import Bundle, Parts
from models.bundle.score import score


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
