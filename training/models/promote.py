"""Promotion: a person names the model that the service is to use, once it has gained over what it must beat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from features.errors import TargetError
from features.files import write_points
from models.bundle.bundle import load_bundle
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import models_in_use, promote_model
from training.models.registry import (
    champion,
    digest_of_version,
    registering,
    set_champion,
    tag_version,
    tags_of_version,
    versions_of_digest,
)

BETTER, WHY, INSTEAD, ALTHOUGH = "verdict", "verdict_why", "verdict_instead", "although"
"""The tags of a version: its verdict, why, the version that is the better choice, and why it was promoted all the same."""
BASELINE = "baseline"
"""The verdict of a model that has not gained over the baseline that it must beat."""
Recorder = Callable[[int, str], None]
"""Writes down that a version, with the digest of its bundle, is promoted."""


def no_entry(number: int, digest: str) -> None:
    """Write nothing down: where a home has no ledger, as in a notebook's trial."""


def promote(
    home: Path,
    key: ModelKey,
    number: int,
    *,
    although: str = "",
    record: Recorder = no_entry,
) -> int:
    """Make one registered version the champion, point the service to its bundle, and return its number.

    One that has not gained over its baseline is promoted only with a reason `although`, which its version then tells.
    The bundle is tested first, and then the promotion is recorded: one that is stopped may leave a record of what did not
    come about, and is recorded again when it is run again, but no model is in use without a record. One write puts the model
    into use; MLflow's alias follows it (`version_in_use`). Raises TargetError for an unknown version and for one refused,
    BundleError for a bundle gone or damaged.
    """
    line = refusal(home, key, number)
    if line and not although.strip():
        raise TargetError(line)
    with registering(home):
        digest = digest_of_version(home, key, number)
        name = f"{key.target}-{digest[:12]}"
        load_bundle(home / "bundles" / name, digest)
        record(number, digest)
        promote_model(home / "bundles", key, Pointer(bundle=name, digest=digest))
        with write_points("the champion is set"):
            set_champion(home, key, number)
            if line:
                tag_version(home, key, number, {ALTHOUGH: although.strip()})
    return number


def promote_first(
    home: Path, key: ModelKey, number: int, *, record: Recorder = no_entry
) -> int | None:
    """Promote a version where no model of its source and target is in use yet, and return the number of the one in use.

    Of a version that would be refused the better choice is promoted in its place, nothing where none is registered.
    """
    current = version_in_use(home, key)
    if current is not None:
        return current
    if not refusal(home, key, number):
        return promote(home, key, number, record=record)
    instead = tags_of_version(home, key, number).get(INSTEAD)
    return promote(home, key, int(instead), record=record) if instead else None


def version_in_use(home: Path, key: ModelKey) -> int | None:
    """Return the registered version whose model is in use, None where none is; MLflow's alias is set to it if it lags.

    It lags where a promotion was stopped after the model was put into use. Of versions that trained the same bytes it is the
    one with the alias, else the newest.
    """
    pointer = models_in_use(home / "bundles", key.source).get(key.target)
    if pointer is None:
        return None
    same = versions_of_digest(home, key, pointer.digest)
    current = champion(home, key)
    if not same or current in same:
        return current
    with registering(home), write_points("the champion is set"):
        set_champion(home, key, same[-1])
    return same[-1]


def refusal(home: Path, key: ModelKey, number: int) -> str:
    """Return why a version may not be promoted and what to do, "" where it may; one trained before this rule may.

    Raises TargetError for an unknown version.
    """
    tags = tags_of_version(home, key, number)
    if tags.get(BETTER) != BASELINE:
        return ""
    command = f"lssi promote {key.target}"
    better = "train it anew with more history"
    if INSTEAD in tags:
        better = f"use the better choice with `{command} {tags[INSTEAD]}`"
    return (
        f"version {number} of {key.registered} is not promoted: {tags[WHY]}; {better}, or this one all the same with "
        f"`{command} {number} --although REASON`"
    )
