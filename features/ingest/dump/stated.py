"""What is stated of a dump's columns: their names, the forms of their values, the units of their quantities."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from features.errors import SourceError
from features.ingest.dump.columns import SETTINGS, Book, Called, Headings, Names, book_of
from features.ingest.dump.files import DumpFile, TableFiles, dump_columns, part_columns
from features.ingest.dump.forms import FORMS, Reading, form_sql, reading_sql, unit_sql
from features.ingest.dump.names import SCALED
from features.ingest.dump.units import UNITS, HeaderWords, plain_text, words_around, words_beside
from features.ingest.source_toml import SourceDeclaration

Said = Mapping[str, Mapping[str, str]]
"""By table and column, one word: a form or a unit."""


@dataclass(frozen=True, slots=True)
class StatedColumns:
    """What the source's columns.csv and the dump's settings say of the columns of its tables."""

    book: Book
    forms: Said
    units: Said
    columns: Mapping[str, Mapping[str, tuple[str, ...]]]

    def names_of(self, table: str, held: TableFiles) -> Names:
        """Return the declared columns of a table with their names in its files.

        SourceError if a column occurs twice, is stated but missing, or its name has a unit that nobody stated.
        """
        headings = Headings(table, self.book[table], self.columns.get(table, {}))
        columns: Names = {}
        for part in held.parts:
            for column, part_names in self._names_in_part(headings, part).items():
                names = (*part_names, *columns.get(column, ()))
                # Parts may write a name in capitals or not: SQL takes both for one column.
                names_by_capitals = {name.upper(): name for name in names}
                columns[column] = tuple(names_by_capitals.values())
        for column, names in headings.stated.items():
            if column not in columns:
                raise SourceError(
                    f"{held.place.name} holds no column {' or '.join(map(repr, names))}, "
                    f"which [columns.{table}] says is {column}; its columns are "
                    f"{', '.join(sorted(dump_columns(held)))}"
                )
        for part in held.parts:
            self._check_part(table, part, columns)
        for column, names in columns.items():
            self._check_together(table, column, names, held.place.name)
        return columns

    def _names_in_part(self, headings: Headings, part: DumpFile) -> Names:
        """Return the declared columns that a part and its folders give; SourceError if the part has one twice."""
        keys = {key for key, _ in part.keys}
        columns = headings.find([*part_columns(part), *sorted(keys)], part.name)
        for column, names in columns.items():
            # A folder may repeat a column of the part itself: there the part's own value stands.
            if len(names) > 1 and set(names) - keys:
                raise SourceError(f"{part.name} holds column {column} twice; keep one")
        return columns

    def _check_part(self, table: str, part: DumpFile, columns: Names) -> None:
        """Raise SourceError where a name in one part of a table says a unit that is not stated."""
        keys = [key for key, _ in part.keys]
        part_names = {*part_columns(part), *keys}
        for column, names in columns.items():
            for name in part_names.intersection(names):
                self._check_name(table, column, name, part.name)

    def _check_name(self, table: str, column: str, name: str, file: str) -> None:
        """Refuse a column whose name says a unit that is not known, or not its kind's own, unless one is stated."""
        called = self.book[table][column]
        if called.kind not in UNITS:
            if not called.kind and SCALED.search(name):
                raise SourceError(
                    f"{file}: column {name!r} seems to hold no plain yuan; give {column} in yuan"
                )
            return
        words = self._words(table, column, name)
        factors = UNITS[called.kind]
        basic = _basic(called)
        stated = self.units.get(table, {}).get(column)
        seems = f"{file}: column {name!r} seems to hold no plain {basic}"
        line = f"[unit.{table}] {column} ="
        if words.strange and stated is None:
            raise SourceError(
                f"{seems}: the unit {words.strange[0]!r} is not known; export it in {basic}, or write "
                f'{line} "{basic}" (or another of {", ".join(factors)}) into {SETTINGS}'
            )
        for word in words.units:
            if stated is None and factors[word] != "1":
                raise SourceError(
                    f'{seems}: its name says {word!r}; write {line} "{word}" into {SETTINGS} '
                    f'if it does, or "{basic}" if not'
                )
            if stated is not None and factors[stated] not in ("1", factors[word]):
                raise SourceError(
                    f"{file}: the name of column {column} says {word!r} and [unit.{table}] of "
                    f"{SETTINGS} says {stated!r}; give the one or the other"
                )

    def _check_together(self, table: str, column: str, names: Collection[str], place: str) -> None:
        """Refuse a quantity whose names in the parts of its table say several units."""
        called = self.book[table][column]
        if called.kind not in UNITS:
            return
        words: set[str] = set()
        for name in names:
            words |= set(self._words(table, column, name).units)
        factors = {UNITS[called.kind][word] for word in words}
        if len(factors) > 1:
            raise SourceError(
                f"{place}: the names of column {column} say {' and '.join(sorted(words))}; "
                "give it in one unit"
            )

    def _words(self, table: str, column: str, name: str) -> HeaderWords:
        called = self.book[table][column]
        stated = self.columns.get(table, {}).get(column, ())
        names_of_column = (*called.names, *stated, table, column, f"{table}.{column}")
        beside = words_beside(name, column)
        return words_around(beside, called.kind, names_of_column)

    def read(self, table: str, view: str, names: Names) -> str:
        """Return the SELECT of a table's texts with those of stated forms and units read."""
        book = self.book[table]
        forms: dict[str, Reading] = {}
        units: dict[str, Reading] = {}
        for column, form in self.forms.get(table, {}).items():
            where, kind = f"[form.{table}]", book[column].kind
            if column in names:
                forms[column] = partial(form_sql, name=form, kind=kind, column=column, where=where)
        for column, unit in self.units.get(table, {}).items():
            where, kind = f"[unit.{table}]", book[column].kind
            if column in names and UNITS[kind][unit] != "1":
                units[column] = partial(unit_sql, unit=unit, kind=kind, column=column, where=where)
        # A unit is of a number, which a form may have to be read for first.
        in_plain_form = reading_sql(view, forms)
        return reading_sql(in_plain_form, units)

    def notes(self) -> Iterator[str]:
        """Yield what a check says of what was stated."""
        for what, statements in (
            ("read in a stated form", self.forms),
            ("read in a stated unit", self.units),
        ):
            columns: list[str] = []
            for table, words in statements.items():
                columns += [f"{table}.{column} ({word})" for column, word in words.items()]
            if columns:
                yield f"{what}: {', '.join(columns)}"


def stated_of(declared: SourceDeclaration, folder: Path) -> StatedColumns:
    """Return what a declaration and the columns.csv of its folder state; SourceError where it does not fit the columns."""
    assert declared.dump is not None
    book = book_of(folder, declared.dump)
    for table, forms in declared.form.items():
        for column, form in forms.items():
            _check_form(table, column, book[table][column].kind, form)
    units: dict[str, dict[str, str]] = {}
    for table, words in declared.unit.items():
        called = book[table]
        units[table] = {
            column: _unit(table, column, called[column], word) for column, word in words.items()
        }
    columns: dict[str, dict[str, tuple[str, ...]]] = {}
    for table, names in declared.columns.items():
        columns[table] = {column: _as_tuple(stated) for column, stated in names.items()}
    return StatedColumns(book, declared.form, units, columns)


def _check_form(table: str, column: str, kind: str, form: str) -> None:
    """Raise SourceError where a form is stated for a column that holds what the form cannot be of."""
    if kind and kind not in FORMS[form].kinds:
        fitting = [name for name, other in FORMS.items() if kind in other.kinds]
        raise SourceError(
            f"{SETTINGS}: form.{table}.{column}: {form!r} is no form of a column that holds a {kind}; "
            f"its forms are {', '.join(fitting) or 'none'}"
        )


def _as_tuple(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _unit(table: str, column: str, called: Called, unit: str) -> str:
    factors = UNITS.get(called.kind, {})
    if plain_text(unit) not in factors:
        raise SourceError(
            f"{SETTINGS}: unit.{table}.{column}: {unit!r} is no unit of its column, which holds a "
            f"{called.kind or 'value of no declared kind'}; its units are {', '.join(factors) or 'none'}"
        )
    return plain_text(unit)


def _basic(called: Called) -> str:
    """Return the unit in which a quantity is read where nothing else is stated."""
    return next(iter(UNITS[called.kind]))
