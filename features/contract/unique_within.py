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
        return f"{YEAR if self.year else ''}{self.within.name}"

    def part(self) -> pl.Expr:
        """Return the texts of the scopes of a batch's rows."""
        value = pl.col(self.within.name)
        if not self.year:
            return value
        whole = value // 12 if self.within.kind == "month" else value.cast(pl.Date).dt.year()
        return whole.cast(pl.String)

    def text(self, value: str | int) -> str:
        """Return the text of one scope, of an identifier or an integer day or month."""
        if not self.year:
            return str(value)
        return str(int(value) // 12 if self.within.kind == "month" else date_of(int(value)).year)

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
    for register in map(contract().__getitem__, (name for name in stated if "." not in name)):
        within = meant(register, stated[register.name])
        for column in table.columns:
            if column.kind == "id" and column.space == register.column(register.key[0]).space:
                own = table.name == register.name and column.name == register.key[0]
                words = within if own else stated.get(f"{table.name}.{column.name}", within)
                yield _scope(table, column, words, register.name)


def _scope(table: Table, column: Column, words: str, register: str) -> Scope:
    name, year = words.removeprefix(YEAR), words.startswith(YEAR)
    there = {other.name: other for other in (*table.columns, table.column("recorded_on"))}
    if name not in there:
        how = (
            f'state "{table.name}.{column.name}" = "{YEAR}DAY" under [keys], with a day of {table.name}'
            if year
            else "make the numbers whole in the views instead"
        )
        raise SourceError(
            f"{table.name} names {register} by a number that is unique only within {words}, and has no {name}; "
            f"{how}"
        )
    if there[name].kind not in (("day", "month") if year else ("id",)) or name == column.name:
        raise SourceError(
            f"keys: {table.name}.{column.name} cannot be unique within {words!r}; say the year of a day or "
            "month, or a column of identifiers"
        )
    return Scope(column, there[name], year)


def meant(register: Table, words: str) -> str:
    """Return the column, or `year of` a day, that the words `year`, `firm` or `person` of a table mean."""
    if words == "year":
        return YEAR + next(
            (c.name for c in register.columns if c.kind == "day" and not c.optional), "recorded_on"
        )
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
    reasons = [_reasons(scope) for scope in found]
    return pl.concat_list(reasons).list.drop_nulls() if reasons else pl.lit([], pl.List(pl.String))


def _reasons(scope: Scope) -> pl.Expr:
    number, within = pl.col(scope.number.name), scope.part()
    missing, odd, long = (scope.wrong("", text) for text in (None, SIGN, "x" * LONGEST))
    length = number.str.len_chars() + within.str.len_chars() + 1
    return (
        pl.when(number.is_null())
        .then(None)
        .when(within.is_null())
        .then(pl.lit(missing))
        .when(within.str.contains(SIGN, literal=True))
        .then(pl.lit(odd))
        .when(length > LONGEST)
        .then(pl.lit(long))
    )


def whole(batch: pl.DataFrame, found: tuple[Scope, ...]) -> pl.DataFrame:
    """Return a batch in which each number is joined with its scope."""
    return batch.with_columns(
        pl.concat_str([pl.col(scope.number.name), scope.part()], separator=SIGN).alias(
            scope.number.name
        )
        for scope in found
    )


def without_scope(batch: pl.DataFrame, found: tuple[Scope, ...]) -> pl.DataFrame:
    """Return a batch in which each number stands without its scope, as the source gave it: `whole` undone."""
    # A scope never holds the sign, so the last one is ours.
    return batch.with_columns(
        pl.col(scope.number.name).str.replace(f"{SIGN}[^{SIGN}]*$", "") for scope in found
    )
