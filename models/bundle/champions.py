"""Whose models are meant, and the pointers to those in use: today in a generation, in homes of before a file for each."""

from __future__ import annotations

import json
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from features.errors import BundleError, TargetError
from features.files import write_durable_text, write_points
from features.ingest.scan import files_in
from models.bundle.bundle import manifest_of
from models.bundle.folder import bundle_digest, read_folder

_SOURCE, _TARGET = re.compile(r"[a-z][a-z0-9_-]*"), re.compile(r"[a-z][a-z0-9_]*")
_REGISTERED = re.compile(rf"lssi-({_SOURCE.pattern})-({_TARGET.pattern})")
log = logging.getLogger("lssi")


@dataclass(frozen=True, slots=True, order=True)
class ModelKey:
    """Whose models are asked for: the declared name of a source, and one of its targets.

    A target holds no hyphen and neither holds a dot, so no two keys have a name in common.

    >>> ModelKey("our-city", "fraud").registered, ModelKey("our-city", "fraud").file
    ('lssi-our-city-fraud', 'our-city.fraud.json')
    """

    source: str
    target: str

    def __post_init__(self) -> None:
        """Raise TargetError for a name that no source or target can have, before it becomes part of a path."""
        if not _SOURCE.fullmatch(self.source):
            raise TargetError(
                "the name of a source should be lower-case letters, digits, underscores and hyphens; "
                f"got {self.source!r}"
            )
        if not _TARGET.fullmatch(self.target):
            raise TargetError(
                f"a target should be lower-case letters, digits and underscores; got {self.target!r}"
            )

    @property
    def registered(self) -> str:
        """The name under which its models are registered."""
        return f"lssi-{self.source}-{self.target}"

    @property
    def file(self) -> str:
        """The name of the file in which a home of before keeps the pointer to its model in use."""
        return f"{self.source}.{self.target}.json"


def name_parts(registered: str) -> ModelKey | None:
    """Return whose models are registered under a name, None where it is no such name.

    >>> name_parts("lssi-our-city-fraud"), name_parts("lssi-fraud")
    (ModelKey(source='our-city', target='fraud'), None)
    """
    parts = _REGISTERED.fullmatch(registered)
    return ModelKey(parts[1], parts[2]) if parts else None


class Pointer(BaseModel):
    """What a promotion writes: the folder of the bundle beside it, and the digest that it must have."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    bundle: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def pointers_of(folder: Path, source: str) -> dict[str, Pointer]:
    """Return by target what the pointers of before name for a source; BundleError for a damaged one."""
    move_old_pointers(folder)
    return {path.name.split(".")[1]: read_pointer(path) for path in pointer_files(folder, source)}


def pointer_files(folder: Path, source: str) -> list[Path]:
    """Return the files of the pointers of before that name a source, sorted."""
    return sorted(files_in(folder, f"{source}.*.json"))


def forget_pointers(folder: Path, source: str) -> None:
    """Remove the pointers of before of a source, once a generation says what they said."""
    for path in pointer_files(folder, source):
        with write_points("a pointer of before is away"):
            path.unlink(missing_ok=True)


def read_pointer(path: Path) -> Pointer:
    """Return what one pointer file says; BundleError where it is none."""
    try:
        return Pointer.model_validate_json(path.read_bytes())
    except (ValidationError, OSError):
        raise BundleError(
            f"{path.name} is no pointer to a bundle; promote a model again, or remove the file"
        ) from None


def bundle_source(folder: Path, pointer: Pointer) -> str:
    """Return the name of the source on which a bundle was trained; BundleError where it is damaged or does not say."""
    files = read_folder(folder / pointer.bundle)
    if bundle_digest(files) != pointer.digest:
        raise BundleError(
            f"{folder / pointer.bundle} has digest {bundle_digest(files)[:12]}, not {pointer.digest[:12]}; "
            "restore the bundle that was promoted"
        )
    source = manifest_of(files).origin.get("source")
    if source is None:
        raise BundleError(
            f"{folder / pointer.bundle} does not say on which source it was trained; train again"
        )
    return source


def move_old_pointers(folder: Path) -> None:
    """Give pointers of before, named by target alone, the name of their source too, and log what was done in one line.

    One that cannot tell its source stays. Raises BundleError where two models would be in use for one source and target.
    """
    moved = []
    for path, key in old_pointers(folder).items():
        _moved(path, folder, key, read_pointer(path))
        moved.append(f"{path.name} -> {key.file}")
    if moved:
        log.warning("models in use are now named by source and target: %s", ", ".join(moved))


def old_pointers(folder: Path) -> dict[Path, ModelKey]:
    """Return the pointers of before, which are named by target alone, with the source and target that each is of.

    One that cannot tell its source is left out.
    """
    keys = {}
    for path in files_in(folder, "*.json"):
        if _TARGET.fullmatch(path.stem):
            with suppress(BundleError):
                keys[path] = ModelKey(bundle_source(folder, read_pointer(path)), path.stem)
    return keys


def _moved(path: Path, folder: Path, key: ModelKey, pointer: Pointer) -> None:
    place = folder / key.file
    if place.exists() and read_pointer(place) != pointer:
        raise BundleError(
            f"{path} and {place.name} name two models of {key.target} for {key.source}; remove one of them"
        )
    # first the new name, then the old one away: a stop between leaves two pointers that say the same
    text = json.dumps(pointer.model_dump(), allow_nan=False) + "\n"
    write_durable_text(place, text)
    with write_points("an old pointer is away"):
        path.unlink(missing_ok=True)
