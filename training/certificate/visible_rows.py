"""Holdings: what the tables of a store say by a day, row by row, as far as any feature can read them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.calendar import date_of
from features.catalogue import Catalogue
from features.catalogue.validate import columns_read
from features.connection import named
from features.engine.matrices import catalogue_of
from features.matches import matches
from features.store.store import Store
from training.certificate.compare import Moved

Holdings = Mapping[str, pl.DataFrame]


def holdings(store: Store, day: int) -> Holdings:
    """Return by `rows of TABLE` the signed rows known by a day, identifiers as texts, and by `matches` those of the day."""
    read = columns_by_table(catalogue_of(store))
    found = {
        f"rows of {table}": rows_known(store, table, sorted(columns), day)
        for table, columns in read.items()
        if store.has(table)
    }
    told = [
        (
            match.kind,
            str(sorted(match.subjects.items())),
            date_of(match.first),
            match.measured,
            match.expected,
        )
        for match in matches(store, day)
    ]
    shape = {
        "kind": pl.String,
        "subjects": pl.String,
        "first": pl.Date,
        "measured": pl.Int64,
        "expected": pl.Int64,
    }
    return found | {
        "matches": net_rows(pl.DataFrame(told, shape, orient="row").with_columns(sign=pl.lit(1)))
    }


def columns_by_table(catalogue: Catalogue) -> dict[str, set[str]]:
    """Return by table, derived ones included, the columns that measures read."""
    found: dict[str, set[str]] = {}
    for measure in catalogue.measures.values():
        found.setdefault(measure.table, set()).update(columns_read(measure))
    return found


def rows_known(store: Store, table: str, columns: list[str], day: int) -> pl.DataFrame:
    """Return the distinct rows of a table that were known by a day, each with the day and the sum of its signs."""
    kinds = {name: store.column(table, name) for name in columns}
    names = ", ".join(map(named, columns))
    signs = f"SELECT {names}, known, CAST(sign AS BIGINT) AS sign FROM {named(table)} WHERE known <= {day}"
    rows = pl.DataFrame(store.sql(signs))
    texts = {
        name: pl.Series(store.texts(column.space), dtype=pl.String)
        for name, column in kinds.items()
        if column.kind == "id"
    }
    return net_rows(rows.with_columns(texts[name].gather(rows[name]).alias(name) for name in texts))


def net_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows once each with the sum of their `sign`, those that cancel left out.

    >>> net_rows(pl.DataFrame({"a": [1, 1, 2], "sign": [1, -1, 1]})).rows()
    [(2, 1)]
    """
    return rows.group_by(pl.exclude("sign")).agg(pl.col("sign").sum()).filter(pl.col("sign") != 0)


def unlike(before: Holdings, after: Holdings) -> dict[str, Moved]:
    """Return by name how many rows two stores do not share."""
    found = {}
    for name, rows in before.items():
        other = after[name].select(rows.columns).with_columns(-pl.col("sign"))
        if apart := net_rows(pl.concat([rows, other])).height:
            found[name] = Moved(apart, 1.0)
    return found
