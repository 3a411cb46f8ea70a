"""What is in use for a source, as one small file: a promotion or a published day replaces it whole, and counts it up.

No other file says which models are in use, so a change is whole or not at all wherever it is stopped. A home of before,
which has pointers and no generation, is read by them until its first change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from features.errors import BundleError, TargetError
from features.files import exclusive_lock, write_durable_text
from features.ingest.scan import files_in
from models.bundle.champions import (
    ModelKey,
    Pointer,
    bundle_source,
    forget_pointers,
    pointers_of,
    read_pointer,
)

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


@dataclass(frozen=True, slots=True)
class Served:
    """What a generation counts: its models, the history that is served, and that history's published days, by target."""

    models: dict[str, Pointer]
    history: HistoryPointer | None
    days: dict[str, tuple[DayPointer, ...]]


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
            f"{path} does not say what is in use; restore it, or remove it and promote each model again"
        ) from None


def models_in_use(folder: Path, source: str) -> dict[str, Pointer]:
    """Return by target the pointers to the models in use of a source; BundleError where what names them is damaged."""
    generation = read_generation(folder, source)
    return pointers_of(folder, source) if generation is None else dict(generation.models)


def pointer_of(folder: Path, key: ModelKey) -> Pointer:
    """Return the pointer to the model in use; TargetError where none is promoted, BundleError where what names it is damaged."""
    models = models_in_use(folder, key.source)
    if key.target in models:
        return models[key.target]
    old_pointer = folder / f"{key.target}.json"
    if old_pointer.exists():
        # raises the reason for which it was not moved
        bundle_source(folder, read_pointer(old_pointer))
    others = _sources_with(folder, key.target)
    elsewhere = f" (it is for {', '.join(others)})" if others else ""
    raise TargetError(
        f"no model of {key.target!r} is promoted for source {key.source!r}{elsewhere}; "
        f"train one with `lssi train {key.target} SOURCE`"
    )


def _sources_with(folder: Path, target: str) -> list[str]:
    """Return the sources that have a model of a target in use."""
    counted = {path.stem for path in files_in(folder / FOLDER, "*.json")}
    pointed = {path.name.split(".")[0] for path in files_in(folder, f"*.{target}.json")}
    return [
        source for source in sorted(counted | pointed) if target in models_in_use(folder, source)
    ]


def current_generation(folder: Path, source: str) -> Generation:
    """Return what is in use for a source. The first time, what the pointers of before name becomes its first generation."""
    return _published(folder, source, lambda before: before)


def promote_model(folder: Path, key: ModelKey, pointer: Pointer) -> Generation:
    """Let a bundle in `folder` be the model in use, whole or not at all, and return the generation."""

    def with_model(before: Served) -> Served:
        return replace(before, models={**before.models, key.target: pointer})

    return _published(folder, key.source, with_model)


def publish_history(folder: Path, source: str, history: HistoryPointer) -> Generation:
    """Let a history be what is served, and return the generation. One of which a day is published stays until another's is."""

    def unless_published(before: Served) -> Served:
        if any(before.days.values()):
            return replace(before, history=before.history or history)
        return replace(before, history=history, days={})

    return _published(folder, source, unless_published)


def publish_days(
    folder: Path, source: str, history: HistoryPointer, days: Mapping[str, DayPointer]
) -> Generation:
    """Let scored days of a history be answered from, by target, all at once, and return the generation.

    Days of an earlier history are in use no more. Those of the same history for other models stay, so that a promotion that
    is taken back finds its day.
    """

    def with_days(before: Served) -> Served:
        same = before.history in (None, history)
        all_days = dict(before.days) if same else {}
        for target, day in days.items():
            all_days = {
                name: tuple(one for one in some if one.store == day.store)
                for name, some in all_days.items()
            }
            others = [one for one in all_days.get(target, ()) if one.bundle != day.bundle]
            all_days |= {target: (*others, day)}
        return replace(before, history=history, days=all_days)

    return _published(folder, source, with_days)


def _published(folder: Path, source: str, change: Callable[[Served], Served]) -> Generation:
    """Write what a change makes of what is in use, where it makes another of it, and return the generation."""
    path = generation_file(folder, source)
    # two publishers at once would both count up from the same number, and one of their changes would be lost
    with exclusive_lock(path.with_suffix(".lock")):
        former = read_generation(folder, source)
        before = _served(folder, source, former)
        served = change(before)
        if former is not None and served == before:
            generation = former
        else:
            generation = Generation(
                number=1 if former is None else former.number + 1,
                models=served.models,
                days=served.days,
                history=served.history,
            )
            write_durable_text(path, _text(generation))
        # nobody reads them beside a generation, and where it is lost they would name models of long ago
        forget_pointers(folder, source)
        return generation


def _served(folder: Path, source: str, generation: Generation | None) -> Served:
    if generation is None:
        return Served(pointers_of(folder, source), None, {})
    return Served(generation.models, generation.history, generation.days)


def _text(generation: Generation) -> str:
    plain = generation.model_dump(mode="json", exclude_none=True)
    return json.dumps(plain, sort_keys=True, indent=1, allow_nan=False) + "\n"
