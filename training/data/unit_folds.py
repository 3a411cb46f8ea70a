"""Folds by unit of a whole data set: cases without an order of time are judged by models that have not seen their unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from training.data.cases import TEST, TRAIN
from training.data.dataset import Dataset
from training.data.folds import Fold, folds_by_key
from training.data.recipe import Recipe


def folds_by_unit(whole: Dataset, recipe: Recipe) -> Sequence[Fold]:
    """Return the folds by which a data set is judged; the cases of one unit, and the claims of one person, stay together."""
    return folds_by_key(whole.units, recipe)


def in_fold(whole: Dataset, fold: Fold) -> Dataset:
    """Return the data set in which what a fold has seen trains and what it holds back tests."""
    part = np.where(fold.seen, TRAIN, TEST).astype(np.int8)
    return replace(whole, cases=replace(whole.cases, part=part))
