"""The layout of a store on disk: one base, the days fed since, and the tails of its dictionaries."""

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


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a store's rows lie: `base`, then `parts` in the order of their days; `tails` name dictionaries that grew."""

    folder: Path
    base: Path
    parts: tuple[Path, ...]
    tails: tuple[Path, ...]

    def files(self, table: str) -> list[Path]:
        """Return the files of a table's signed rows, the base first."""
        places = (self.base, *self.parts)
        return _existing(place / f"{table}.parquet" for place in places)

    def absorbed(self, table: str) -> list[Path]:
        """Return the files of a table's rows that left no signed row: superseded on their own day, or taking a key back."""
        places = (self.base, *self.parts)
        return _existing(place / "absorbed" / f"{table}.parquet" for place in places)

    def refused(self, table: str) -> list[Path]:
        """Return the files of a table's refused rows."""
        refused = self.folder / "refused"
        places = [refused, *(refused / tail.name for tail in self.tails)]
        return _existing(place / f"{table}.csv" for place in places)

    def dictionaries(self, space: str) -> list[Path]:
        """Return the files of a name space, each sorted by text, in the order of their codes."""
        places = (self.folder / "dictionaries", *self.tails)
        return _existing(place / f"{space}.parquet" for place in places)

    def until(self, day: int) -> Layout:
        """Return the layout with the dictionaries of all that was known on a day: the first load's, then those of each feed.

        A feed that closes several days at once told of each of them, so the one that closed a day counts for it.
        """
        for place, tail in enumerate(self.tails):
            # The tail of a day that is being written is called `tails` and has no day yet.
            if tail.name != "tails" and day_of(tail.name) >= day:
                return replace(self, tails=self.tails[: place + 1])
        return self

    def with_part(self, part: Path) -> Layout:
        """Return the layout with one more part, whose new identifiers lie in `tails` beside it."""
        parts = (*self.parts, part)
        tails = (*self.tails, part.with_name("tails"))
        return replace(self, parts=parts, tails=tails)


def _existing(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.exists()]


def layout_of(folder: Path, summary: Mapping[str, Any]) -> Layout:
    """Return the layout that a store's summary names; anything else in its folder counts for nothing."""
    # A store that was never fed names neither a base nor days.
    base = folder / summary.get("base", "base")
    parts = folder / "days"
    tails = folder / "tails"
    return Layout(
        folder=folder,
        base=base,
        parts=tuple(parts / day for day in summary.get("days", [])),
        tails=tuple(tails / day for day in summary.get("fed", {})),
    )


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
