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
        """Return raw score, probability, expected number and its interval of rows with the model's features, texts as text."""
        scores = score(self._bundle, frame_matrix(frame, self._bundle))
        columns = {"raw": scores.raw, "probability": scores.probability}
        if scores.expected is not None:
            columns["expected"] = scores.expected
        if scores.lower is not None and scores.upper is not None:
            columns |= {"lower": scores.lower, "upper": scores.upper}
        return pd.DataFrame(columns, index=frame.index)


def frame_matrix(frame: pd.DataFrame, bundle: Bundle) -> Matrix:
    """Return a frame's features as a matrix; a text that the model never met is a missing value."""
    features = [feature for feature in bundle.features if feature.name in frame.columns]
    names = tuple(feature.name for feature in features)
    values = np.empty((len(frame), len(names)))
    categories = {}
    for place, feature in enumerate(features):
        values[:, place] = _numbers(frame[feature.name], feature.categories)
        if feature.categories is not None:
            categories[feature.name] = feature.categories
    # a frame says of nobody and no day; scores rest on neither
    keys = np.full(len(frame), "", np.str_)
    days = np.zeros(len(frame), np.int32)
    return Matrix(bundle.entity, keys, days, names, values, categories)


def _numbers(column: Any, texts: tuple[str, ...] | None) -> Any:
    """Return a column as float64 (n,), a category by the place of its text."""
    if texts is not None:
        places = {text: float(place) for place, text in enumerate(texts)}
        column = column.map(places)
    return column.astype("float64").to_numpy()


def _load_pyfunc(path: str) -> Loaded:
    return Loaded(load_bundle(Path(path)))
