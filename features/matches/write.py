"""Writes matches as a Parquet or CSV file, or tells them in lines; everywhere with the words that a match is no verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from features.calendar import date_of
from features.errors import RequestError
from features.files import replaced
from features.matches.declared import match_kind
from features.matches.find import AT_ONCE, SUBJECTS, Match, available, match_as_json, uncounted
from features.store.store import Store

NOTE = {
    "zh": "比对线索是待核实的事实，不是结论，也不计入任何评分。",
    "en": "A match is a fact to verify: no verdict, and part of no score.",
}
_TYPES = {
    "kind": pa.string(),
    **dict.fromkeys(SUBJECTS, pa.string()),
    "first": pa.date32(),
    "last": pa.date32(),
    "known": pa.date32(),
    "unit": pa.string(),
    "measured": pa.int64(),
    "expected": pa.int64(),
    "zh": pa.string(),
    "en": pa.string(),
    "rows": pa.string(),
    "n_rows": pa.int64(),
    "verify_zh": pa.string(),
    "verify_en": pa.string(),
}
SCHEMA = pa.schema(_TYPES)


def write_matches(found: Iterable[Match], path: Path) -> int:
    """Write matches to a .parquet or .csv file and return how many there are; RequestError for another ending.

    `rows` is text: table:row_id, separated by blanks.
    """
    writer_of_form = writer_for(path)
    count = 0
    remaining = iter(found)
    with replaced(path) as unfinished, writer_of_form(unfinished, SCHEMA) as writer:
        while part := list(islice(remaining, AT_ONCE)):
            rows = [flat(match) for match in part]
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
            count += len(part)
    return count


def writer_for(path: Path) -> Callable[..., Any]:
    """Return what writes tables to a .parquet or .csv file; RequestError for another ending."""
    writers: dict[str, Callable[..., Any]] = {
        ".parquet": pq.ParquetWriter,
        ".csv": pyarrow.csv.CSVWriter,
    }
    if path.suffix not in writers:
        raise RequestError(f"--out should end in .parquet or .csv; got {path.name!r}")
    return writers[path.suffix]


def flat(match: Match) -> dict[str, Any]:
    """Return a match as one row of the file."""
    kind = match_kind(match.kind)
    subjects = {space: match.subjects.get(space) for space in SUBJECTS}
    as_in_file = {
        "first": date_of(match.first),
        "last": date_of(match.last),
        "known": date_of(match.known),
        "rows": _rows_text(match),
        "verify_zh": kind.verify_zh,
        "verify_en": kind.verify_en,
    }
    return subjects | match_as_json(match) | as_in_file


def _rows_text(match: Match) -> str:
    return " ".join(f"{table}:{row_id}" for table, row_id in match.rows)


def matches_as_json(store: Store, found: Iterable[Match]) -> dict[str, Any]:
    """Return matches as plain values, with how many there are of each kind and the kinds whose tables are absent.

    `uncounted` names the tables that a kind would count and the source lacks.
    """
    listed = [match_as_json(match) for match in found]
    counts = Counter(match["kind"] for match in listed)
    _, left_out = available(store)
    return {
        "note": NOTE,
        "counts": dict(counts),
        "left_out": left_out,
        "uncounted": uncounted(store),
        "matches": listed,
    }


def match_lines(store: Store, found: Iterable[Match]) -> Iterator[str]:
    """Yield a line for each match (whom, days, both sentences, rows), then how many of each kind, and what was left out."""
    counts: Counter[str] = Counter()
    for match in found:
        yield _line(match)
        counts[match.kind] += 1
    for name, count in counts.items():
        yield f"{name}: {count}"
    _, left_out = available(store)
    for name, tables in left_out.items():
        yield f"{name}: 缺表 absent tables: {tables}"
    for name, tables in uncounted(store).items():
        yield f"{name}: 缺表，未计入 not counted, absent: {tables}"
    yield f"{NOTE['zh']} {NOTE['en']}"


def _line(match: Match) -> str:
    """Return a match in one line: its kind, whom it concerns, its days, both sentences, its rows."""
    values = match_as_json(match)
    who = " ".join(f"{space} {text}" for space, text in match.subjects.items())
    days = f"{values['first']} – {values['last']}"
    return " | ".join([match.kind, who, days, values["zh"], values["en"], _rows_text(match)])
