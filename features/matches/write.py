"""Writes matches as a Parquet or CSV file, or tells them in lines; everywhere with the words that a match is no verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
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
from features.matches.find import SUBJECTS, Match, available, match_as_json, uncounted
from features.store.store import Store

NOTE = {
    "zh": "比对线索是待核实的事实，不是结论，也不计入任何评分。",
    "en": "A match is a fact to verify: no verdict, and part of no score.",
}
AT_ONCE = 1 << 14
SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        *((space, pa.string()) for space in SUBJECTS),
        ("first", pa.date32()),
        ("last", pa.date32()),
        ("known", pa.date32()),
        ("unit", pa.string()),
        ("measured", pa.int64()),
        ("expected", pa.int64()),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("rows", pa.string()),
        ("n_rows", pa.int64()),
        ("verify_zh", pa.string()),
        ("verify_en", pa.string()),
    ]
)


def write_matches(found: Iterable[Match], path: Path) -> int:
    """Write matches to a .parquet or .csv file and return how many there are; RequestError for another ending.

    `rows` is text: table:row_id, separated by blanks.
    """
    writers = {".parquet": pq.ParquetWriter, ".csv": pyarrow.csv.CSVWriter}
    if path.suffix not in writers:
        raise RequestError(f"--out should end in .parquet or .csv; got {path.name!r}")
    count, left = 0, iter(found)
    with replaced(path) as unfinished, writers[path.suffix](unfinished, SCHEMA) as writer:
        while part := list(islice(left, AT_ONCE)):
            writer.write_table(pa.Table.from_pylist([flat(match) for match in part], SCHEMA))
            count += len(part)
    return count


def flat(match: Match) -> dict[str, Any]:
    """Return a match as one row of the file."""
    kind = match_kind(match.kind)
    days = {
        "first": date_of(match.first),
        "last": date_of(match.last),
        "known": date_of(match.known),
    }
    return (
        {space: match.subjects.get(space) for space in SUBJECTS}
        | match_as_json(match)
        | days
        | {
            "rows": " ".join(f"{table}:{row_id}" for table, row_id in match.rows),
            "verify_zh": kind.verify_zh,
            "verify_en": kind.verify_en,
        }
    )


def matches_as_json(store: Store, found: Iterable[Match]) -> dict[str, Any]:
    """Return matches as plain values, with how many there are of each kind and the kinds whose tables are absent.

    `uncounted` names the tables that a kind would count and the source lacks.
    """
    listed = [match_as_json(match) for match in found]
    return {
        "note": NOTE,
        "counts": dict(Counter(match["kind"] for match in listed)),
        "left_out": available(store)[1],
        "uncounted": uncounted(store),
        "matches": listed,
    }


def match_lines(store: Store, found: Iterable[Match]) -> Iterator[str]:
    """Yield a line for each match (whom, days, both sentences, rows), then how many of each kind, and what was left out."""
    counts: Counter[str] = Counter()
    for match in found:
        said = match_as_json(match)
        who = " ".join(f"{space} {text}" for space, text in match.subjects.items())
        rows = " ".join(f"{table}:{row_id}" for table, row_id in match.rows)
        yield f"{match.kind} | {who} | {said['first']} – {said['last']} | {said['zh']} | {said['en']} | {rows}"
        counts[match.kind] += 1
    yield from (f"{name}: {count}" for name, count in counts.items())
    yield from (
        f"{name}: 缺表 absent tables: {tables}" for name, tables in available(store)[1].items()
    )
    yield from (
        f"{name}: 缺表，未计入 not counted, absent: {tables}"
        for name, tables in uncounted(store).items()
    )
    yield f"{NOTE['zh']} {NOTE['en']}"
