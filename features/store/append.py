"""The daily feed: a day's rows appended to a live store and the day closed, whole or not at all; nothing is rewritten."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from features.calendar import date_of, day_of
from features.connection import MODEST, ConnectionLimits, opened
from features.errors import HistoryError
from features.files import private_folder, write_points
from features.ingest.fingerprint import fingerprint
from features.ingest.source import Source
from features.ingest.staging import Progress, Staged, as_written, with_refusals
from features.ingest.typed_sql import reading_connection
from features.store.compaction import clear_store
from features.store.current import agreed, check_stated, feed_lock, live_folder, set_current
from features.store.day_rows import (
    DayReading,
    Marks,
    Span,
    changed_files,
    delivered,
    marks_of,
    rows_digest,
    staged_rows,
    strays,
)
from features.store.layout import layout_of, summary_at, write_summary
from features.store.load import Work, build, counts_of, quiet, store_folder
from features.store.segment import Making, write_segment
from features.store.source_names import check_name, claim

MADE, LOADED, UNCHANGED = "made", "loaded", "unchanged"


@dataclass(frozen=True, slots=True)
class Fed:
    """What a load of a day did: `state` is made, loaded or unchanged; counts by table; where the refused rows are."""

    state: str
    store: Path
    complete_to: str
    tables: Mapping[str, Mapping[str, Any]]
    refused_rows: Path | None

    def counted(self, what: str) -> int:
        """Return how many rows were accepted or refused."""
        return sum(int(table[what]) for table in self.tables.values())


def feed(source: Source, day: int, rows: Path | None = None, progress: Progress = quiet) -> Fed:
    """Append a day's rows to the live store of a source and close the day; the store is made of all rows up to then first.

    `rows` is a folder with the day's rows where the source's own files do not grow. Raises HistoryError when the day is
    closed with other rows, or before the day the store is complete to, or when there is no store to which `rows` could be
    appended.
    """
    check_name(source)
    with feed_lock(source):
        return _fed(source, day, rows, progress)


def _fed(source: Source, day: int, rows: Path | None, progress: Progress) -> Fed:
    folder, given = live_folder(source), delivered(source, rows)
    if folder is None:
        if rows is not None:
            raise HistoryError(_first_of_all(source, day))
        return first_load(source, day, progress)
    clear_store(source, folder)
    folder = agreed(source, folder)
    check_stated(given, summary_at(folder)["source"])
    claim(source)
    with private_folder(folder) as work:
        return next_day(Day(source, given, folder, day, progress, work))


def _first_of_all(source: Source, day: int) -> str:
    """Return why a live store is not made of the rows of one day, and what to run."""
    own = date_of(min(source.complete_to, day - 1)).isoformat()
    return (
        f"source {source.name!r} was never loaded, so the rows of {date_of(day).isoformat()} "
        "alone would be its whole history; load what it holds first, "
        f"`lssi load SOURCE --day {own}` without --rows, then this day"
    )


def first_load(source: Source, day: int, progress: Progress) -> Fed:
    """Make the live store of a source from its rows up to a day; later rows are left for later days."""
    given = until(source, day)
    digest, marks = fingerprint(given), marks_of(given)
    identity = hashlib.sha256(
        f"{source.folder}\0{source.data}\0{day}\0{digest}".encode()
    ).hexdigest()
    folder = store_folder(source, identity)
    span = Span(None, day)
    if not (folder / "store.json").exists():
        with private_folder(folder.parent) as unfinished:
            build(
                given,
                Work(unfinished, MODEST, progress, span.taken),
                folder,
                digest=identity,
                content=digest,
            )
    summary = summary_at(folder)
    write_summary(folder, summary | {"marks": marks, "days": [], "fed": {}, "base": "base"})
    claim(source)
    set_current(source, folder)
    refused = folder / "refused"
    return Fed(
        MADE,
        folder,
        summary["complete_to"],
        summary["tables"],
        refused if any(refused.iterdir()) else None,
    )


def until(source: Source, day: int) -> Source:
    """Return a source whose last closed day is the given one."""
    return replace(
        source, declaration=source.declaration.model_copy(update={"complete_to": date_of(day)})
    )


@dataclass(frozen=True, slots=True)
class Day:
    """A day to load: the source, what delivers its rows, the live store, the integer day, and a folder of this run."""

    source: Source
    given: Source
    folder: Path
    day: int
    progress: Progress
    work: Path

    @property
    def name(self) -> str:
        return date_of(self.day).isoformat()


def next_day(day: Day) -> Fed:
    """Load a day after the last, or say that a closed one is unchanged; HistoryError if it is not."""
    summary = summary_at(day.folder)
    complete = day_of(summary["complete_to"])
    entry = summary["fed"].get(day.name)
    if day.day <= complete and entry is None and (summary["fed"] or day.day < complete):
        raise HistoryError(
            f"day {day.name} is closed: the store of {day.source.name!r} is complete to {summary['complete_to']}; "
            "load a later day, and send a correction as a new row recorded on it"
        )
    after = complete if entry is None else day_of(entry["after"])
    (day.work / "staged").mkdir()
    return _loaded(day, summary, Span(after, day.day))


def _loaded(day: Day, summary: dict[str, Any], span: Span) -> Fed:
    given = until(day.given, day.day)
    limits = ConnectionLimits(spill=day.work / "spill")
    read = DayReading(
        reading_connection(given, limits), given, span, day.work / "staged", day.progress
    )
    making = Making(opened(limits), layout_of(day.folder, summary), given, span, day.work)
    marks = marks_of(given)
    staged = [staged_rows(read, table) for table in given.tables]
    digests = {
        table.table: rows_digest(making.connection, table)
        for table in staged
        if table.accepted or table.refused.height
    }
    late = dict(_strays(read, making, summary["marks"], marks))
    if marks_of(given) != marks:
        raise HistoryError(
            f"source {day.source.name!r} changed while it was read; load the day again when it is at rest"
        )
    if span.until <= day_of(summary["complete_to"]):
        return _unchanged(day, summary, digests, set(late))
    part = write_segment(making, staged)
    tables = _counts(part.staged, late)
    _write_refused(part.staged, late, day.work / "refused")
    entry = {"after": summary["complete_to"], "digests": digests, "tables": tables}
    _commit(day, _grown(day, summary, entry, part.joins), marks)
    return Fed(LOADED, day.folder, day.name, tables, _refused_at(day))


def _strays(
    read: DayReading, making: Making, before: Marks, now: Marks
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield by table the rows of closed days that the store never saw, from those files that are not what they were."""
    for table in read.source.tables:
        found = [
            strays(replace(read, source=part), table, own=making.connection, layout=making.layout)
            for part in changed_files(read.source, table, before=before, now=now)
        ]
        frames = [frame for frame in found if frame is not None]
        if frames:
            yield table, pl.concat(frames)


def _unchanged(day: Day, summary: dict[str, Any], digests: dict[str, str], late: set[str]) -> Fed:
    entry = summary["fed"].get(day.name, {"digests": {}, "tables": {}})
    others = late | {table for table, _ in entry["digests"].items() ^ digests.items()}
    if others:
        raise HistoryError(
            f"day {day.name} is closed with other rows in {', '.join(sorted(others))}; nothing was changed: "
            "send a correction as a new row recorded on a later day"
        )
    return Fed(UNCHANGED, day.folder, summary["complete_to"], entry["tables"], _refused_at(day))


def _refused_at(day: Day) -> Path | None:
    place = day.folder / "refused" / day.name
    return place if place.is_dir() else None


def _counts(staged: list[Staged], late: dict[str, pl.DataFrame]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for table in staged:
        found[table.table] = counts_of(table.accepted, _refused(table, late))
    return found


def _refused(table: Staged, late: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return with_refusals(table.refused, late[table.table]) if table.table in late else table.refused


def _write_refused(staged: list[Staged], late: dict[str, pl.DataFrame], folder: Path) -> None:
    for table in staged:
        refused = _refused(table, late)
        if refused.height:
            folder.mkdir(exist_ok=True)
            as_written(refused).write_csv(folder / f"{table.table}.csv")


def _grown(
    day: Day, summary: dict[str, Any], entry: dict[str, Any], joins: Mapping[str, int]
) -> dict[str, Any]:
    """Return a store's summary with one more day closed."""
    tables = dict(summary["tables"])
    for name, more in entry["tables"].items():
        if name in tables or more["accepted"]:
            tables[name] = _summed(
                tables.get(name, {"accepted": 0, "refused": 0, "reasons": []}), more
            )
    source = day.source.declaration.model_dump(mode="json") | {"complete_to": day.name}
    counts = summary["joins"] | {
        name: summary["joins"].get(name, 0) + rows for name, rows in joins.items()
    }
    return summary | {
        "complete_to": day.name,
        "tables": tables,
        "joins": counts,
        "source": source,
        "absent": [name for name in summary["absent"] if name not in tables],
        "days": [*summary["days"], day.name],
        "fed": summary["fed"] | {day.name: entry},
    }


def _summed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    kinds = {"reason": pl.String, "rows": pl.Int64, "table": pl.String, "first": pl.Int64}
    told = pl.DataFrame([*old["reasons"], *new["reasons"]], schema=kinds).group_by(
        "reason", maintain_order=True
    )
    merged = told.agg(pl.col("rows").sum(), pl.col("table", "first").first()).sort(
        "rows", descending=True, maintain_order=True
    )
    if merged["table"].is_null().all():
        merged = merged.drop("table")
    counts = {name: old[name] + new[name] for name in ("accepted", "refused")}
    return counts | {"reasons": merged.to_dicts()}


def _commit(day: Day, summary: dict[str, Any], marks: Marks) -> None:
    """Put a day's files in their places, then let the summary name them: that one step makes the day count."""
    if day.given.tables == day.source.tables:
        summary["marks"] = marks
    for made, place in (
        ("part", day.folder / "days"),
        ("tails", day.folder / "tails"),
        ("refused", day.folder / "refused"),
    ):
        if (day.work / made).is_dir():
            place.mkdir(exist_ok=True)
            with write_points(f"the {made} of a day is in place"):
                shutil.rmtree(place / day.name, ignore_errors=True)
                (day.work / made).rename(place / day.name)
    write_summary(day.folder, summary)
