"""The live store of a source that is fed day by day: a pointer beside the stores, and a lock while it grows."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.contract.millionths import CERTAIN, probability_columns
from features.errors import SourceError
from features.files import (
    UNFINISHED,
    close_to_others,
    durable,
    own_folder,
    write_durable_text,
)
from features.ingest.dump.columns import SETTINGS
from features.ingest.scan import files_below, files_in, read_table
from features.ingest.source import Source
from features.ingest.staged import GROUP
from features.seal import seal_file
from features.store.layout import MARK, summary_at, write_summary

FIXED = {
    "attribute": "gives the rows of a store their columns",
    "clock": "makes days of moments",
    "dump": "says which tables and columns the views read",
    "columns": "says which column of a file is which",
    "form": "says which value a text is",
    "unit": "says how much a number is",
    "keys": "says which numbers are one thing",
}
"""What decides how rows are read, with the reason: it may not change while a store is fed."""
ROLES = ("attribute.basis", "attribute.protected")
"""What may change of an attribute: it says who may read the column, not how its rows are read."""
CHANGING = {
    "name": "another name is another source, with a store of its own",
    "zh": "is shown only",
    "en": "is shown only",
    "complete_to": "each load names the day it closes",
    "absent": "a table may come with any day",
    "assumed_delays": "is told only",
    "dormant_months": "says what is told of the rows, not how they are read",
    "target": "says what is asked of the rows, not how they are read",
    "raw": "only the certificate reads it",
    "csv": "says how the files of a day are written where they do not prove it, and of no day before",
}
"""What of a declaration may change from day to day, with the reason."""
SHOWN = 3
"""Changes that an error lists, the rest are counted; a choice, so that the error stays one line."""
NOTHING = "nothing"


def pointer(source: Source) -> Path:
    """Return the file that names the live store of a source: one for each name, folder and data."""
    data = source.data if source.reads_data else ""
    place = hashlib.sha256(f"{source.folder}\0{data}".encode())
    digest = place.hexdigest()[:12]
    return source.stores / "live" / f"{source.name}-{digest}.json"


def live_folder(source: Source) -> Path | None:
    """Return the folder of a source's live store, None where the source was never fed."""
    try:
        name = json.loads(pointer(source).read_text("utf-8"))["store"]
    except FileNotFoundError:
        return None
    return source.stores / str(name)


def set_current(source: Source, folder: Path) -> None:
    """Let a store be the live store of a source from now on."""
    path = pointer(source)
    own_folder(path.parent)
    write_durable_text(path, json.dumps({"store": folder.name}, allow_nan=False) + "\n")


@contextmanager
def feed_lock(source: Source) -> Iterator[None]:
    """Hold the feed of a source alone; SourceError where another load has it."""
    path = pointer(source).with_suffix(".lock")
    own_folder(path.parent)
    with path.open("w") as lock:
        close_to_others(path)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceError(
                f"source {source.name!r} is being loaded by another process; try again when it has ended"
            ) from None
        yield


def agreed(source: Source, folder: Path) -> Path:
    """Return a live store's folder with the source's declaration of today.

    SourceError where rows would be read otherwise than before.
    """
    summary = summary_at(folder)
    brought_up(folder, summary)
    before, now = summary["source"], source.declaration.model_dump(mode="json")
    now["complete_to"] = before["complete_to"]
    if before == now:
        return folder
    check_stated(source, before)
    write_summary(folder, summary | {"source": now})
    return folder


def brought_up(folder: Path, summary: dict[str, Any]) -> None:
    """Let the probabilities of a live store be whole millionths, which versions before held as floats.

    Each is rounded to the nearest, a finer one to no less than one. A run that was stopped half-way is carried on.
    """
    if MARK in summary or (folder / MARK).exists():
        return
    for path, floats in files_with_floats(folder, summary).items():
        _rewrite(path, floats)
    write_durable_text(folder / MARK, "")


def files_with_floats(folder: Path, summary: Mapping[str, Any]) -> dict[Path, list[str]]:
    """Return the files of a store that still hold probabilities as floats, each with the names of these columns."""
    if MARK in summary or (folder / MARK).exists():
        return {}
    # what another run is writing now is of today's form, or is taken away
    finished = [
        path
        for path in files_below(folder, "*.parquet")
        if not any(map(UNFINISHED.fullmatch, path.parts))
    ]
    floats = {path: _floats(path) for path in finished}
    return {path: names for path, names in floats.items() if names}


def _floats(path: Path) -> list[str]:
    schema = pq.read_schema(path)
    stored = [name for name in probability_columns() if name in schema.names]
    return [name for name in stored if pa.types.is_floating(schema.field(name).type)]


def _rewrite(path: Path, names: list[str]) -> None:
    """Write a file of rows with some columns in millionths, what was laid out of these columns taken away first."""
    rows = read_table(path)
    for name in names:
        for flat in files_in(path.with_suffix(".flat"), f"{name}.*.column*"):
            flat.unlink()
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, _in_millionths(rows[name]))
    with durable(path) as unfinished:
        pq.write_table(
            rows, unfinished, compression="zstd", compression_level=1, row_group_size=GROUP
        )
        seal_file(path, unfinished)


def _in_millionths(column: pa.ChunkedArray) -> pa.ChunkedArray:
    nearest = pc.round(pc.multiply(column, float(CERTAIN)))
    return pc.cast(pc.max_element_wise(nearest, 1.0, skip_nulls=False), pa.int32())


def check_stated(source: Source, before: Mapping[str, Any]) -> None:
    """Raise SourceError where a source, or what a day delivers, has rows read otherwise than before."""
    now = source.declaration.model_dump(mode="json")
    of_each = {name: list(_changes(name, before.get(name), now[name])) for name in FIXED}
    changes = {name: lines for name, lines in of_each.items() if lines}
    if not changes:
        return
    of_dump = "" if source.declaration.dump is None else f" or {source.data / SETTINGS}"
    lines = list(chain.from_iterable(changes.values()))
    names = ", ".join(changes)
    shown = ", ".join(lines[:SHOWN])
    more = f", and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    raise SourceError(
        f"{names} in source.toml{of_dump} changed since {source.name!r} was "
        "first loaded by day; restore it, or load all rows under another name: "
        f"{shown}{more}"
    )


def _changes(name: str, before: object, now: object) -> Iterator[str]:
    """Yield what is stated otherwise than before, each by its full name with both values."""
    # What an older store does not tell was not stated, so none is as good as empty.
    old, new = dict(_stated(name, before or {})), dict(_stated(name, now or {}))
    for place in dict.fromkeys([*old, *new]):
        if f"{name}.{place.rpartition('.')[2]}" in ROLES:
            continue
        was = old.get(place, NOTHING)
        is_now = new.get(place, NOTHING)
        if was != is_now:
            yield f"{place} was {was} and is {is_now}"


def _stated(place: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the single values of a declaration by full name; that of an attribute holds its table."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _stated(f"{place}.{key}", inner)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for one in value:
            yield from _stated(f"{place}.{one['table']}.{one['name']}", one)
    else:
        yield place, json.dumps(value, ensure_ascii=False, allow_nan=False)
