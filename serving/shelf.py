"""The models in use: of each target the one that a person promoted, and no other."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from features.errors import BundleError, TargetError
from models.bundle import Bundle, load_bundle


class Pointer(BaseModel):
    """What a promotion writes: the folder of the bundle beside it, and the digest that it must have."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    bundle: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def promoted(folder: Path, target: str) -> Bundle:
    """Return the promoted bundle of a target in `folder`; TargetError without one, BundleError for a damaged one."""
    pointer = pointer_of(folder / f"{target}.json", target)
    bundle = load_bundle(folder / pointer.bundle, pointer.digest)
    if bundle.target != target:
        raise BundleError(f"{target}.json points to a model of {bundle.target}; promote a model of {target}")
    return bundle


def pointer_of(path: Path, target: str) -> Pointer:
    """Return what one pointer file says."""
    try:
        return Pointer.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise TargetError(f"no model of {target!r} is promoted; train one with `lssi train {target} SOURCE`") from None
    except (ValidationError, OSError):
        raise BundleError(f"{path.name} is no pointer to a bundle; promote a model of {target} again") from None


def all_promoted(folder: Path, targets: Collection[str]) -> dict[str, Bundle]:
    """Return the promoted bundles of the targets that have one; TargetError where none has."""
    found = {target: promoted(folder, target) for target in sorted(targets) if (folder / f"{target}.json").exists()}
    if not found:
        named = ", ".join(sorted(targets))
        raise TargetError(f"no model of {named} is promoted; train one with `lssi train TARGET SOURCE`")
    return found
