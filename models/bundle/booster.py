"""A booster: LightGBM read from text and asked for margins and means, always from numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.errors import BundleError
from models.bundle.lean_lightgbm import Booster, LightGBMError

Floats = NDArray[np.float64]


def booster_of(name: str, text: bytes, inputs: tuple[str, ...]) -> Booster:
    """Return the model of a text trained on these inputs; damaged text may abort the process: check digests first."""
    if not text.startswith(b"tree\n") or b"\nend of trees\n" not in text:
        raise BundleError(f"{name} is not a LightGBM model text; take a fresh copy of the bundle")
    try:
        booster = Booster(model_str=text.decode())
    except (UnicodeDecodeError, LightGBMError, ValueError):
        raise BundleError(
            f"{name} cannot be parsed by LightGBM; take a fresh copy of the bundle"
        ) from None
    if tuple(booster.feature_name()) != inputs or booster.num_model_per_iteration() != 1:
        raise BundleError(
            f"{name} was trained on other features than bundle.json lists; train again"
        )
    return booster


def margins(model: Booster, inputs: Floats, threads: int = 1) -> Floats:
    """Return raw scores, float64 (n,): the bytes depend neither on the batch nor on the threads."""
    return _answer(model, inputs, threads, raw_score=True)


def predicted_means(model: Booster, inputs: Floats, threads: int = 1) -> Floats:
    """Return predictions on the scale of the objective, float64 (n,)."""
    return _answer(model, inputs, threads)


def _answer(model: Booster, inputs: Floats, threads: int, **kind: bool) -> Floats:
    if not len(inputs):
        return np.empty(0)
    answer = model.predict(inputs, num_threads=threads, validate_features=False, **kind)
    return np.asarray(answer, dtype=np.float64)
