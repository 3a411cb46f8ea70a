"""The layout of a store on disk: its segments, the first load's and those of the days fed since, and its dictionaries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from features.calendar import day_of
from features.connection import named
from features.errors import HistoryError
from features.files import UNFINISHED, write_durable_text
from features.ingest.scan import files_below, parquet_sql
from features.seal import SUFFIX, check_whole, seal_digest, seal_file, seal_path

MARK = "millionths"
"""The key in a store's summary, and the file in an older store, that says that its probabilities are whole millionths."""

FILES = "files"
"""The key of a summary under which stand the files of rows and identifiers that count, each with what names its content."""
DIGEST = "sha256"
"""The key of a summary's own digest."""

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


def check_files(layout: Layout) -> None:
    """Raise HistoryError unless all rows and identifiers of a store are what was written."""
    for folder in (*layout.segments, *layout.tails):
        for path in files_below(folder, "*.parquet"):
            check_whole(path)


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
    """Return the summary of the store in a folder; HistoryError if there is none, or if it is not what was written."""
    return _read_summary(folder)[0]


def sealed_summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a store whose files are sealed; those of an earlier version are sealed now, as they are found."""
    summary, has_digest = _read_summary(folder)
    if not has_digest:
        for path in files_below(folder):
            if _is_unsealed(path, folder):
                seal_file(path)
        layout = layout_of(folder, summary)
        summary |= {FILES: named_files(folder, (*layout.segments, *layout.tails))}
        write_summary(folder, summary)
    return summary


def summary_until(summary: Mapping[str, Any], day: str) -> dict[str, Any]:
    """Return a summary as it looked when a day was closed; HistoryError where the store does not reach it.

    What became known later stays in the files, and nothing that is asked as of the day sees it.
    """
    if day > summary["complete_to"]:
        raise HistoryError(
            f"the store of {summary['name']!r} is complete to {summary['complete_to']}, before {day}, which is served;"
            " restore it from a copy, or load the day again"
        )
    return {**summary, "complete_to": day, "source": {**summary["source"], "complete_to": day}}


def seal_rows(*places: Path) -> None:
    """Seal all files of rows and identifiers in some folders that are finished."""
    for place in places:
        for path in files_below(place, "*.parquet"):
            seal_file(path)


def named_files(folder: Path, places: Iterable[Path]) -> dict[str, str]:
    """Return what names the content of each file of rows and identifiers in some folders of a store, by its path in the store."""
    paths = [path for place in places for path in files_below(place, "*.parquet")]
    # a copy that is sorted by another column is made again where it is missing
    originals = [path for path in paths if ".by_" not in path.name]
    return {path.relative_to(folder).as_posix(): seal_digest(path) for path in originals}


def _is_unsealed(path: Path, folder: Path) -> bool:
    """Tell whether an earlier version wrote a file of values, which today is sealed."""
    parts = path.relative_to(folder).parts
    # what another run is writing it seals itself, and nothing is computed from refused rows
    if parts[0] == "refused" or any(map(UNFINISHED.fullmatch, parts)):
        return False
    return (
        path.name not in ("store.json", MARK)
        and path.suffix != SUFFIX
        and not seal_path(path).exists()
    )


def _read_summary(folder: Path) -> tuple[dict[str, Any], bool]:
    """Return a summary without its digest, and whether it had one: earlier versions wrote none."""
    path = folder / "store.json"
    try:
        summary: dict[str, Any] = dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        raise HistoryError(f"{folder} holds no store; load its source with `lssi check`") from None
    digest = summary.pop(DIGEST, None)
    if digest not in (None, _digest_of(summary)):
        raise HistoryError(
            f"{path} is not what was written there; restore it from a copy, or remove {folder.name} and load the source again"
        )
    for name, content in summary.get(FILES, {}).items():
        if seal_digest(folder / name) != content:
            raise HistoryError(
                f"{folder / name} is not what was written there; restore it from a copy"
            )
    return summary, digest is not None


def _digest_of(summary: Mapping[str, Any]) -> str:
    return sha256(_plain(summary).encode()).hexdigest()


def _plain(summary: Mapping[str, Any]) -> str:
    return json.dumps(summary, ensure_ascii=False, indent=1, allow_nan=False)


def summary_text(summary: Mapping[str, Any]) -> str:
    """Return the text of a summary, with the digest of all else that it says."""
    return _plain({**summary, DIGEST: _digest_of(summary)}) + "\n"


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write a store's summary, whole or not at all: the one step by which a load or a day counts."""
    write_durable_text(folder / "store.json", summary_text(summary))


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
