"""The contract as pandera schemas: which rows of a source are accepted, and why the others are refused."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import polars as pl

from features.calendar import date_of
from features.contract.millionths import CERTAIN
from features.contract.row_order import (
    DAYS,
    ONE_SUBJECT,
    REFUND,
    WHOLE,
    Order,
    bounds_of,
    negative,
    orders,
    out_of_bounds,
    out_of_days,
    refund_code,
)
from features.contract.tables import COMMON, RECORDED, Column, contract

with (
    warnings.catch_warnings()
):  # pandera opens pyspark where that is installed, and pyspark complains of pandas
    warnings.simplefilter("ignore", FutureWarning)
    import pandera.polars as pa
    from pandera.errors import SchemaErrors

RETRACTS = pl.col("retracted") == 1
TOLD = "! "
FINEST = ", to at most 6 decimals"
"""What else a probability should be: it is held in whole millionths, and a finer one is none."""
FAULTS = "faults"
"""The column of a batch with the reasons why identifiers of its rows are none, a list of texts."""


@dataclass(frozen=True, slots=True)
class ValidatedBatch:
    """A batch parted in two: accepted rows, and for each refused row its `row` and its `reason`."""

    accepted: pl.DataFrame
    refused: pl.DataFrame


def wanted_value(column: Column) -> str:
    """Return in words what a value of a column should be.

    >>> wanted_value(Column("violation", "flag", (), False, "", ""))
    '0 or 1'
    """
    match column.kind:
        case "choice":
            return f"one of {', '.join(column.choices)}"
        case "flag":
            return "0 or 1"
        case "day":
            return "a day such as 2015-06-30"
        case "month":
            return "a month such as 2015-06"
        case "probability":
            return "above 0 and at most 1"
        case "id":
            return "an identifier"
        case _:
            return f"a whole number of {column.kind}"


def _law(passes: pl.Expr, reason: str) -> pa.Check:
    return pa.Check(
        lambda data: data.lazyframe.select(passes.fill_null(True)), error=reason, ignore_na=False
    )


def _column_laws(column: Column, present: list[str], key: tuple[str, ...]) -> list[pa.Check]:
    name, laws, can_fail = pl.col(column.name), [], f"raw {column.name}" in present
    if can_fail and column.kind != "id":
        reason = f"{column.name} should be {wanted_value(column)}{FINEST if column.kind == 'probability' else ''}"
        laws.append(_law(pl.col(f"raw {column.name}").is_null(), reason))
    if not column.optional:
        given = (
            name.is_not_null() | pl.col(f"raw {column.name}").is_not_null()
            if can_fail
            else name.is_not_null()
        )
        if column not in COMMON and column.name not in key:
            given = given | RETRACTS
        laws.append(_law(given, f"{column.name} is missing"))
    if column.kind == "probability":
        laws.append(
            _law((name > 0) & (name <= CERTAIN), f"{column.name} should be {wanted_value(column)}")
        )
    elif column.kind == "flag":
        laws.append(_law(name.is_between(0, 1), f"{column.name} should be {wanted_value(column)}"))
    elif column.kind == "day":
        laws.append(_law(name.is_between(*DAYS), out_of_days(column)))
    elif column.kind in WHOLE:
        laws.append(_law(name.is_between(*bounds_of(column)), out_of_bounds(column)))
    return laws


def _table_laws(table: str, columns: tuple[Column, ...], complete_to: int) -> list[pa.Check]:
    recorded = pl.col("recorded_on")
    end = f"recorded_on lies after {date_of(complete_to)}, the day the source is complete to"
    laws = [_law(recorded <= complete_to, end)]
    laws += [_law(_in_order(order), order.reason) for order in orders(columns)]
    amounts = [c.name for c in columns if c.kind == "fen"]
    refund = refund_code(table, columns)
    allowed = pl.lit(False) if refund is None else pl.col(REFUND[1]) == refund
    laws += [_law((pl.col(name) >= 0) | allowed, negative(name)) for name in amounts]
    if table == "inspections":
        one = pl.col("enterprise").is_null() ^ pl.col("provider").is_null()
        laws.append(_law(one | RETRACTS, ONE_SUBJECT))
    return laws


def _in_order(order: Order) -> pl.Expr:
    """Return whether a row keeps an order; one that takes its key back need not, but for what has happened."""
    value, other = pl.col(order.column), comparable_day(order)
    kept = value >= other if order.before else value <= other
    return kept if order.other == RECORDED else kept | RETRACTS


def comparable_day(order: Order) -> pl.Expr:
    """Return the day with which an order compares, or its integer month or its year."""
    day = pl.col(order.other)
    date = day.cast(pl.Date).dt
    match order.kind:
        case "month":
            return date.year() * 12 + date.month().cast(pl.Int32) - 1
        case "year":
            return date.year()
        case _:
            return day


def batch_schema(
    table: str, columns: tuple[Column, ...], *, present: list[str], complete_to: int
) -> pa.DataFrameSchema:
    """Return the schema of a typed batch of one table; `present` names its columns, `raw NAME` ones included.

    A row that takes its key back needs the key and the common columns only.
    """
    key = contract()[table].key
    laws = [law for column in columns + COMMON for law in _column_laws(column, present, key)]
    return pa.DataFrameSchema(
        {name: pa.Column(nullable=True) for name in present},
        checks=laws + _table_laws(table, columns, complete_to),
        name=table,
    )


def validated(batch: pl.DataFrame, schema: pa.DataFrameSchema) -> ValidatedBatch:
    """Return the accepted rows of a typed batch, and the reasons of the refused; the batch has a column `row`."""
    cases = pl.concat([_faulty(batch), _unlawful(batch, schema)])
    if cases.is_empty():
        return ValidatedBatch(batch, pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String}))
    reasons = (
        pl.concat([view_refusals(batch, cases), cases])
        .group_by("index", maintain_order=True)
        .agg(pl.col("reason").unique(maintain_order=True))
        .sort("index")
        .with_columns(words(pl.col("reason")))
    )
    places = reasons["index"].to_numpy()
    refused = pl.DataFrame({"row": batch["row"].gather(places), "reason": reasons["reason"]})
    kept = (
        batch.with_row_index("place").filter(~pl.col("place").is_in(places.tolist())).drop("place")
    )
    return ValidatedBatch(kept, refused)


def _faulty(batch: pl.DataFrame) -> pl.DataFrame:
    """Return why identifiers of a batch are none, by the row's index."""
    indexed = batch.select(FAULTS).with_row_index("index").filter(pl.col(FAULTS).list.len() > 0)
    return indexed.select(pl.col("index").cast(pl.Int64), reason=pl.col(FAULTS)).explode("reason")


def _unlawful(batch: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Return which laws of the contract a batch breaks, by the row's index."""
    try:
        schema.validate(batch, lazy=True)
    except SchemaErrors as errors:
        cases: pl.DataFrame = errors.failure_cases
    else:
        return pl.DataFrame(schema={"index": pl.Int64, "reason": pl.String})
    if cases["index"].null_count():
        raise errors_of(cases)
    return cases.select(pl.col("index").cast(pl.Int64), reason=pl.col("check"))


def view_refusals(batch: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Return why a source's view itself refuses rows: the texts that begin with `! `, by the row's index in the batch."""
    rows = batch.select(name for name in batch.columns if name.startswith("raw ")).with_row_index(
        "index"
    )
    rows = rows.with_columns(pl.col("index").cast(pl.Int64)).join(
        cases.select("index").unique(), on="index", how="semi"
    )
    if rows.width == 1:
        return cases.clear()
    texts = rows.unpivot(index="index", value_name="reason").filter(
        pl.col("reason").str.starts_with(TOLD)
    )
    return texts.select("index", "reason").sort("index", maintain_order=True)


def words(reasons: pl.Expr) -> pl.Expr:
    """Return a row's reasons as one text: those that its view tells, else those of the contract."""
    said = reasons.list.eval(
        pl.element().filter(pl.element().str.starts_with(TOLD)).str.strip_prefix(TOLD)
    )
    return (
        pl.when(said.list.len() > 0)
        .then(said.list.join("; "))
        .otherwise(reasons.list.join("; "))
        .alias("reason")
    )


def errors_of(cases: pl.DataFrame) -> TypeError:
    """Return the error of a batch whose shape is not that of its schema: a defect of the reader, never of a row."""
    return TypeError(f"a batch does not fit its schema: {cases['check'].unique().to_list()}")
