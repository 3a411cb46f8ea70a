"""Laws of a batch: whether all hold in one expression, and which rows break which of them, by pandera."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Law:
    """What each row of a batch must keep, and the reason for which a row that breaks it is refused."""

    holds: pl.Expr
    reason: str


@dataclass(frozen=True, slots=True)
class BatchLaws:
    """The laws of the typed batches of one table, and the names of the columns that such a batch has."""

    table: str
    columns: tuple[str, ...]
    laws: tuple[Law, ...]

    def hold(self, batch: pl.DataFrame) -> bool:
        """Return whether a batch has all its columns and each of its rows keeps every law."""
        if not set(self.columns) <= set(batch.columns):
            return False
        every_law = pl.all_horizontal(law.holds for law in self.laws)
        return bool(batch.select(every_law.all()).item())

    def broken(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return which laws a batch breaks, by the row's index.

        Raises TypeError for a batch of another shape: a defect of the reader, never of a row.
        """
        nothing_broken = pl.DataFrame(schema={"index": pl.Int64, "reason": pl.String})
        # pandera tries each law by itself, which takes longer than reading a small table, and its import a second:
        # it is asked only once one expression has said that a law is broken.
        return nothing_broken if self.hold(batch) else _told_by_pandera(self, batch)


def _told_by_pandera(laws: BatchLaws, batch: pl.DataFrame) -> pl.DataFrame:
    # pandera opens pyspark where that is installed, and pyspark complains of pandas
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import pandera.polars as pa
        from pandera.errors import SchemaErrors

    def check_of(law: Law) -> pa.Check:
        return pa.Check(
            lambda data: data.lazyframe.select(law.holds), error=law.reason, ignore_na=False
        )

    columns = {name: pa.Column(nullable=True) for name in laws.columns}
    checks = [check_of(law) for law in laws.laws]
    schema = pa.DataFrameSchema(columns, checks=checks, name=laws.table)
    try:
        schema.validate(batch, lazy=True)
    except SchemaErrors as errors:
        cases: pl.DataFrame = errors.failure_cases
    else:
        raise AssertionError(f"pandera finds no broken law in a batch of {laws.table}")
    if cases["index"].null_count():
        raise TypeError(f"a batch does not fit its schema: {cases['check'].unique().to_list()}")
    index = pl.col("index").cast(pl.Int64)
    return cases.select(index, reason=pl.col("check"))
