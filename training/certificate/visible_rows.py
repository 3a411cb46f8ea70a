"""Holdings: what the tables of a store say by a day, row by row, as far as any feature can read them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.calendar import date_of
from features.catalogue.model import Catalogue
from features.catalogue.validate import columns_read
from features.connection import named
from features.engine.matrices import catalogue_of
from features.matches.find import matches
from features.store.store import Store
from training.certificate.compare import Moved

Holdings = Mapping[str, pl.DataFrame]


def holdings(store: Store, day: int) -> Holdings:
    """Return by `rows of TABLE` the signed rows known by a day, identifiers as texts, and by `matches` those of the day."""
    tables = {}
    for table, columns in columns_by_table(catalogue_of(store)).items():
        if store.has(table):
            tables[f"rows of {table}"] = rows_known(store, table, sorted(columns), day)
    tables["matches"] = _matches(store, day)
    return tables


def _matches(store: Store, day: int) -> pl.DataFrame:
    """Return the matches of a day as signed rows."""
    rows = []
    for match in matches(store, day):
        subjects = str(sorted(match.subjects.items()))
        first = date_of(match.first)
        rows.append((match.kind, subjects, first, match.measured, match.expected))
    shape = {
        "kind": pl.String,
        "subjects": pl.String,
        "first": pl.Date,
        "measured": pl.Int64,
        "expected": pl.Int64,
    }
    frame = pl.DataFrame(rows, shape, orient="row")
    return net_rows(frame.with_columns(sign=pl.lit(1)))


def columns_by_table(catalogue: Catalogue) -> dict[str, set[str]]:
    """Return by table, derived ones included, the columns that measures read."""
    by_table: dict[str, set[str]] = {}
    for measure in catalogue.measures.values():
        columns = by_table.setdefault(measure.table, set())
        columns.update(columns_read(measure))
    return by_table


def rows_known(store: Store, table: str, columns: list[str], day: int) -> pl.DataFrame:
    """Return the distinct rows of a table that were known by a day, each with the day and the sum of its signs."""
    names = ", ".join(map(named, columns))
    source = named(table)
    signed = (
        f"SELECT {names}, known, CAST(sign AS BIGINT) AS sign FROM {source} WHERE known <= {day}"
    )
    rows = pl.DataFrame(store.sql(signed))
    # two stores number their identifiers each in its own way, so only the texts can be compared
    identifiers = []
    for name in columns:
        column = store.column(table, name)
        if column.kind == "id":
            texts = pl.Series(store.texts(column.space), dtype=pl.String)
            identifiers.append(texts.gather(rows[name]).alias(name))
    return net_rows(rows.with_columns(identifiers))


def net_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows once each with the sum of their `sign`, those that cancel left out.

    >>> net_rows(pl.DataFrame({"a": [1, 1, 2], "sign": [1, -1, 1]})).rows()
    [(2, 1)]
    """
    sums = rows.group_by(pl.exclude("sign")).agg(pl.col("sign").sum())
    return sums.filter(pl.col("sign") != 0)


def unlike(before: Holdings, after: Holdings) -> dict[str, Moved]:
    """Return by name how many rows two stores do not share."""
    moves = {}
    for name, rows in before.items():
        negated = after[name].select(rows.columns).with_columns(-pl.col("sign"))
        # rows that both stores have cancel
        unshared = net_rows(pl.concat([rows, negated])).height
        if unshared:
            moves[name] = Moved(unshared, 1.0)
    return moves
