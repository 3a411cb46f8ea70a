"""The models in use: for a source and each target the one that a person promoted."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from features.errors import BundleError, TargetError
from models.bundle.bundle import Bundle, load_bundle
from models.bundle.champions import ModelKey, pointer_of


def promoted(folder: Path, key: ModelKey) -> Bundle:
    """Return the promoted bundle of a source and target in `folder`.

    TargetError without one, BundleError for a damaged one or one that was trained for another source or target.
    """
    pointer = pointer_of(folder, key)
    bundle = load_bundle(folder / pointer.bundle, pointer.digest)
    source = bundle.manifest.origin.get("source")
    if (source, bundle.target) != (key.source, key.target):
        raise BundleError(
            f"{key.file} points to a model of {bundle.target} for {source}; "
            f"promote a model of {key.target} for {key.source}"
        )
    return bundle


def all_promoted(folder: Path, source: str, targets: Collection[str]) -> dict[str, Bundle]:
    """Return the promoted bundles of a source's targets that have one; TargetError where none has."""
    bundles = {}
    for target in sorted(targets):
        with suppress(TargetError):
            bundles[target] = promoted(folder, ModelKey(source, target))
    if not bundles:
        named = ", ".join(sorted(targets)) or "any target"
        raise TargetError(
            f"no model of {named} is promoted for source {source!r}; "
            "train one with `lssi train TARGET SOURCE`"
        )
    return bundles
