"""The layout of a store on disk: one base, the days fed since, and the tails of its dictionaries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from features.calendar import day_of
from features.errors import HistoryError
from features.files import write_durable_text
from features.ingest.scan import parquet_sql


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a store's rows lie: `base`, then `parts` in the order of their days; `tails` name dictionaries that grew."""

    folder: Path
    base: Path
    parts: tuple[Path, ...]
    tails: tuple[Path, ...]

    def files(self, table: str) -> list[Path]:
        """Return the files of a table's signed rows, the base first."""
        return [
            path
            for place in (self.base, *self.parts)
            if (path := place / f"{table}.parquet").exists()
        ]

    def absorbed(self, table: str) -> list[Path]:
        """Return the files of a table's rows that left no signed row: superseded on their own day, or taking a key back."""
        return [
            path
            for place in (self.base, *self.parts)
            if (path := place / "absorbed" / f"{table}.parquet").exists()
        ]

    def refused(self, table: str) -> list[Path]:
        """Return the files of a table's refused rows."""
        places = (
            self.folder / "refused",
            *(self.folder / "refused" / tail.name for tail in self.tails),
        )
        return [path for place in places if (path := place / f"{table}.csv").exists()]

    def dictionaries(self, space: str) -> list[Path]:
        """Return the files of a name space, each sorted by text, in the order of their codes."""
        places = (self.folder / "dictionaries", *self.tails)
        return [path for place in places if (path := place / f"{space}.parquet").exists()]

    def until(self, day: int) -> Layout:
        """Return the layout with the dictionaries of all that was known on a day: the first load's, then those of each feed.

        A feed that closes several days at once told of each of them, so the one that closed a day counts for it.
        """
        later = [
            place
            for place, tail in enumerate(self.tails)
            if tail.name != "tails" and day_of(tail.name) >= day
        ]
        return replace(self, tails=self.tails[: later[0] + 1] if later else self.tails)

    def with_part(self, part: Path) -> Layout:
        """Return the layout with one more part, whose new identifiers lie in `tails` beside it."""
        return replace(
            self, parts=(*self.parts, part), tails=(*self.tails, part.with_name("tails"))
        )


def layout_of(folder: Path, summary: Mapping[str, Any]) -> Layout:
    """Return the layout that a store's summary names; anything else in its folder counts for nothing."""
    days = folder / "days"
    tails = tuple(folder / "tails" / day for day in summary.get("fed", {}))
    return Layout(
        folder,
        folder / summary.get("base", "base"),
        tuple(days / day for day in summary.get("days", [])),
        tails,
    )


def summary_at(folder: Path) -> dict[str, Any]:
    """Return the summary of the store in a folder; HistoryError if there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "store.json").read_text("utf-8"))
    except (OSError, json.JSONDecodeError):
        raise HistoryError(f"{folder} holds no store; load its source with `lssi check`") from None
    return found


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write a store's summary, whole or not at all: the one step by which a load or a day counts."""
    write_durable_text(
        folder / "store.json",
        json.dumps(summary, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
    )


def rows_sql(files: list[Path]) -> str:
    """Return the rows of some Parquet files as one relation in SQL."""
    return parquet_sql(files, "union_by_name=true")
