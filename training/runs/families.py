"""Families of features: a data set without one of them."""

from __future__ import annotations

from dataclasses import replace

from features.errors import TargetError
from training.data.dataset import Dataset


def features_of_families(whole: Dataset) -> dict[str, list[str]]:
    """Return the features of each family that a data set's matrix holds."""
    names_of_family: dict[str, list[str]] = {}
    for feature in whole.catalogue.features(whole.matrix.entity):
        if feature.name in whole.matrix.names:
            names_of_family.setdefault(feature.family, []).append(feature.name)
    return names_of_family


def without_family(whole: Dataset, family: str) -> Dataset:
    """Return a data set without the features of a family; TargetError where it has none, or no others."""
    names_of_family = features_of_families(whole)
    dropped = set(names_of_family.get(family, ()))
    others = [name for name in whole.matrix.names if name not in dropped]
    if not dropped or not others:
        listed = ", ".join(sorted(names_of_family))
        raise TargetError(
            f"--without should name one of several families of features of {whole.name!r}: {listed}; "
            f"got {family!r}"
        )
    beside = whole.bystanders
    if beside is not None:
        beside = replace(beside, matrix=beside.matrix.columns(others))
    return replace(whole, matrix=whole.matrix.columns(others), bystanders=beside)
