"""How MLflow opens a logged bundle: `mlflow.pyfunc.load_model("models:/lssi-SOURCE-TARGET@champion")` comes here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.matrix import Matrix
from models.bundle.bundle import Bundle, load_bundle
from models.bundle.score import score


class Loaded:
    """A bundle behind MLflow's `predict`."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return raw score, probability and expected number of rows with the model's features, categories as text."""
        scores = score(self._bundle, frame_matrix(frame, self._bundle))
        told = {"raw": scores.raw, "probability": scores.probability}
        if scores.expected is not None:
            told["expected"] = scores.expected
        return pd.DataFrame(told, index=frame.index)


def frame_matrix(frame: pd.DataFrame, bundle: Bundle) -> Matrix:
    """Return a frame's features as a matrix; a text that the model never met is a missing value."""
    categories = {
        feature.name: feature.categories
        for feature in bundle.features
        if feature.categories is not None
    }
    names = tuple(feature.name for feature in bundle.features if feature.name in frame.columns)
    values = np.empty((len(frame), len(names)))
    for place, name in enumerate(names):
        values[:, place] = _numbers(frame[name], categories.get(name))
    kept = {name: known for name, known in categories.items() if name in names}
    nobody = np.full(len(frame), "", np.str_)
    return Matrix(bundle.entity, nobody, np.zeros(len(frame), np.int32), names, values, kept)


def _numbers(column: Any, known: tuple[str, ...] | None) -> Any:
    if known is None:
        return column.astype("float64").to_numpy()
    places = {text: float(place) for place, text in enumerate(known)}
    return column.map(places).astype("float64").to_numpy()


def _load_pyfunc(path: str) -> Loaded:
    return Loaded(load_bundle(Path(path)))
