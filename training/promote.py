"""Promotion: a person names the model that the service is to use."""

from __future__ import annotations

import json
from pathlib import Path

from features.files import reached, write_durable_text
from models.bundle import load_bundle
from training.registry import champion, digest_of_version, registering, set_champion


def promote(home: Path, target: str, number: int) -> int:
    """Make one registered version the champion, point the service to its bundle, and return its number.

    The bundle is tested first. Raises TargetError for an unknown version, BundleError for a bundle gone or damaged.
    """
    with registering(home):
        digest = digest_of_version(home, target, number)
        name = f"{target}-{digest[:12]}"
        load_bundle(home / "bundles" / name, digest)
        place = home / "bundles" / f"{target}.json"
        write_durable_text(place, json.dumps({"bundle": name, "digest": digest}) + "\n")
        set_champion(home, target, number)
        reached("the champion set")
    return number


def promote_first(home: Path, target: str, number: int) -> int:
    """Promote a version where no model of the target is in use yet, and return the number of the one in use."""
    current = champion(home, target)
    return promote(home, target, number) if current is None else current
