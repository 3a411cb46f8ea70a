"""Finds matches: every kind that a source's tables allow, as of a day, each naming its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from features.calendar import date_of
from features.engine.population import check_day
from features.matches.declared import Kind, kinds, match_kind
from features.matches.rule import count_sql, match_sql, month_table
from features.store.store import Store

SUBJECTS = ("enterprise", "worker", "provider", "claim")
NUMBERS = ("first_day", "last_day", "known", "measured", "expected", "n_rows")
AT_ONCE = 1 << 14
"""Matches that stand in memory as Python values at one time."""


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
    complete: list[Kind] = []
    lacking: dict[str, str] = {}
    for kind in kinds().values():
        absent_tables = [table for table in kind.needed if not store.has(table)]
        if absent_tables:
            lacking[kind.name] = ", ".join(absent_tables)
        else:
            complete.append(kind)
    return complete, lacking


def uncounted(store: Store) -> dict[str, str]:
    """Return the kinds that run without a table they would count, by name, with those tables."""
    complete, _ = available(store)
    lacking: dict[str, str] = {}
    for kind in complete:
        absent_tables = [table for table in kind.tables if not store.has(table)]
        if absent_tables:
            lacking[kind.name] = ", ".join(absent_tables)
    return lacking


def matches(store: Store, as_of: int, name: str | None = None) -> Iterator[Match]:
    """Yield the matches of a day, kind by kind, in an order that does not change.

    Raises HistoryError when the day is not closed or a named kind's table is absent, RequestError for an unknown kind.
    """
    check_day(store, as_of)
    if name is None:
        complete, _ = available(store)
    else:
        complete = [match_kind(name)]
    for kind in complete:
        yield from matches_of(store, kind, as_of)


def matches_of(store: Store, kind: Kind, as_of: int) -> Iterator[Match]:
    """Yield the matches of one kind as of a day."""
    # asked for the error alone that it raises where a table is absent
    for table in kind.needed:
        store.size(table)
    discrepancies = store.sql(match_sql(store, kind, as_of), months=month_table(as_of))
    for batch in discrepancies.to_batches(AT_ONCE):
        columns: dict[str, list[Any]] = batch.to_pydict()
        subjects = {space: identifiers_of(store, space, columns[space]) for space in SUBJECTS}
        for place in range(batch.num_rows):
            numbers = {name: int(columns[name][place]) for name in NUMBERS}
            rows = [(row["table"], row["row_id"]) for row in columns["rows"][place]]
            yield Match(
                kind=kind.name,
                subjects={space: ids[place] for space, ids in subjects.items() if ids[place]},
                first=numbers["first_day"],
                last=numbers["last_day"],
                known=numbers["known"],
                measured=numbers["measured"],
                expected=numbers["expected"],
                rows=tuple(rows),
                n_rows=numbers["n_rows"],
            )


def match_counts(store: Store, subject: str, as_of: int) -> dict[str, int]:
    """Return how many matches of a day name each enterprise, worker, provider or claim; those of none are left out.

    Raises HistoryError when the day is not closed.
    """
    check_day(store, as_of)
    complete, _ = available(store)
    counts: Counter[str] = Counter()
    for kind in complete:
        query = count_sql(store, kind, as_of, subject)
        columns = store.sql(query, months=month_table(as_of)).to_pydict()
        units = identifiers_of(store, subject, columns["subject"])
        counts.update(dict(zip(units, columns["n"], strict=True)))
    return dict(counts)


def identifiers_of(store: Store, space: str, codes: list[int | None]) -> list[str]:
    """Return the identifiers of codes, empty where there is none."""
    texts = store.dictionary(space).texts
    return ["" if code is None else texts[code].as_py() for code in codes]


def match_as_json(match: Match) -> dict[str, Any]:
    """Return a match as plain values with its sentences in both languages and what to verify on site."""
    kind = match_kind(match.kind)
    return {
        "kind": match.kind,
        **match.subjects,
        "first": date_of(match.first).isoformat(),
        "last": date_of(match.last).isoformat(),
        "known": date_of(match.known).isoformat(),
        "unit": kind.unit,
        "measured": match.measured,
        "expected": match.expected,
        "zh": _sentence(match, kind.zh, kind.unit, "zh"),
        "en": _sentence(match, kind.en, kind.unit, "en"),
        "n_rows": match.n_rows,
        "rows": [{"table": table, "row_id": row_id} for table, row_id in match.rows],
        "verify": {"zh": kind.verify_zh, "en": kind.verify_en},
    }


def _sentence(match: Match, text: str, unit: str, language: str) -> str:
    """Return the sentence of a match's kind with the two numbers of the match put in."""
    return text.format(
        measured=amount(match.measured, unit, language),
        expected=amount(match.expected, unit, language),
    )


def amount(value: int, unit: str, language: str) -> str:
    """Return a number as it is said: fen as yuan.

    >>> amount(123456, "fen", "zh"), amount(7, "days", "en")
    ('1,234.56元', '7')
    """
    if unit != "fen":
        return f"{value:,}"
    yuan = f"{value / 100:,.2f}"
    return f"{yuan}元" if language == "zh" else f"CNY {yuan}"
