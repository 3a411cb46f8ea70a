"""Sheets: the lists that rules of the policy give, as plain values, as lines for a terminal, or as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.calendar import date_of
from features.files import replaced
from features.matches.write import writer_for
from models.policy.policy import Policy

Row = dict[str, Any]
SHOWN = 10
"""Rows that a terminal shows of a list; a choice: the rest is counted and stands in the JSON and in the file."""
AT_ONCE = 1 << 16
"""Rows that are turned into columns at one time, so that a whole city needs little memory beside its rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A list under a rule set: what it rests on, its rows under the word `called`, and its lines for a terminal.

    `columns` are the types of a row's values in a file; `facts`, rows of tables, become one text there.
    """

    heading: Row
    called: str
    rows: Sequence[Row]
    columns: Mapping[str, pa.DataType]
    lines: Sequence[str]


def rule_heading(source: str, policy: Policy, as_of: int) -> Row:
    """Return what every sheet begins with: source, day, rule set, and the digest of the rule set."""
    return {
        "source": source,
        "as_of": str(date_of(as_of)),
        "rule": policy.rule,
        "rule_digest": policy.digest,
        "rule_zh": policy.zh,
        "rule_en": policy.en,
    }


def facts_as_json(table: str, row_ids: Sequence[str]) -> list[Row]:
    """Return rows of a table as facts."""
    return [{"table": table, "row_id": row_id} for row_id in row_ids]


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Return rows in the order of the enterprises' numbers: codes follow the days on which numbers came up."""
    return sorted(rows, key=itemgetter("enterprise"))


def facts_text(facts: Sequence[Row]) -> str:
    """Return facts as one text: table:row_id, separated by blanks."""
    return " ".join(f"{fact['table']}:{fact['row_id']}" for fact in facts)


def sheet_as_json(sheet: Sheet) -> Row:
    """Return a sheet as plain values."""
    return sheet.heading | {sheet.called: list(sheet.rows)}


def write_sheet(sheet: Sheet, path: Path) -> int:
    """Write a sheet's rows to a .parquet or .csv file, each with day, rule set and digest, and return how many there are."""
    common = {name: sheet.heading[name] for name in ("as_of", "rule", "rule_digest")}
    types = dict(sheet.columns) | dict.fromkeys(common, pa.string())
    schema = pa.schema(types)
    writer_of_form = writer_for(path)
    with replaced(path) as unfinished, writer_of_form(unfinished, schema) as writer:
        for start in range(0, len(sheet.rows), AT_ONCE):
            part = sheet.rows[start : start + AT_ONCE]
            flat_rows = [row | common | {"facts": facts_text(row["facts"])} for row in part]
            writer.write_table(pa.Table.from_pylist(flat_rows, schema))
    return len(sheet.rows)


def rule_line(title: str, heading: Row) -> str:
    """Return the first line of a sheet for a terminal."""
    rule, digest = heading["rule"], heading["rule_digest"]
    return f"{title}  规则 rule {rule} ({digest[:12]})  截至 as of {heading['as_of']}"


def shown_lines(lines: Sequence[str]) -> list[str]:
    """Return the first lines of a list, and how many more there are."""
    more = len(lines) - SHOWN
    if more <= 0:
        return list(lines)
    return [*lines[:SHOWN], f"另有 and {more:,} more: --json, --out FILE"]
