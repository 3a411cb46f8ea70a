"""The SQL of one value: converts a raw column of any SQL type to a value of the contract, NULL if it is not one."""

from __future__ import annotations

from collections.abc import Mapping

from features.connection import named, quoted
from features.contract.millionths import millionths_sql
from features.contract.tables import FLAGS, Column
from features.contract.written_days import date_sql, month_date_sql

INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
WHOLE = (*INTEGERS, "UHUGEINT", "BIGNUM", "UUID")
"""Types whose text is the one way to write a value."""
EXACT = {"DOUBLE": 2**53, "FLOAT": 2**24}
"""The whole numbers below which each is a float of its own; from there on two may have become one."""
WIDTHS = {
    "id": "VARCHAR",
    "choice": "TINYINT",
    "flag": "TINYINT",
    "day": "INTEGER",
    "month": "INTEGER",
    "year": "INTEGER",
    "minutes": "INTEGER",
    "persons": "INTEGER",
    "microdegree": "INTEGER",
    "fen": "BIGINT",
    "count": "BIGINT",
    "kwh": "BIGINT",
    "probability": "INTEGER",
}


def can_fail(column: Column, kind: str) -> bool:
    """Tell whether a value of this SQL type may turn out to be no value of the column."""
    if column.kind == "id":
        return not _is_text(kind) and kind not in WHOLE
    if column.kind == "day":
        return kind not in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
    # A date may be infinite, which no month is.
    if column.kind in ("choice", "probability", "month"):
        return True
    if column.kind == "flag" and kind == "BOOLEAN":
        return False
    width = WIDTHS[column.kind]
    # Signed integers of 8 to 64 bits all fit a BIGINT.
    fits = width == "BIGINT" and kind in INTEGERS[:4]
    return width != kind and not fits


def text_sql(name: str, kind: str) -> str:
    """Return a raw value as text, NULL where it is empty, blank or NaN."""
    raw = named(name)
    if kind == "VARCHAR":
        return f"NULLIF(trim({raw}), '')"
    if kind in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isnan({raw}) THEN NULL ELSE CAST({raw} AS VARCHAR) END"
    return f"CAST({raw} AS VARCHAR)"


def value_sql(column: Column, kind: str) -> str:
    """Return the value of a raw column of one SQL type, NULL where it is empty or is no such value."""
    text = text_sql(column.name, kind)
    match column.kind:
        case "id":
            return id_sql(column, kind)
        case "choice":
            codes = {choice: code for code, choice in enumerate(column.choices)}
            return f"CASE {text} {_when_sql(codes)} END"
        case "day":
            return day_sql(column.name, kind)
        case "month":
            return month_sql(column.name, kind)
        case "flag" if kind == "VARCHAR":
            plain = f"regexp_replace(lower({text}), '^([01])[.]0*$', '\\1')"
            return f"CASE {plain} {_when_sql(FLAGS)} END"
        case "flag" if kind == "BOOLEAN":
            return f"CAST({named(column.name)} AS TINYINT)"
        case "probability":
            return millionths_sql(named(column.name), kind, text)
        case _:
            return f"TRY_CAST({whole_sql(column.name, kind)} AS {WIDTHS[column.kind]})"


def _when_sql(codes: Mapping[str, int]) -> str:
    """Return the cases of some words, each with its code."""
    return " ".join(f"WHEN {quoted(word)} THEN {code}" for word, code in codes.items())


def id_sql(column: Column, kind: str) -> str:
    """Return a raw column as identifiers, letter by letter; NULL where it is empty, or is no text and may have been rounded.

    Text of blanks alone counts as empty if the identifier is required; otherwise it stays and is refused later.
    """
    raw = named(column.name)
    if _is_text(kind):
        text = f"CAST({raw} AS VARCHAR)"
        if column.optional:
            return f"NULLIF({text}, '')"
        return f"CASE WHEN trim({text}) <> '' THEN {text} END"
    if kind in WHOLE:
        return f"CAST({raw} AS VARCHAR)"
    if kind in EXACT:
        return f"CAST({whole_sql(column.name, kind)} AS VARCHAR)"
    if kind.startswith("DECIMAL"):
        return f"CASE WHEN {raw} = floor({raw}) THEN CAST(CAST({raw} AS HUGEINT) AS VARCHAR) END"
    return "CAST(NULL AS VARCHAR)"


def _is_text(kind: str) -> bool:
    return kind == "VARCHAR" or kind.startswith("ENUM(")


def whole_sql(name: str, kind: str) -> str:
    """Return a raw column as a BIGINT, NULL where it is not a whole number, or is a float that may have been rounded."""
    raw = named(name)
    if kind in INTEGERS:
        return f"TRY_CAST({raw} AS BIGINT)"
    if kind == "VARCHAR":
        text = f"trim({raw})"
        is_whole = f"regexp_full_match({text}, '[+-]?[0-9]+([.]0*)?')"
        return f"CASE WHEN {is_whole} THEN TRY_CAST({text} AS BIGINT) END"
    if kind in EXACT:
        is_exact = f"{raw} = floor({raw}) AND abs({raw}) < {EXACT[kind]}"
        return f"CASE WHEN {is_exact} THEN TRY_CAST({raw} AS BIGINT) END"
    if kind.startswith("DECIMAL"):
        return f"CASE WHEN {raw} = floor({raw}) THEN TRY_CAST({raw} AS BIGINT) END"
    return "NULL"


def day_sql(name: str, kind: str) -> str:
    """Return a raw column as an integer day, a moment taken in the connection's zone."""
    raw = named(name)
    text = f"trim({raw})"
    if kind == "VARCHAR":
        moment = date_sql(text)
    elif kind == "DATE":
        moment = raw
    elif kind.startswith("TIMESTAMP"):
        moment = f"CAST({raw} AS DATE)"
    else:
        return "CAST(NULL AS INTEGER)"
    return f"(({moment}) - DATE '1970-01-01')"


def month_sql(name: str, kind: str) -> str:
    """Return a raw column (a day or moment, text like 2015-06, 201506 as either) as an integer month in the connection's zone."""
    raw = named(name)
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"(year({raw}) * 12 + month({raw}) - 1)"
    if kind == "VARCHAR":
        date = month_date_sql(f"trim({raw})")
        return f"(year({date}) * 12 + month({date}) - 1)"
    whole = whole_sql(name, kind)
    # A number such as 201506: four digits of the year, two of the month.
    year, month = f"{whole} // 100", f"{whole} % 100"
    is_month = f"{whole} BETWEEN 100001 AND 999912 AND {month} BETWEEN 1 AND 12"
    return f"(CASE WHEN {is_month} THEN {year} * 12 + {month} - 1 END)"
