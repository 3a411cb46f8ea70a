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

        SourceError if one is there twice, is stated and not there, or its name says a unit that nobody stated.
        """
        headings = Headings(table, self.book[table], self.columns.get(table, {}))
        found: Names = {}
        for part in held.parts:
            keys = {key for key, _ in part.keys}
            for column, given in headings.find(
                [*part_columns(part), *sorted(keys)], part.name
            ).items():
                if len(given) > 1 and set(given) - keys:
                    raise SourceError(f"{part.name} holds column {column} twice; keep one")
                names = (*given, *found.get(column, ()))
                found[column] = tuple({name.upper(): name for name in names}.values())
        for column, names in headings.stated.items():
            if column not in found:
                raise SourceError(
                    f"{held.place.name} holds no column {' or '.join(map(repr, names))}, "
                    f"which [columns.{table}] says is {column}; its columns are "
                    f"{', '.join(sorted(dump_columns(held)))}"
                )
        for part in held.parts:
            self._check_part(table, part, found)
        for column, names in found.items():
            self._check_together(table, column, names, held.place.name)
        return found

    def _check_part(self, table: str, part: DumpFile, found: Names) -> None:
        own = {*part_columns(part), *(key for key, _ in part.keys)}
        for column, names in found.items():
            for name in own.intersection(names):
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
        words, known, own = self._words(table, column, name), UNITS[called.kind], _basic(called)
        stated = self.units.get(table, {}).get(column)
        seems = f"{file}: column {name!r} seems to hold no plain {own}"
        line = f"[unit.{table}] {column} ="
        if words.strange and stated is None:
            raise SourceError(
                f"{seems}: {words.strange[0]!r} is no unit known here; export it in {own}, or write "
                f'{line} "{own}" (or another of {", ".join(known)}) into {SETTINGS}'
            )
        for word in words.units:
            if stated is None and known[word] != "1":
                raise SourceError(
                    f'{seems}: its name says {word!r}; write {line} "{word}" into {SETTINGS} '
                    f'if it does, or "{own}" if not'
                )
            if stated is not None and known[stated] not in ("1", known[word]):
                raise SourceError(
                    f"{file}: the name of column {column} says {word!r} and [unit.{table}] of "
                    f"{SETTINGS} says {stated!r}; give the one or the other"
                )

    def _check_together(self, table: str, column: str, names: Collection[str], place: str) -> None:
        """Refuse a quantity whose names in the parts of its table say several units."""
        called = self.book[table][column]
        if called.kind not in UNITS:
            return
        words = {word for name in names for word in self._words(table, column, name).units}
        if len({UNITS[called.kind][word] for word in words}) > 1:
            raise SourceError(
                f"{place}: the names of column {column} say {' and '.join(sorted(words))}; "
                "give it in one unit"
            )

    def _words(self, table: str, column: str, name: str) -> HeaderWords:
        called = self.book[table][column]
        stated = self.columns.get(table, {}).get(column, ())
        own = (*called.names, *stated, table, column, f"{table}.{column}")
        return words_around(words_beside(name, column), called.kind, own)

    def read(self, table: str, view: str, names: Names) -> str:
        """Return the SELECT of a table's texts with those of stated forms and units read."""
        book, forms, units = self.book[table], dict[str, Reading](), dict[str, Reading]()
        for column, form in self.forms.get(table, {}).items():
            where = f"[form.{table}]"
            if column in names:
                forms[column] = partial(
                    form_sql, name=form, kind=book[column].kind, column=column, where=where
                )
        for column, unit in self.units.get(table, {}).items():
            where, kind = f"[unit.{table}]", book[column].kind
            if column in names and UNITS[kind][unit] != "1":
                units[column] = partial(unit_sql, unit=unit, kind=kind, column=column, where=where)
        return reading_sql(reading_sql(view, forms), units)

    def notes(self) -> Iterator[str]:
        """Yield what a check says of what was stated."""
        for what, said in (
            ("read in a stated form", self.forms),
            ("read in a stated unit", self.units),
        ):
            if columns := [
                f"{table}.{column} ({word})"
                for table, words in said.items()
                for column, word in words.items()
            ]:
                yield f"{what}: {', '.join(columns)}"


def stated_of(declared: SourceDeclaration, folder: Path) -> StatedColumns:
    """Return what a declaration and the columns.csv of its folder state; SourceError where it does not fit the columns."""
    assert declared.dump is not None
    book = book_of(folder, declared.dump)
    for table, forms in declared.form.items():
        for column, form in forms.items():
            kind = book[table][column].kind
            if kind and kind not in FORMS[form].kinds:
                fitting = [name for name, other in FORMS.items() if kind in other.kinds]
                raise SourceError(
                    f"{SETTINGS}: form.{table}.{column}: {form!r} is no form of a column that holds a {kind}; "
                    f"its forms are {', '.join(fitting) or 'none'}"
                )
    units = {
        table: {
            column: _unit(table, column, book[table][column], unit)
            for column, unit in words.items()
        }
        for table, words in declared.unit.items()
    }
    columns = {
        table: {
            column: (names,) if isinstance(names, str) else names for column, names in given.items()
        }
        for table, given in declared.columns.items()
    }
    return StatedColumns(book, declared.form, units, columns)


def _unit(table: str, column: str, called: Called, unit: str) -> str:
    known = UNITS.get(called.kind, {})
    if plain_text(unit) not in known:
        raise SourceError(
            f"{SETTINGS}: unit.{table}.{column}: {unit!r} is no unit of its column, which holds a "
            f"{called.kind or 'value of no declared kind'}; its units are {', '.join(known) or 'none'}"
        )
    return plain_text(unit)


def _basic(called: Called) -> str:
    """Return the unit in which a quantity is read where nothing else is stated."""
    return next(iter(UNITS[called.kind]))
