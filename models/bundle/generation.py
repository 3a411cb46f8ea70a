"""What is in use for a source, as one small file: a promotion or a published day replaces it whole, and counts it up."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from features.errors import BundleError
from features.files import exclusive_lock, write_durable_text
from features.ingest.scan import files_in
from models.bundle.champions import Pointer, move_old_pointers, read_pointer

FOLDER = "generations"
"""The folder beside the bundles with a file for each source."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class DayPointer(BaseModel):
    """A published day: its folder and digest, the record of its batch, and the history and model that it is of."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    folder: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
    digest: Digest
    batch: str
    store: str
    bundle: Digest


class Generation(BaseModel):
    """What is in use: by target the model, and the published days of the newest history that has one."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    number: Annotated[int, Field(ge=1)]
    models: dict[str, Pointer]
    days: dict[str, tuple[DayPointer, ...]]

    @property
    def name(self) -> str:
        """Its number, and the first ten hex digits of its content's digest."""
        return f"{self.number}-{sha256(_text(self).encode()).hexdigest()[:10]}"

    def day(self, target: str) -> DayPointer | None:
        """Return the published day of a target's model in use; None where none is published."""
        model = self.models.get(target)
        for day in self.days.get(target, ()):
            if model is not None and day.bundle == model.digest:
                return day
        return None


def generation_file(folder: Path, source: str) -> Path:
    """Return the file that says what is in use for a source; `folder` holds the bundles."""
    return folder / FOLDER / f"{source}.json"


def read_generation(folder: Path, source: str) -> Generation | None:
    """Return what is in use for a source, None where nothing was ever published; BundleError where the file is damaged."""
    path = generation_file(folder, source)
    try:
        return Generation.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValidationError, OSError):
        raise BundleError(
            f"{path} does not say what is in use; remove it, and promote a model or run `lssi batch` again"
        ) from None


def publish_models(folder: Path, source: str) -> Generation:
    """Let the promoted models of a source be what is in use, and return the generation: the one of before if nothing changed."""
    return _published(folder, source, lambda days: days)


def publish_day(folder: Path, source: str, target: str, day: DayPointer) -> Generation:
    """Let a scored day be answered from, and return the generation. Days of an earlier history are in use no more.

    Those of the same history for other models stay, so that a promotion that is taken back finds its day.
    """

    def with_day(days: dict[str, tuple[DayPointer, ...]]) -> dict[str, tuple[DayPointer, ...]]:
        of_history = {
            name: tuple(one for one in some if one.store == day.store)
            for name, some in days.items()
        }
        others = [one for one in of_history.get(target, ()) if one.bundle != day.bundle]
        return of_history | {target: (*others, day)}

    return _published(folder, source, with_day)


def _published(
    folder: Path,
    source: str,
    change: Callable[[dict[str, tuple[DayPointer, ...]]], dict[str, tuple[DayPointer, ...]]],
) -> Generation:
    path = generation_file(folder, source)
    # two publishers at once would both count up from the same number, and one of their changes would be lost
    with exclusive_lock(path.with_suffix(".lock")):
        former = read_generation(folder, source)
        models = _promoted(folder, source)
        days = change({} if former is None else dict(former.days))
        if former is not None and (former.models, former.days) == (models, days):
            return former
        number = 1 if former is None else former.number + 1
        generation = Generation(number=number, models=models, days=days)
        write_durable_text(path, _text(generation))
        return generation


def _promoted(folder: Path, source: str) -> dict[str, Pointer]:
    """Return the pointers to the promoted models of a source, by target."""
    move_old_pointers(folder)
    paths = files_in(folder, f"{source}.*.json")
    return {path.name.split(".")[1]: read_pointer(path) for path in sorted(paths)}


def _text(generation: Generation) -> str:
    plain = generation.model_dump(mode="json")
    return json.dumps(plain, sort_keys=True, indent=1, allow_nan=False) + "\n"
