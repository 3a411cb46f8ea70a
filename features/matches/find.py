"""Finds matches: every kind that a source's tables allow, as of a day, each naming its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from features.calendar import date_of
from features.engine.population import check_day
from features.matches.declared import Kind, kinds, match_kind
from features.matches.rule import match_sql, month_table
from features.store.store import Store

SUBJECTS = ("enterprise", "worker", "provider", "claim")
NUMBERS = ("first_day", "last_day", "known", "measured", "expected", "n_rows")


@dataclass(frozen=True, slots=True)
class Match:
    """A discrepancy between databases: whom it concerns, the days it spans, its two numbers and the rows that disagree.

    `known` is the day on which the last of its rows became known; `rows` are (table, row id), at most 20 of a table.
    """

    kind: str
    subjects: dict[str, str]
    first: int
    last: int
    known: int
    measured: int
    expected: int
    rows: tuple[tuple[str, str], ...]
    n_rows: int


def available(store: Store) -> tuple[list[Kind], dict[str, str]]:
    """Return the kinds whose tables the store holds, and by name those left out with the tables they lack."""
    lacking = {
        kind.name: ", ".join(table for table in kind.needed if not store.has(table))
        for kind in kinds().values()
    }
    return (
        [kind for kind in kinds().values() if not lacking[kind.name]],
        {name: tables for name, tables in lacking.items() if tables},
    )


def uncounted(store: Store) -> dict[str, str]:
    """Return the kinds that run without a table they would count, by name, with those tables."""
    lacking = {
        kind.name: [table for table in kind.tables if not store.has(table)]
        for kind in available(store)[0]
    }
    return {name: ", ".join(tables) for name, tables in lacking.items() if tables}


def matches(store: Store, as_of: int, name: str | None = None) -> Iterator[Match]:
    """Yield the matches of a day, kind by kind, in an order that does not change.

    Raises HistoryError when the day is not closed or a named kind's table is absent, RequestError for an unknown kind.
    """
    check_day(store, as_of)
    for kind in [match_kind(name)] if name is not None else available(store)[0]:
        yield from matches_of(store, kind, as_of)


def matches_of(store: Store, kind: Kind, as_of: int) -> Iterator[Match]:
    """Yield the matches of one kind as of a day."""
    for table in kind.needed:
        store.size(table)
    found = store.sql(match_sql(store, kind, as_of), months=month_table(as_of))
    for batch in found.to_batches(1 << 14):
        columns: dict[str, list[Any]] = batch.to_pydict()
        subjects = {space: identifiers_of(store, space, columns[space]) for space in SUBJECTS}
        for place in range(batch.num_rows):
            who = {space: texts[place] for space, texts in subjects.items() if texts[place]}
            number = {name: int(columns[name][place]) for name in NUMBERS}
            rows = tuple((row["table"], row["row_id"]) for row in columns["rows"][place])
            yield Match(
                kind.name,
                who,
                number["first_day"],
                number["last_day"],
                number["known"],
                number["measured"],
                number["expected"],
                rows,
                number["n_rows"],
            )


def identifiers_of(store: Store, space: str, codes: list[int | None]) -> list[str]:
    """Return the identifiers of codes, empty where there is none."""
    texts = store.dictionary(space).texts
    return ["" if code is None else texts[code].as_py() for code in codes]


def match_as_json(match: Match) -> dict[str, Any]:
    """Return a match as plain values with its sentences in both languages and what to verify on site."""
    kind = match_kind(match.kind)
    zh, en = (
        text.format(
            measured=amount(match.measured, kind.unit, spoken),
            expected=amount(match.expected, kind.unit, spoken),
        )
        for text, spoken in ((kind.zh, "zh"), (kind.en, "en"))
    )
    return {
        "kind": match.kind,
        **match.subjects,
        "first": date_of(match.first).isoformat(),
        "last": date_of(match.last).isoformat(),
        "known": date_of(match.known).isoformat(),
        "unit": kind.unit,
        "measured": match.measured,
        "expected": match.expected,
        "zh": zh,
        "en": en,
        "n_rows": match.n_rows,
        "rows": [{"table": table, "row_id": row_id} for table, row_id in match.rows],
        "verify": {"zh": kind.verify_zh, "en": kind.verify_en},
    }


def amount(value: int, unit: str, language: str) -> str:
    """Return a number as it is said: fen as yuan.

    >>> amount(123456, "fen", "zh"), amount(7, "days", "en")
    ('1,234.56元', '7')
    """
    if unit != "fen":
        return f"{value:,}"
    return f"{value / 100:,.2f}元" if language == "zh" else f"CNY {value / 100:,.2f}"
