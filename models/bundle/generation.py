"""What is in use for a source, as one small file: a promotion or a published day replaces it whole, and counts it up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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


class HistoryPointer(BaseModel):
    """The history that is served: the folder of its store, and its last closed day as ISO text."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    store: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
    complete_to: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Generation(BaseModel):
    """What is in use: by target the model, and the published days of the history that is served.

    Without `history`, as earlier versions wrote it, whatever was loaded last is served.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    number: Annotated[int, Field(ge=1)]
    models: dict[str, Pointer]
    days: dict[str, tuple[DayPointer, ...]]
    history: HistoryPointer | None = None

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


Served = tuple[HistoryPointer | None, dict[str, tuple[DayPointer, ...]]]
"""The history that is served, and its published days by target."""


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
    return _published(folder, source, _as_before)


def publish_history(folder: Path, source: str, history: HistoryPointer) -> Generation:
    """Let a history be what is served, and return the generation. One of which a day is published stays until another's is."""

    def unless_published(former: Generation | None) -> Served:
        if former is None or not any(former.days.values()):
            return history, {}
        return former.history or history, dict(former.days)

    return _published(folder, source, unless_published)


def publish_days(
    folder: Path, source: str, history: HistoryPointer, days: Mapping[str, DayPointer]
) -> Generation:
    """Let scored days of a history be answered from, by target, all at once, and return the generation.

    Days of an earlier history are in use no more. Those of the same history for other models stay, so that a promotion that
    is taken back finds its day.
    """

    def with_days(former: Generation | None) -> Served:
        same = former is not None and former.history in (None, history)
        all_days = dict(former.days) if former is not None and same else {}
        for target, day in days.items():
            all_days = {
                name: tuple(one for one in some if one.store == day.store)
                for name, some in all_days.items()
            }
            others = [one for one in all_days.get(target, ()) if one.bundle != day.bundle]
            all_days |= {target: (*others, day)}
        return history, all_days

    return _published(folder, source, with_days)


def _as_before(former: Generation | None) -> Served:
    """Return what was served before: a promotion changes neither history nor days."""
    return (None, {}) if former is None else (former.history, dict(former.days))


def _published(
    folder: Path, source: str, change: Callable[[Generation | None], Served]
) -> Generation:
    path = generation_file(folder, source)
    # two publishers at once would both count up from the same number, and one of their changes would be lost
    with exclusive_lock(path.with_suffix(".lock")):
        former = read_generation(folder, source)
        models = _promoted(folder, source)
        history, days = change(former)
        stated = (models, days, history)
        if former is not None and (former.models, former.days, former.history) == stated:
            return former
        number = 1 if former is None else former.number + 1
        generation = Generation(number=number, models=models, days=days, history=history)
        write_durable_text(path, _text(generation))
        return generation


def _promoted(folder: Path, source: str) -> dict[str, Pointer]:
    """Return the pointers to the promoted models of a source, by target."""
    move_old_pointers(folder)
    paths = files_in(folder, f"{source}.*.json")
    return {path.name.split(".")[1]: read_pointer(path) for path in sorted(paths)}


def _text(generation: Generation) -> str:
    plain = generation.model_dump(mode="json", exclude_none=True)
    return json.dumps(plain, sort_keys=True, indent=1, allow_nan=False) + "\n"
