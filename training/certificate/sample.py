"""An excerpt: the rows of some units of a history in the contract's form."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from features.arrays import NULL
from features.connection import named
from features.contract.tables import Column, Table, contract
from features.files import private_folder
from features.home import home
from features.ingest.source_toml import SourceDeclaration
from features.store.store import Store

ENOUGH = 20
"""Rows of a table from which on it counts that all were recorded at once; of fewer that may be chance."""
Frames = Mapping[str, pl.DataFrame]
"""Rows by table: ids and choices as text, days and months as integers; row_id, recorded_on and retracted beside them."""
LINKS = (
    ("inspection", "inspections"),
    ("claim", "claims"),
    ("enterprise", "enterprises"),
    ("worker", "workers"),
)
"""Which column decides what rows hang on an enterprise, the first that a table has."""


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """Some rows of a source as versions, never altered in place; `complete_to` is its last closed day."""

    declaration: SourceDeclaration
    tables: Mapping[str, Table]
    frames: Frames
    complete_to: int
    enterprises: int
    whole: bool

    def altered(self, frames: Frames, complete_to: int) -> Excerpt:
        """Return the excerpt with other rows and another last day."""
        return replace(self, frames=frames, complete_to=max(complete_to, self.complete_to))


def accepted(store: Store, excerpt: Excerpt) -> Excerpt:
    """Return an excerpt without the rows that its load, the store, set aside: what rows say together may refuse some."""
    frames = {}
    for name, frame in excerpt.frames.items():
        is_refused = pl.col("row_id").is_in(refused_ids(store, name))
        frames[name] = frame.filter(~is_refused)
    return replace(excerpt, frames=frames)


def refused_ids(store: Store, table: str) -> list[str]:
    """Return the row ids of the refused rows of a table; an accepted row may bear one of them, where it repeats."""
    ids = []
    for path in store.layout.refused(table):
        with path.open(encoding="utf-8", newline="") as file:
            ids += [row["row_id"] for row in csv.DictReader(file)]
    return ids


def excerpt_of(store: Store, most: int) -> Excerpt:
    """Return every row of a history about at most `most` enterprises, spread over the register, and of what hangs on them."""
    size = store.dictionary("enterprise").size
    step = max(1, -(-size // most))
    tables = {name: store.tables[name] for name in contract() if name in store.tables}
    chosen = pa.table({"code": pa.array(range(0, size, step), pa.int32())})
    is_whole = step == 1
    linked = {} if is_whole else _linked(store, tables, chosen, step)
    frames = {}
    for name, table in tables.items():
        signed = _rows(store, table, linked, step)
        frames[name] = versions(store, table, signed)
    return Excerpt(store.source, tables, frames, store.complete_to, len(chosen), is_whole)


def _linked(
    store: Store, tables: Mapping[str, Table], chosen: pa.Table, step: int
) -> dict[str, pa.Table]:
    """Return the codes kept of each link: the enterprises, what is theirs, and one in `step` of what is nobody's."""
    codes = {"enterprise": chosen}
    for link, register in LINKS:
        if link == "enterprise" or register not in tables:
            continue
        parts = []
        for name, table in tables.items():
            if {link, "enterprise"} <= {column.name for column in table.columns}:
                theirs = _theirs(table, link, step)
                parts.append(
                    f"SELECT {link} AS code FROM {named(name)} WHERE {theirs} AND {link} IS NOT NULL"
                )
        if parts:
            united = " UNION ALL ".join(parts)
            distinct = f"SELECT DISTINCT CAST(code AS INTEGER) AS code FROM ({united})"
            codes[link] = store.sql(distinct, kept=chosen)
    return codes


def _theirs(table: Table, link: str, step: int) -> str:
    """Return the condition that a row is of a kept enterprise, or of none and among one in `step`."""
    optional = any(column.name == "enterprise" and column.optional for column in table.columns)
    nobodys = f" OR (enterprise IS NULL AND {named(link)} % {step} = 0)" if optional else ""
    return f"(enterprise IN (SELECT code FROM kept){nobodys})"


def _rows(store: Store, table: Table, kept: Mapping[str, pa.Table], step: int) -> pl.DataFrame:
    """Return the signed rows of a table whose first link is kept, or that have none."""
    names = {column.name for column in table.columns}
    link = next((link for link, _ in LINKS if link in names and link in kept), None)
    every_row = f"SELECT * FROM {named(table.name)}"
    if link is None:
        return pl.DataFrame(store.sql(every_row))
    condition = f"{named(link)} IN (SELECT code FROM kept)"
    if link == "enterprise":
        condition = _theirs(table, table.key[0], step)
    return pl.DataFrame(store.sql(f"{every_row} WHERE {condition}", kept=kept[link]))


def versions(store: Store, table: Table, signed: pl.DataFrame) -> pl.DataFrame:
    """Return signed rows as the versions that they came of: rows, and retractions where a key ends without a successor."""
    key = list(table.key)
    key_and_day = [*key, "known"]
    began = signed.filter(pl.col("sign") == 1)
    ended = signed.filter(pl.col("sign") == -1)
    successors = began.select(key_and_day)
    taken_back = ended.join(successors, on=key_and_day, how="anti", nulls_equal=True)
    rows = began.with_columns(retracted=pl.lit(0, pl.Int8))
    # a retraction needs a row id of its own, or it would repeat that of the row which it ends
    retractions = taken_back.with_columns(
        retracted=pl.lit(1, pl.Int8), row_id=pl.col("row_id") + "~"
    )
    every_version = pl.concat([rows, retractions]).rename({"known": "recorded_on"})
    shown = [_shown(store, column) for column in table.columns]
    day = pl.col("recorded_on").cast(pl.Int32)
    selected = every_version.select(*shown, "row_id", day, "retracted")
    return selected.sort("recorded_on", "row_id")


def _shown(store: Store, column: Column) -> pl.Expr:
    """Return a column of a store as the contract has it: identifiers and choices as texts, NULL as null."""
    value = pl.col(column.name)
    if column.kind == "id":
        texts = store.dictionary(column.space).texts

        def texts_of(codes: pl.Series) -> pl.Series:
            return pl.Series(texts.take(codes.to_arrow()))

        return value.map_batches(texts_of, return_dtype=pl.String)
    if column.kind == "choice":
        choices = dict(enumerate(column.choices))
        return value.replace_strict(choices, default=None, return_dtype=pl.String)
    return pl.when(value != NULL).then(value)


def never_later(excerpt: Excerpt) -> dict[str, str]:
    """Return the tables in which every row was recorded on the very day that one of its columns says something happened.

    A source may be that quick; or its view may give the day of the event as the recorded day, which no poison can show.
    """
    quick: dict[str, str] = {}
    for name, table in excerpt.tables.items():
        if name in excerpt.declaration.assumed_delays:
            continue
        rows = excerpt.frames[name].filter(pl.col("retracted") == 0)
        if rows.height < ENOUGH:
            continue
        for column in table.columns:
            if column.past:
                is_same_day = rows[column.name] == rows["recorded_on"]
                if is_same_day.fill_null(False).all():
                    quick[name] = column.name
    return quick


def workplace() -> AbstractContextManager[Path]:
    """Return a folder under the home that only this run uses, gone afterwards."""
    return private_folder(home() / "certify")
