"""The layout of a store on disk: its segments, the first load's and those of the days fed since, and its dictionaries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from features.calendar import day_of
from features.connection import named
from features.errors import HistoryError
from features.files import write_durable_text
from features.ingest.scan import parquet_sql

MARK = "millionths"
"""The key in a store's summary, and the file in an older store, that says that its probabilities are whole millionths."""

DICTIONARIES = "dictionaries"
"""The folder of the identifiers of segment number 0."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a store's rows lie: in `segments`, number 0 first, then in the order of their days; dictionaries lie in `tails`."""

    folder: Path
    segments: tuple[Path, ...]
    tails: tuple[Path, ...]

    def files(self, table: str) -> list[Path]:
        """Return the files of a table's signed rows, in the order of their segments."""
        return _existing(segment / f"{table}.parquet" for segment in self.segments)

    def absorbed(self, table: str) -> list[Path]:
        """Return the files of a table's rows that left no signed row: superseded on their own day, or taking a key back."""
        return _existing(segment / "absorbed" / f"{table}.parquet" for segment in self.segments)

    def refused(self, table: str) -> list[Path]:
        """Return the files of a table's refused rows."""
        refused = self.folder / "refused"
        places = [refused, *(refused / tail.name for tail in self.tails[1:])]
        return _existing(place / f"{table}.csv" for place in places)

    def dictionaries(self, space: str) -> list[Path]:
        """Return the files of a name space, each sorted by text, in the order of their codes."""
        return _existing(tail / f"{space}.parquet" for tail in self.tails)

    def until(self, day: int) -> Layout:
        """Return the layout with the dictionaries of all that was known on a day: the first load's, then those of each feed.

        A feed that closes several days at once told of each of them, so the one that closed a day counts for it.
        """
        for number, tail in enumerate(self.tails):
            # The tail of a segment that is being written is called `tails`, and that of the first load `dictionaries`.
            has_day = tail.name not in ("tails", DICTIONARIES)
            if has_day and day_of(tail.name) >= day:
                return replace(self, tails=self.tails[: number + 1])
        return self

    def with_segment(self, segment: Path) -> Layout:
        """Return the layout with one more segment, whose new identifiers lie in `tails` beside it."""
        segments = (*self.segments, segment)
        tails = (*self.tails, segment.with_name("tails"))
        return replace(self, segments=segments, tails=tails)


def _existing(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.exists()]


def first_layout(folder: Path) -> Layout:
    """Return the layout of a store that holds nothing yet."""
    return Layout(folder=folder, segments=(), tails=())


def layout_of(folder: Path, summary: Mapping[str, Any]) -> Layout:
    """Return the layout that a store's summary names; anything else in its folder counts for nothing."""
    # A store that was never fed names neither a base nor days.
    segments = [folder / summary.get("base", "base")]
    segments += [folder / "days" / day for day in summary.get("days", [])]
    tails = [folder / DICTIONARIES]
    tails += [folder / "tails" / day for day in summary.get("fed", {})]
    return Layout(folder=folder, segments=tuple(segments), tails=tuple(tails))


def summary_at(folder: Path) -> dict[str, Any]:
    """Return the summary of the store in a folder; HistoryError if there is none."""
    path = folder / "store.json"
    try:
        summary: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, json.JSONDecodeError):
        raise HistoryError(f"{folder} holds no store; load its source with `lssi check`") from None
    return summary


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write a store's summary, whole or not at all: the one step by which a load or a day counts."""
    text = json.dumps(summary, ensure_ascii=False, indent=1, allow_nan=False)
    write_durable_text(folder / "store.json", f"{text}\n")


def rows_sql(files: list[Path]) -> str:
    """Return the rows of some Parquet files as one relation in SQL."""
    return parquet_sql(files, "union_by_name=true")


def no_rows_sql(types: Mapping[str, str]) -> str:
    """Return the SELECT of columns of some SQL types without a row."""
    columns: list[str] = []
    for name, sql_type in types.items():
        columns.append(f"CAST(NULL AS {sql_type}) AS {named(name)}")
    picked = ", ".join(columns)
    return f"SELECT {picked} WHERE false"
