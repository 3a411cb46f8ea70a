"""The live store of a source that is fed day by day: a pointer beside the stores, and a lock while it grows."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.errors import SourceError
from features.files import write_durable_text
from features.layout import summary_at, write_summary
from features.source import Source

FIXED = ("attribute", "clock", "dump", "keys")
"""What of a source.toml gives the rows of a store their columns and numbers, so that it may not change from day to day."""


def pointer(source: Source) -> Path:
    """Return the file that names the live store of a source: one for each name, folder and data."""
    place = hashlib.sha256(f"{source.folder}\0{source.data if source.reads_data else ''}".encode()).hexdigest()[:12]
    return source.stores / "live" / f"{source.name}-{place}.json"


def live_folder(source: Source) -> Path | None:
    """Return the folder of a source's live store, None where the source was never fed."""
    try:
        name = json.loads(pointer(source).read_text("utf-8"))["store"]
    except FileNotFoundError:
        return None
    return source.stores / str(name)


def point(source: Source, folder: Path) -> None:
    """Let a store be the live store of a source from now on."""
    path = pointer(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durable_text(path, json.dumps({"store": folder.name}, allow_nan=False) + "\n")


@contextmanager
def held(source: Source) -> Iterator[None]:
    """Hold the feed of a source alone; SourceError where another load has it."""
    path = pointer(source).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceError(f"source {source.name!r} is being loaded by another process; try again when it has ended") from None
        yield


def agreed(source: Source, folder: Path) -> Path:
    """Return a live store's folder with the source's declaration of today; SourceError where its columns or numbers changed."""
    summary = summary_at(folder)
    before, now = summary["source"], source.declaration.model_dump(mode="json")
    now["complete_to"] = before["complete_to"]
    if before == now:
        return folder
    # What an older store does not tell was not stated, so none is as good as empty.
    changed = [name for name in FIXED if (before.get(name) or None) != (now.get(name) or None)]
    if changed:
        raise SourceError(f"{', '.join(changed)} in source.toml changed since {source.name!r} was first fed; restore it, or "
                          "feed a source of another name")
    write_summary(folder, summary | {"source": now})
    return folder
