"""Numbers that are unique only within a year, a firm or a person, as a source states under `[keys]` of source.toml.

Such a number becomes `NUMBER@SCOPE`, wherever a table names it, so that two things of one number are two everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from features.calendar import date_of
from features.contract.tables import LONGEST, Column, Table, contract
from features.errors import SourceError

SIGN = "@"
WORDS = {"person": "worker", "firm": "enterprise", "provider": "provider"}
YEAR = "year of "
NUMBERED = ("claims", "inspections", "complaints", "medical_lines")
"""The tables that give a thing its number; others name it by that."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A column of numbers that are unique only within another column of the row, or within the year of that."""

    number: Column
    within: Column
    year: bool

    @property
    def words(self) -> str:
        prefix = YEAR if self.year else ""
        return prefix + self.within.name

    def part(self) -> pl.Expr:
        """Return the texts of the scopes of a batch's rows."""
        value = pl.col(self.within.name)
        if not self.year:
            return value
        # Months are whole numbers counted from the year 0.
        year = value // 12 if self.within.kind == "month" else value.cast(pl.Date).dt.year()
        return year.cast(pl.String)

    def text(self, value: str | int) -> str:
        """Return the text of one scope, of an identifier or an integer day or month."""
        if not self.year:
            return str(value)
        number = int(value)
        if self.within.kind == "month":
            return str(number // 12)
        return str(date_of(number).year)

    def wrong(self, number: str, within: str | None) -> str | None:
        """Return why a number cannot be joined with its scope; None if it can."""
        if within is None:
            return f"{self.number.name} is unique only within {self.words}, which is missing"
        if SIGN in within:
            return f"{self.within.name} holds {SIGN}, which parts a number from what it is unique within"
        if len(number) + len(within) + 1 > LONGEST:
            return f"{self.number.name} and {self.within.name} are together longer than {LONGEST} letters"
        return None


def scopes(stated: Mapping[str, str], table: str, ours: tuple[str, ...]) -> tuple[Scope, ...]:
    """Return the scopes of a table's columns; SourceError where what is stated does not say how to read one.

    Tables of `ours` hold numbers that this system returned, whole already.
    """
    if not stated or table in ours:
        return ()
    return tuple(_scopes(stated, contract()[table]))


def _scopes(stated: Mapping[str, str], table: Table) -> Iterator[Scope]:
    """Yield the scopes of a table's columns that name a row of a table under [keys], or are its own number."""
    for name in stated:
        if "." in name:
            continue
        register = contract()[name]
        number = register.column(register.key[0])
        within = meant(register, stated[name])
        for column in table.columns:
            if column.kind == "id" and column.space == number.space:
                is_own_number = table.name == name and column.name == number.name
                words = within
                if not is_own_number:
                    words = stated.get(f"{table.name}.{column.name}", within)
                yield _scope(table, column, words, name)


def _scope(table: Table, column: Column, words: str, register: str) -> Scope:
    """Return the scope that some words of [keys] give a column; SourceError where the table has no such column."""
    name = words.removeprefix(YEAR)
    year = words.startswith(YEAR)
    columns = {other.name: other for other in (*table.columns, table.column("recorded_on"))}
    if name not in columns:
        how = "make the numbers whole in the views instead"
        if year:
            how = f'state "{table.name}.{column.name}" = "{YEAR}DAY" under [keys], with a day of {table.name}'
        raise SourceError(
            f"{table.name} names {register} by a number that is unique only within {words}, and has no {name}; "
            f"{how}"
        )
    kinds = ("day", "month") if year else ("id",)
    if columns[name].kind not in kinds or name == column.name:
        raise SourceError(
            f"keys: {table.name}.{column.name} cannot be unique within {words!r}; say the year of a day or "
            "month, or a column of identifiers"
        )
    return Scope(number=column, within=columns[name], year=year)


def meant(register: Table, words: str) -> str:
    """Return the column, or `year of` a day, that the words `year`, `firm` or `person` of a table mean."""
    if words == "year":
        days = [c.name for c in register.columns if c.kind == "day" and not c.optional]
        day = days[0] if days else "recorded_on"
        return YEAR + day
    return WORDS.get(words, words)


def check_keys(stated: Mapping[str, str]) -> None:
    """Raise SourceError unless each line of `[keys]` names a table of numbers, or a column that names one, and a scope."""
    for place in stated:
        name, _, column = place.partition(".")
        table = contract().get(name)
        if table is None or (not column and name not in NUMBERED):
            raise SourceError(
                f"keys: {name!r} is no table of numbers; those are {', '.join(NUMBERED)}"
            )
        if column and column not in {scope.number.name for scope in _scopes(stated, table)}:
            raise SourceError(f"keys: {place} names no table under [keys]; state that table first")
        list(_scopes(stated, table))


def unscoped(found: tuple[Scope, ...]) -> pl.Expr:
    """Return the reasons why numbers of each row cannot be joined with their scopes, a list of texts a row."""
    if not found:
        return pl.lit([], pl.List(pl.String))
    reasons = [_reasons(scope) for scope in found]
    return pl.concat_list(reasons).list.drop_nulls()


def _reasons(scope: Scope) -> pl.Expr:
    """Return why each number of a column cannot be joined with its scope, as `Scope.wrong` says of one."""
    number = pl.col(scope.number.name)
    within = scope.part()
    length = number.str.len_chars() + within.str.len_chars() + 1
    has_sign = within.str.contains(SIGN, literal=True)
    # The reasons name columns only, so one scope of each kind that is wrong gives them all.
    missing = pl.lit(scope.wrong("", None))
    odd = pl.lit(scope.wrong("", SIGN))
    long = pl.lit(scope.wrong("", "x" * LONGEST))
    return (
        pl.when(number.is_null())
        .then(None)
        .when(within.is_null())
        .then(missing)
        .when(has_sign)
        .then(odd)
        .when(length > LONGEST)
        .then(long)
    )


def with_scope(batch: pl.DataFrame, found: tuple[Scope, ...]) -> pl.DataFrame:
    """Return a batch in which each number is joined with its scope."""
    columns: list[pl.Expr] = []
    for scope in found:
        number = pl.col(scope.number.name)
        joined = pl.concat_str([number, scope.part()], separator=SIGN)
        columns.append(joined.alias(scope.number.name))
    return batch.with_columns(columns)


def without_scope(batch: pl.DataFrame, found: tuple[Scope, ...]) -> pl.DataFrame:
    """Return a batch in which each number stands without its scope, as the source gave it: `with_scope` undone."""
    # A scope never holds the sign, so the last one is ours.
    last_scope = f"{SIGN}[^{SIGN}]*$"
    numbers = [pl.col(scope.number.name) for scope in found]
    return batch.with_columns(number.str.replace(last_scope, "") for number in numbers)
