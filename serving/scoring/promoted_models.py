"""The models in use: for a source and each target the one that a person promoted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from features.errors import BundleError, TargetError
from models.bundle.bundle import Bundle, load_bundle
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import Generation, pointer_of


def promoted(folder: Path, key: ModelKey) -> Bundle:
    """Return the promoted bundle of a source and target in `folder`.

    TargetError without one, BundleError for a damaged one or one that was trained for another source or target.
    """
    return pointed_at(folder, key, pointer_of(folder, key))


def pointed_at(folder: Path, key: ModelKey, pointer: Pointer) -> Bundle:
    """Return the bundle that a pointer names; BundleError where it is damaged or of another source or target."""
    bundle = load_bundle(folder / pointer.bundle, pointer.digest)
    source = bundle.manifest.origin.get("source")
    if (source, bundle.target) != (key.source, key.target):
        raise BundleError(
            f"{key.registered} points to a model of {bundle.target} for {source}; "
            f"promote a model of {key.target} for {key.source}"
        )
    return bundle


def all_promoted(folder: Path, source: str, targets: Collection[str]) -> dict[str, Bundle]:
    """Return the promoted bundles of a source's targets that have one; TargetError where none has."""
    bundles = {}
    for target in sorted(targets):
        with suppress(TargetError):
            bundles[target] = promoted(folder, ModelKey(source, target))
    _check_some(bundles, source, targets)
    return bundles


def all_in_use(
    folder: Path, source: str, targets: Collection[str], generation: Generation
) -> dict[str, Bundle]:
    """Return the bundles that a generation names for a source's targets; TargetError where it names none."""
    bundles = {}
    for target in sorted(targets):
        if pointer := generation.models.get(target):
            bundles[target] = pointed_at(folder, ModelKey(source, target), pointer)
    _check_some(bundles, source, targets)
    return bundles


def _check_some(bundles: Mapping[str, Bundle], source: str, targets: Collection[str]) -> None:
    if not bundles:
        named = ", ".join(sorted(targets)) or "any target"
        raise TargetError(
            f"no model of {named} is promoted for source {source!r}; "
            "train one with `lssi train TARGET SOURCE`"
        )
