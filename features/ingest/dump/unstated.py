"""Values in forms that nobody stated: their rows are refused, and a check prints the line that would state each form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from features.connection import Connection, named, quoted
from features.ingest.dump.columns import SETTINGS, book_of
from features.ingest.dump.forms import FORMS, ValueForm
from features.ingest.source_toml import SourceDeclaration

WANTED = " should be "
"""What stands in the reason of a row of which a value could not be read."""

Counts = dict[str, int]
"""By the words that state a form, how many values of a column fit it."""


def unread_tables(counts: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the raw tables of a dump that hold values which could not be read.

    `counts` are those of a store's summary, by table of the contract.
    """
    tables: set[str] = set()
    for count in counts.values():
        for refusal in count["reasons"]:
            if WANTED in refusal["reason"] and "table" in refusal:
                tables.add(refusal["table"])
    return tables


def unstated_in(
    connection: Connection, declared: SourceDeclaration, folder: Path, tables: Collection[str]
) -> Iterator[str]:
    """Yield what to write into dump.toml so that odd values of some raw tables are read, each with their number.

    `connection` knows the raw tables; each of `tables` is read once, and the log that tells their days.
    The source lies in `folder`.
    """
    if declared.dump is None or not tables:
        return
    book = book_of(folder, declared.dump)
    log = declared.dump.log
    # The log says when rows of other tables became known, so its own days are always looked at.
    to_read = {*tables, log.table} if log else set(tables)
    for table in declared.dump.tables:
        if table not in to_read:
            continue
        stated = declared.form.get(table, {})
        columns = book[table].items()
        kinds = {column: called.kind for column, called in columns if column not in stated}
        yield from _lines(table, _counted(connection, table, kinds))


def _forms_of(kind: str) -> dict[str, ValueForm]:
    """Return the forms of a kind of column which are read only where they are stated."""
    odd_forms = {name: form for name, form in FORMS.items() if form.odd}
    return {name: form for name, form in odd_forms.items() if kind in form.kinds}


def _counted(connection: Connection, table: str, kinds: Mapping[str, str]) -> dict[str, Counts]:
    """Return by column how many values of a raw table fit each form that nobody stated."""
    pairs: list[tuple[str, str]] = []
    counts: list[str] = []
    for column, kind in kinds.items():
        for name, form in _forms_of(kind).items():
            pairs.append((column, name))
            counts.append(f"count(*) FILTER ({_fits_sql(named(column), form)})")
    if not pairs:
        return {}
    # One query counts every form of every column, so that a table is read once.
    raw_table = named(f"raw {table}")
    query = f"SELECT {', '.join(counts)} FROM {raw_table}"
    row = connection.sql(query).fetchall()[0]
    counts_by_column: dict[str, Counts] = {}
    for (column, name), size in zip(pairs, row, strict=True):
        if size:
            counts_of_column = counts_by_column.setdefault(column, {})
            counts_of_column[name] = size
    return counts_by_column


def _fits_sql(x: str, form: ValueForm) -> str:
    looks_odd = f"regexp_full_match({x}, {quoted(form.odd)})"
    return f"{looks_odd} AND ({form.sql(x)}) IS NOT NULL"


def _lines(table: str, columns: Mapping[str, Counts]) -> Iterator[str]:
    for column, counts in columns.items():
        most = max(counts.values())
        likely_forms = [name for name, size in counts.items() if size == most]
        yield _line(table, column, likely_forms, most)


def _line(table: str, column: str, forms: Collection[str], rows: int) -> str:
    """Return what to write so that values of a column are read.

    >>> print(_line("AC43", "AAE180", ["parentheses"], 12))
    AC43.AAE180: 12 values are written like (12.00) and no form is stated; write [form.AC43] AAE180 = "parentheses" into dump.toml
    """
    examples = [FORMS[name].example for name in forms]
    first, *others = (f'"{name}"' for name in forms)
    like, choice = examples[0], first
    if others:
        like += f" (or {', '.join(examples[1:])})"
        choice += f", or {' or '.join(others)}, whichever it is,"
    return (
        f"{table}.{column}: {rows:,} values are written like {like} and no form is stated; "
        f"write [form.{table}] {column} = {choice} into {SETTINGS}"
    )
