"""The names of sources: each is held by one place, so that no other gets its models, its journal and its records.

A source holds its name from the first thing that is kept under it: a model, a plan, a fed day, a batch, a service. One that
is only read (`check`, `features`, `certify`) keeps nothing under its name, and needs it for nothing but the journal.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import SourceError
from features.files import exclusive_lock, write_durable_text, write_points
from features.home import home
from features.ingest.source import Source
from features.store.current import pointer


class NameHolder(BaseModel):
    """Which place holds a name, and the name of the file that points to its live store.

    `place` is the folder or address of the source and, where it reads data from elsewhere, the folder or address of these.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    place: tuple[str, ...]
    live: str


def check_name(source: Source) -> None:
    """Raise SourceError where another place holds the name of a source; nobody's is anybody's."""
    holder = holder_of(source.name)
    if source.place and holder is not None and holder.place != source.place:
        raise SourceError(_refusal(source, holder))


def claim(source: Source) -> None:
    """Let a source hold its name from now on; SourceError where another place does."""
    if source.place and holder_of(source.name) != holder_in(source):
        with _held_alone(source.name):
            check_name(source)
            _write(source)


def adopt(source: Source) -> NameHolder | None:
    """Let a source hold its name whoever held it, with the live store fed under that name; return the former holder."""
    with _held_alone(source.name):
        former = holder_of(source.name)
        if former is not None and former.live != pointer(source).name:
            _move_live(pointer(source).with_name(former.live), pointer(source))
        _write(source)
    return former


def holder_of(name: str) -> NameHolder | None:
    """Return the holder of a name, None where nobody holds it; SourceError where its file is damaged."""
    path = _file(name)
    try:
        return NameHolder.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise SourceError(
            f"{path} does not name the folder of source {name!r}; remove this file and run "
            "`lssi adopt SOURCE` with the folder that should have the name"
        ) from None


def holder_in(source: Source) -> NameHolder:
    """Return a source as the holder of its name."""
    return NameHolder(place=source.place, live=pointer(source).name)


def place_text(place: tuple[str, ...]) -> str:
    """Return a place for people to read.

    >>> place_text(("/our/city",)), place_text(("/our/views", "/dumps/2015"))
    ('/our/city', '/our/views with data /dumps/2015')
    """
    return " with data ".join(place)


def _refusal(source: Source, holder: NameHolder) -> str:
    gone = [part for part in holder.place if part.startswith("/") and not Path(part).exists()]
    lost = f" ({', '.join(gone)} is no longer there)" if gone else ""
    words = ["lssi", "adopt", source.place[0]]
    if source.place[1:]:
        words += ["--data", source.place[1]]
    command = shlex.join(words)
    here = place_text(source.place)
    there = place_text(holder.place)
    return (
        f"the name {source.name!r} is held by {there}{lost}, and {here} claims it too; sources "
        "of one name would share models and journal: give one another `name` in source.toml (or dump.toml) or, if "
        f"the source has moved here or this is a new dump of it, run `{command}`"
    )


def _file(name: str) -> Path:
    return home() / "sources" / f"{name}.json"


@contextmanager
def _held_alone(name: str) -> Iterator[None]:
    with exclusive_lock(_file(name).with_suffix(".lock")):
        yield


def _write(source: Source) -> None:
    write_durable_text(_file(source.name), holder_in(source).model_dump_json() + "\n")


def _move_live(old: Path, new: Path) -> None:
    """Give a live store's pointer the name of its new place; one that is there already stays."""
    if old.exists() and not new.exists():
        with write_points("the live store is at its new place"):
            old.rename(new)
