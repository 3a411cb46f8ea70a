"""The contract as laws of a batch: which rows of a source are accepted, and why the others are refused."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.calendar import date_of
from features.contract.laws import BatchLaws, Law
from features.contract.millionths import CERTAIN
from features.contract.row_order import (
    DAYS,
    MONTH_SPAN,
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

RETRACTS = pl.col("retracted") == 1
TOLD = "! "
FINEST = ", to at most 6 decimals"
"""What else a probability should be: it is held in whole millionths, and a finer one is none."""
PAST_FLOAT = "is a number past what its float holds exactly: export it as an integer or decimal"
ROUNDED = r"^-?([0-9]{8,}[.]0|[0-9.]+e[+][0-9]+)$"
"""The texts of whole numbers that a float may have rounded: the least is 2^24, of eight digits, and smaller ones are read."""
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


def _law(passes: pl.Expr, reason: str) -> Law:
    # A law that an empty value makes undecided counts as kept: that the value is missing is a law of its own.
    return Law(passes.fill_null(True), reason)


def _column_laws(column: Column, present: list[str], key: tuple[str, ...]) -> list[Law]:
    """Return what the values of one column must keep: that they can be read, are there, and lie in their bounds."""
    value = pl.col(column.name)
    is_given = value.is_not_null()
    laws: list[Law] = []
    # Where a value may fail to be read, its text stands in a column `raw NAME`, which is empty where it was read.
    raw_name = f"raw {column.name}"
    if raw_name in present:
        raw = pl.col(raw_name)
        is_given = is_given | raw.is_not_null()
        if column.kind != "id":
            finest = FINEST if column.kind == "probability" else ""
            reason = f"{column.name} should be {wanted_value(column)}{finest}"
            is_rounded = raw.str.contains(ROUNDED) if column.kind in WHOLE else pl.lit(False)
            laws.append(_law(raw.is_null() | is_rounded, reason))
            if column.kind in WHOLE:
                laws.append(_law(~is_rounded, f"{column.name} {PAST_FLOAT}"))
    if not column.optional:
        if column not in COMMON and column.name not in key:
            is_given = is_given | RETRACTS
        laws.append(_law(is_given, f"{column.name} is missing"))
    bounds = _bounds_law(column)
    if bounds is not None:
        laws.append(bounds)
    return laws


def _bounds_law(column: Column) -> Law | None:
    """Return the law of the least and the greatest value of a column; None for a kind that has none."""
    value = pl.col(column.name)
    wanted = f"{column.name} should be {wanted_value(column)}"
    if column.kind == "probability":
        return _law((value > 0) & (value <= CERTAIN), wanted)
    if column.kind == "flag":
        return _law(value.is_between(0, 1), wanted)
    if column.kind == "day":
        return _law(value.is_between(*DAYS), out_of_days(column))
    if column.kind == "month":
        return _law(value.is_between(*MONTH_SPAN), out_of_days(column))
    if column.kind in WHOLE:
        return _law(value.is_between(*bounds_of(column)), out_of_bounds(column))
    return None


def _table_laws(table: str, columns: tuple[Column, ...], complete_to: int) -> list[Law]:
    """Return what the rows of a table must keep between their columns."""
    is_closed = pl.col("recorded_on") <= complete_to
    after_end = f"recorded_on lies after {date_of(complete_to)}, the day the source is complete to"
    laws = [_law(is_closed, after_end)]
    laws += [_law(_in_order(order), order.reason) for order in orders(columns)]
    amounts = [column.name for column in columns if column.kind == "fen"]
    refund = refund_code(table, columns)
    is_refund = pl.lit(False) if refund is None else pl.col(REFUND[1]) == refund
    for name in amounts:
        not_negative = pl.col(name) >= 0
        laws.append(_law(not_negative | is_refund, negative(name)))
    if table == "inspections":
        has_one_subject = pl.col("enterprise").is_null() ^ pl.col("provider").is_null()
        laws.append(_law(has_one_subject | RETRACTS, ONE_SUBJECT))
    return laws


def _in_order(order: Order) -> pl.Expr:
    """Return whether a row keeps an order; one that takes its key back need not, but for what has happened."""
    value, other = pl.col(order.column), comparable_day(order)
    is_kept = value >= other if order.before else value <= other
    if order.other == RECORDED:
        return is_kept
    return is_kept | RETRACTS


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


def batch_laws(
    table: str, columns: tuple[Column, ...], *, present: list[str], complete_to: int
) -> BatchLaws:
    """Return the laws of a typed batch of one table; `present` names its columns, `raw NAME` ones included.

    A row that takes its key back needs the key and the common columns only.
    """
    key = contract()[table].key
    laws: list[Law] = []
    for column in columns + COMMON:
        laws += _column_laws(column, present, key)
    laws += _table_laws(table, columns, complete_to)
    return BatchLaws(table, tuple(present), tuple(laws))


def validated(batch: pl.DataFrame, laws: BatchLaws) -> ValidatedBatch:
    """Return the accepted rows of a typed batch, and the reasons of the refused; the batch has a column `row`."""
    cases = pl.concat([_faulty(batch), laws.broken(batch)])
    if cases.is_empty():
        nothing_refused = pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String})
        return ValidatedBatch(batch, nothing_refused)
    reasons = _reasons_by_row(pl.concat([view_refusals(batch, cases), cases]))
    refused_places = reasons["index"].to_numpy()
    refused_rows = batch["row"].gather(refused_places)
    refused = pl.DataFrame({"row": refused_rows, "reason": reasons["reason"]})
    is_accepted = ~pl.col("place").is_in(refused_places.tolist())
    accepted = batch.with_row_index("place").filter(is_accepted).drop("place")
    return ValidatedBatch(accepted, refused)


def _reasons_by_row(cases: pl.DataFrame) -> pl.DataFrame:
    """Return for each index of a refused row its reasons as one text, ascending by index."""
    reasons = cases.group_by("index", maintain_order=True).agg(
        pl.col("reason").unique(maintain_order=True)
    )
    return reasons.sort("index").with_columns(words(pl.col("reason")))


def _faulty(batch: pl.DataFrame) -> pl.DataFrame:
    """Return why identifiers of a batch are none, by the row's index."""
    has_fault = pl.col(FAULTS).list.len() > 0
    rows = batch.select(FAULTS).with_row_index("index").filter(has_fault)
    index = pl.col("index").cast(pl.Int64)
    return rows.select(index, reason=pl.col(FAULTS)).explode("reason")


def view_refusals(batch: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Return why a source's view itself refuses rows: the texts that begin with `! `, by the row's index in the batch."""
    raw_columns = [name for name in batch.columns if name.startswith("raw ")]
    if not raw_columns:
        return cases.clear()
    index = pl.col("index").cast(pl.Int64)
    texts = batch.select(raw_columns).with_row_index("index").with_columns(index)
    refused = cases.select("index").unique()
    texts_of_refused = texts.join(refused, on="index", how="semi")
    # From a row with many raw columns to a row for each of its texts.
    reasons = texts_of_refused.unpivot(index="index", value_name="reason")
    told_by_view = reasons.filter(pl.col("reason").str.starts_with(TOLD))
    return told_by_view.select("index", "reason").sort("index", maintain_order=True)


def words(reasons: pl.Expr) -> pl.Expr:
    """Return a row's reasons as one text: those that its view tells, else those of the contract."""
    reason = pl.element()
    of_view = reason.filter(reason.str.starts_with(TOLD))
    view_reasons = reasons.list.eval(of_view.str.strip_prefix(TOLD))
    has_view_reason = view_reasons.list.len() > 0
    chosen = pl.when(has_view_reason).then(view_reasons.list.join("; "))
    return chosen.otherwise(reasons.list.join("; ")).alias("reason")
