"""Proxies: how well the features of a training tell each protected attribute of its cases, said beside the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from features.store.store import Store
from training.data.dataset import Dataset
from training.data.labels import Floats
from training.data.protected import ProtectedColumn, persons_of, protected_columns
from training.evaluation.proxy import LEAST, proxy_as_json, proxy_of

MOST = 6_000
"""Cases that the small models see at most, drawn by the seed; a choice: they tell an AUC to .01, and each costs its time."""
MOST_VALUES = 5
"""Values of a category that are asked about, the most frequent; a choice."""


def proxies(store: Store, whole: Dataset, seed: int) -> list[dict[str, Any]]:
    """Return for each protected attribute of a data set's cases, and each value asked about, how well the features tell it.

    `test` is None where too few cases have the value, or have it not. Cases of one person are never parted.
    """
    entity = whole.matrix.entity
    subject = whole.cases.subject
    units = persons_of(store, subject) if entity == "claim" else subject.astype(np.str_)
    reports = []
    for column in protected_columns(store, entity, subject):
        chosen = _drawn(~np.isnan(column.values), seed)
        matrix = whole.matrix.take(chosen)
        texts = units[chosen]
        for value, has_value in _questions(store, column, column.values[chosen]):
            test = proxy_as_json(proxy_of(matrix, texts, has_value, seed))
            reports.append({"attribute": column.place, "value": value, "test": test})
    return reports


def _drawn(is_known: np.ndarray[tuple[int], np.dtype[np.bool_]], seed: int) -> Any:
    """Return the places of at most MOST cases of which a value is known, in their order."""
    places = np.flatnonzero(is_known)
    drawn = np.random.default_rng(seed).permutation(places)[:MOST]
    return np.sort(drawn)


def _questions(
    store: Store, column: ProtectedColumn, values: Floats
) -> Iterator[tuple[str, Floats]]:
    """Yield what is asked of known values: of a number whether it is above the middle, else whether it is a value."""
    if column.column.kind not in ("id", "choice", "flag"):
        middle = float(np.median(values)) if len(values) else 0.0
        yield f"> {middle:g}", (values > middle).astype(np.float64)
        return
    distinct, sizes = np.unique(values, return_counts=True)
    most_first = np.argsort(-sizes, kind="stable").tolist()
    places = most_first[:1]
    # of two values one says the other
    if len(distinct) > 2:
        places += [place for place in most_first[1:MOST_VALUES] if sizes[place] >= LEAST]
    for place in places:
        value = distinct[place]
        yield _text(store, column, int(value)), (values == value).astype(np.float64)


def _text(store: Store, column: ProtectedColumn, code: int) -> str:
    """Return the text of a value."""
    if column.column.kind == "choice":
        return column.column.choices[code]
    if column.column.kind == "id":
        return store.texts(column.column.space)[code]
    return str(code)


def proxy_lines(said: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each protected attribute and value: how well the features tell it, and by which."""
    for each in said:
        head = f"受保护属性 protected {each['attribute']} = {each['value']}"
        test = each["test"]
        if test is None:
            yield f"{head}: 样本太少，无法判断 too few cases to tell"
            continue
        low, high = test["interval"] or (0.0, 1.0)
        area = f"AUC {test['auc']:.3f} [{low:.3f}, {high:.3f}], {test['cases']:,} 例 cases"
        if not test["tells"]:
            yield f"{head}: 特征难以推知 the features hardly tell it, {area}"
            continue
        names = ", ".join(test["features"])
        yield f"{head}: 特征可推知，请核查 the features TELL it, look at {names}: {area}"
