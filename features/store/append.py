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
from features.ingest.span import Span
from features.ingest.staged import Staged, as_written, with_refusals
from features.ingest.staging import Progress
from features.ingest.typed_sql import reading_connection
from features.store.compaction import clear_store
from features.store.current import agreed, check_stated, feed_lock, live_folder, set_current
from features.store.day_rows import (
    DayReading,
    Marks,
    changed_files,
    delivered,
    marks_of,
    rows_digest,
    staged_rows,
    strays,
)
from features.store.layout import (
    FILES,
    check_files,
    layout_of,
    named_files,
    seal_rows,
    sealed_summary,
    summary_at,
    write_summary,
)
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
    """Append a day's rows to the live store, or make the store where there is none; whoever calls holds the feed's lock."""
    folder = live_folder(source)
    delivery = delivered(source, rows)
    if folder is None:
        if rows is not None:
            raise HistoryError(_first_of_all(source, day))
        return first_load(source, day, progress)
    clear_store(source, folder)
    folder = agreed(source, folder)
    check_stated(delivery, summary_at(folder)["source"])
    claim(source)
    with private_folder(folder) as work:
        return next_day(Day(source, delivery, folder, day, progress, work))


def _first_of_all(source: Source, day: int) -> str:
    """Return why a live store is not made of the rows of one day, and what to run."""
    first_day = date_of(min(source.complete_to, day - 1)).isoformat()
    this_day = date_of(day).isoformat()
    return (
        f"source {source.name!r} was never loaded, so the rows of {this_day} "
        "alone would be its whole history; load what it holds first, "
        f"`lssi load SOURCE --day {first_day}` without --rows, then this day"
    )


def first_load(source: Source, day: int, progress: Progress) -> Fed:
    """Make the live store of a source from its rows up to a day; later rows are left for later days."""
    source_by_day = until(source, day)
    content = fingerprint(source_by_day)
    marks = marks_of(source_by_day)
    named_by = f"{source.folder}\0{source.data}\0{day}\0{content}"
    digest = hashlib.sha256(named_by.encode()).hexdigest()
    folder = store_folder(source, digest)
    if not (folder / "store.json").exists():
        with private_folder(folder.parent) as unfinished:
            work = Work(unfinished, MODEST, progress, Span(None, day).taken)
            build(source_by_day, work, folder, digest=digest, content=content)
    summary = summary_at(folder)
    write_summary(folder, summary | {"marks": marks, "days": [], "fed": {}, "base": "base"})
    claim(source)
    set_current(source, folder)
    refused = folder / "refused"
    return Fed(
        state=MADE,
        store=folder,
        complete_to=summary["complete_to"],
        tables=summary["tables"],
        refused_rows=refused if any(refused.iterdir()) else None,
    )


def until(source: Source, day: int) -> Source:
    """Return a source whose last closed day is the given one."""
    declaration = source.declaration.model_copy(update={"complete_to": date_of(day)})
    return replace(source, declaration=declaration)


@dataclass(frozen=True, slots=True)
class Day:
    """A day to load: the source, what delivers its rows, the live store, the integer day, and a folder of this run."""

    source: Source
    delivery: Source
    folder: Path
    day: int
    progress: Progress
    work: Path

    @property
    def name(self) -> str:
        return date_of(self.day).isoformat()


def next_day(day: Day) -> Fed:
    """Load a day after the last, or say that a closed one is unchanged; HistoryError if it is not."""
    summary = sealed_summary(day.folder)
    complete = day_of(summary["complete_to"])
    entry = summary["fed"].get(day.name)
    # The last day of the first load may be fed again as long as no other was: it has no entry yet.
    only_first_load = not summary["fed"] and day.day == complete
    if day.day <= complete and entry is None and not only_first_load:
        raise HistoryError(
            f"day {day.name} is closed: the store of {day.source.name!r} is complete to {summary['complete_to']}; "
            "load a later day, and send a correction as a new row recorded on it"
        )
    after = complete if entry is None else day_of(entry["after"])
    (day.work / "staged").mkdir()
    return _loaded(day, summary, Span(after, day.day))


def _loaded(day: Day, summary: dict[str, Any], span: Span) -> Fed:
    """Read the rows of a day and append them, or compare them where the day is closed already."""
    delivery = until(day.delivery, day.day)
    limits = ConnectionLimits(spill=day.work / "spill")
    foreign = reading_connection(delivery, limits)
    layout = layout_of(day.folder, summary)
    check_files(layout)
    reading = DayReading(foreign, delivery, span, day.work / "staged", day.progress)
    making = Making(opened(limits), layout, delivery, span, day.work)
    marks = marks_of(delivery)
    staged = [staged_rows(reading, table) for table in delivery.tables]
    digests: dict[str, str] = {}
    for table in staged:
        if table.accepted or table.refused.height:
            digests[table.table] = rows_digest(making.connection, table)
    late = dict(_strays(reading, making, summary["marks"], marks))
    # a file that was written to meanwhile may have been read in part
    if marks_of(delivery) != marks:
        raise HistoryError(
            f"source {day.source.name!r} changed while it was read; load the day again when nothing writes to it"
        )
    if span.until <= day_of(summary["complete_to"]):
        return _unchanged(day, summary, digests, set(late))
    segment = write_segment(making, staged)
    tables = _counts(segment.staged, late)
    _write_refused(segment.staged, late, day.work / "refused")
    entry = {"after": summary["complete_to"], "digests": digests, "tables": tables}
    _commit(day, _grown(day, summary, entry, segment.joins), marks)
    return Fed(LOADED, day.folder, day.name, tables, _refused_at(day))


def _strays(
    reading: DayReading, making: Making, before: Marks, now: Marks
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield by table the rows of closed days that the store never saw, from those files that are not what they were."""
    source = reading.source
    for table in source.tables:
        frames: list[pl.DataFrame] = []
        for part in changed_files(source, table, before=before, now=now):
            of_part = replace(reading, source=part)
            frame = strays(of_part, table, own=making.connection, layout=making.layout)
            if frame is not None:
                frames.append(frame)
        if frames:
            yield table, pl.concat(frames)


def _unchanged(day: Day, summary: dict[str, Any], digests: dict[str, str], late: set[str]) -> Fed:
    entry = summary["fed"].get(day.name, {"digests": {}, "tables": {}})
    changed = {table for table, _ in entry["digests"].items() ^ digests.items()}
    tables = ", ".join(sorted(late | changed))
    if tables:
        raise HistoryError(
            f"day {day.name} is closed with other rows in {tables}; nothing was changed: "
            "send a correction as a new row recorded on a later day"
        )
    return Fed(UNCHANGED, day.folder, summary["complete_to"], entry["tables"], _refused_at(day))


def _refused_at(day: Day) -> Path | None:
    place = day.folder / "refused" / day.name
    if place.is_dir():
        return place
    return None


def _counts(staged: list[Staged], late: dict[str, pl.DataFrame]) -> dict[str, dict[str, Any]]:
    counts: dict[str, dict[str, Any]] = {}
    for table in staged:
        counts[table.table] = counts_of(table.accepted, _refused(table, late))
    return counts


def _refused(table: Staged, late: dict[str, pl.DataFrame]) -> pl.DataFrame:
    if table.table not in late:
        return table.refused
    return with_refusals(table.refused, late[table.table])


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
    none: dict[str, Any] = {"accepted": 0, "refused": 0, "reasons": []}
    tables = dict(summary["tables"])
    for name, more in entry["tables"].items():
        if name in tables or more["accepted"]:
            tables[name] = _summed(tables.get(name, none), more)
    source = day.source.declaration.model_dump(mode="json") | {"complete_to": day.name}
    counts = dict(summary["joins"])
    for name, rows in joins.items():
        counts[name] = counts.get(name, 0) + rows
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
    reasons = pl.DataFrame([*old["reasons"], *new["reasons"]], schema=kinds)
    rows = pl.col("rows").sum()
    first = pl.col("table", "first").first()
    merged = reasons.group_by("reason", maintain_order=True).agg(rows, first)
    merged = merged.sort("rows", descending=True, maintain_order=True)
    # Only of a dump are the first rows those of a raw table, which is named then.
    if merged["table"].is_null().all():
        merged = merged.drop("table")
    return {
        "accepted": old["accepted"] + new["accepted"],
        "refused": old["refused"] + new["refused"],
        "reasons": merged.to_dicts(),
    }


def _commit(day: Day, summary: dict[str, Any], marks: Marks) -> None:
    """Put a day's files in their places, then let the summary name them: that one step makes the day count."""
    # The marks are of the source's own files, not of a folder of the day's rows.
    if day.delivery.tables == day.source.tables:
        summary["marks"] = marks
    seal_rows(day.work / "part", day.work / "tails")
    for name, parent in (("part", "days"), ("tails", "tails"), ("refused", "refused")):
        finished = day.work / name
        place = day.folder / parent
        if finished.is_dir():
            place.mkdir(exist_ok=True)
            with write_points(f"the {name} of a day is in place"):
                # what stands there is of a run that was stopped before the summary named its day
                shutil.rmtree(place / day.name, ignore_errors=True)
                finished.rename(place / day.name)
    new = named_files(day.folder, (day.folder / "days" / day.name, day.folder / "tails" / day.name))
    write_summary(day.folder, summary | {FILES: summary[FILES] | new})
