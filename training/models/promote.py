"""Promotion: a person names the model that the service is to use."""

from __future__ import annotations

from pathlib import Path

from features.files import write_points
from models.bundle.bundle import load_bundle
from models.bundle.champions import ModelKey, Pointer, point_at_bundle
from training.models.registry import champion, digest_of_version, registering, set_champion


def promote(home: Path, key: ModelKey, number: int) -> int:
    """Make one registered version the champion, point the service to its bundle, and return its number.

    The bundle is tested first. Raises TargetError for an unknown version, BundleError for a bundle gone or damaged.
    """
    with registering(home):
        digest = digest_of_version(home, key, number)
        name = f"{key.target}-{digest[:12]}"
        load_bundle(home / "bundles" / name, digest)
        point_at_bundle(home / "bundles", key, Pointer(bundle=name, digest=digest))
        with write_points("the champion is set"):
            set_champion(home, key, number)
    return number


def promote_first(home: Path, key: ModelKey, number: int) -> int:
    """Promote a version where no model of its source and target is in use yet, and return the number of the one in use."""
    current = champion(home, key)
    return promote(home, key, number) if current is None else current
