"""A source: a folder with `source.toml` and, per contract table, one view, file or folder of parts."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from features.calendar import day_of
from features.contract.tables import Column, contract
from features.contract.unique_within import Scope, check_keys, scopes
from features.errors import SourceError
from features.home import home
from features.ingest.dump.closed_day import closed_day, ending_notes
from features.ingest.dump.columns import SETTINGS
from features.ingest.dump.contents import (
    NOTHING,
    DumpContents,
    dump_contents,
    endings_of,
    merged_settings,
)
from features.ingest.postgres import DECLARATION, SNAPSHOT, database_of, is_database, staged
from features.ingest.scan import files_in
from features.ingest.source_toml import (
    Attribute,
    Event,
    Population,
    SourceDeclaration,
    Split,
    Target,
    declaration_of,
)
from features.text_files import text_of

__all__ = [
    "Attribute",
    "Event",
    "Population",
    "Source",
    "SourceDeclaration",
    "Split",
    "Target",
    "find_source",
]

JOURNAL = (
    *("plans", "draws", "claim_plans", "claim_draws", "provider_plans", "provider_draws"),
    *("alerts", "acknowledgements", "overrides", "claim_overrides", "provider_overrides"),
    *("appeals", "corrections", "outcomes", "review_outcomes"),
)
DECIDED = ("appraisals", "medals", "exposures")
"""Tables of a source to which the journal adds rows: what people decided by command."""
Place = Path | str
"""A folder, or the address of a database such as postgresql://user@host/name?schema=city."""

_STAGED = re.compile(r"\$\{DATA\}/([A-Za-z0-9_]+)[.]parquet")
TEST = timedelta(days=180)
"""The half year before the closed day on which a target is tested where its source states no other."""
LONGEST_NAME = 80
"""Letters of the longest name of a source or target: file systems allow 255 in the names of files made of both."""
FORMS = (".sql", ".parquet", ".csv", "")


@dataclass(frozen=True, slots=True)
class Source:
    """A source that was found and understood; `tables` holds the view, file or folder of each table it has.

    `apart` is where its stores lie when they are not to lie under the home. `place` says where it was found, for people and for
    the register of names; a source that a run makes for itself has none.
    """

    folder: Path
    data: Path
    declaration: SourceDeclaration
    tables: dict[str, Path]
    dump: DumpContents = NOTHING
    apart: Path | None = None
    place: tuple[str, ...] = ()

    @property
    def stores(self) -> Path:
        """The folder of its stores: under the home, but for a source that a run makes for itself."""
        return self.apart or home() / "stores"

    @property
    def name(self) -> str:
        return self.declaration.name

    @property
    def complete_to(self) -> int:
        """The last closed day."""
        return day_of(self.declaration.complete_to)

    @property
    def targets(self) -> dict[str, Target]:
        return self.declaration.target

    @property
    def places(self) -> list[Path]:
        """What its tables may be read from: its data if it has views, the files in its folder, its tables' folders."""
        tables = self.tables.values()
        data = list(self.dump.tables.values())
        if self.declaration.dump is None and self._has_views:
            data = [self.data]
        paths = sorted(self.folder.iterdir())
        files = [path for path in paths if path.is_file() and not path.name.startswith(".")]
        elsewhere = [place for place in tables if place.is_dir() or place.parent != self.folder]
        return data + files + elsewhere

    @property
    def _has_views(self) -> bool:
        return any(place.suffix == ".sql" for place in self.tables.values())

    @property
    def reads_data(self) -> bool:
        """Whether it reads a data folder apart from its own."""
        return self.declaration.dump is not None or self._has_views

    def attributes(self, table: str) -> tuple[Attribute, ...]:
        """Return the attributes declared for one table, in their order."""
        declared = self.declaration.attribute
        return tuple(attribute for attribute in declared if attribute.table == table)

    def scopes(self, table: str) -> tuple[Scope, ...]:
        """Return within what the numbers in a table's columns are unique, where they are not of themselves."""
        return scopes(self.declaration.keys, table, JOURNAL)

    def columns(self, table: str) -> tuple[Column, ...]:
        """Return the columns of one table without the common ones: the contract's, then the declared attributes."""
        attributes = tuple(attribute.column for attribute in self.attributes(table))
        return contract()[table].columns + attributes


def data_folder(data: Path | None) -> Path:
    """Return the folder that ${DATA} stands for: the one given, else LSSI_DATA, else ../shared/data."""
    folder = data or Path(os.environ.get("LSSI_DATA") or "../shared/data")
    return folder.resolve()


def data_of(folder: Path, data: Place | None) -> Path:
    """Return the folder of the data of the source in `folder`: of a database, that where the tables it names are staged."""
    if data == "":
        raise SourceError("--data is empty; name the folder or database that the views read")
    place = data or os.environ.get("LSSI_DATA")
    if not is_database(place):
        return data_folder(Path(place) if place else None)
    declared = _toml(folder / "source.toml").get("dump")
    tables = declared.get("tables", ()) if isinstance(declared, dict) else ()
    named_by_views: set[str] = set()
    for view in files_in(folder, "*.sql"):
        named_by_views |= set(_STAGED.findall(text_of(view)))
    wanted = [*tables, *contract(), *sorted(named_by_views)]
    return _staged(str(place), wanted, declared_as=SETTINGS)


def _staged(address: str, tables: list[str], *, declared_as: str) -> Path:
    return staged(database_of(address), tables, declared_as=declared_as, home=home() / "databases")


def database_folder(address: str) -> Path:
    """Return the folder in which a database that declares itself is staged; SourceError if it has no table lssi_source."""
    folder = _staged(address, list(contract()), declared_as="source.toml")
    if not (folder / "source.toml").exists():
        raise SourceError(
            f"{database_of(address).label} has no table {DECLARATION} with the text of a source.toml; write "
            "one, or keep source.toml in a folder and name the database with --data"
        )
    return folder


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text_of(path))
    except FileNotFoundError:
        raise SourceError(
            f"{path.parent} holds no source.toml; a source is a folder with a source.toml"
        ) from None
    # a number of thousands of digits is a ValueError, as one of TOML is; nesting without end exhausts the parser
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not valid TOML: {error}") from None


def table_place(folder: Path, table: str) -> Path | None:
    """Return the one file or folder of a table in a folder, under the name that it has there.

    None if there is none; SourceError if there are several, or one that is a link to nothing.
    """
    candidates = [folder / f"{table}{form}" for form in FORMS]
    places = [place for place in candidates if place.exists() or place.is_symlink()]
    if len(places) > 1:
        raise SourceError(
            f"table {table!r} is there twice: {', '.join(place.name for place in places)}; keep one"
        )
    for place in places:
        if not place.exists():
            raise SourceError(f"{place} is a link to nothing; mend the link, or remove it")
    return places[0] if places else None


def check_table_names(folder: Path, places: Mapping[str, Path | None]) -> None:
    """Raise SourceError for a file or folder that is named as a table, but in a case or form in which no table is read.

    Beside the table itself another form of it, such as a packed copy, is left alone; another case of the same form is not.
    """
    forms = [form.removeprefix(".") for form in FORMS]
    for path in sorted(folder.iterdir()):
        name, _, form = path.name.partition(".")
        table = name.lower()
        if table not in contract() or path == places.get(table):
            continue
        if places.get(table) is None or form.lower() in forms:
            raise SourceError(
                f"{path} is named as the table {table!r} and not read: a table is {table}.sql, .parquet, .csv or a folder "
                "of that very name; give it such a form and name, or another name"
            )


def find_source(place: Place, data: Place | None = None) -> Source:
    """Return the source in a folder or database, every table found or declared absent; SourceError in one line otherwise."""
    source = _found(place, data)
    _check_lengths(source.declaration)
    return replace(source, place=_place_of(source, place, data))


def _check_lengths(declaration: SourceDeclaration) -> None:
    for what, name in (
        ("a source", declaration.name),
        *(("a target", name) for name in declaration.target),
    ):
        if len(name) > LONGEST_NAME:
            raise SourceError(
                f"the name of {what} should have at most {LONGEST_NAME} characters, because files are named after it; "
                f"{name[:20]}… has {len(name)}"
            )


def _place_of(source: Source, place: Place, data: Place | None) -> tuple[str, ...]:
    """Return the folder or database that a source is and, where it reads other data, those of these.

    Links are followed, and a database is told without user and password: however it is named, it is one place.
    """
    if is_database(place):
        return (database_of(str(place)).place,)
    folder = str(source.folder)
    data_place = data or os.environ.get("LSSI_DATA")
    if is_database(data_place):
        return folder, database_of(str(data_place)).place
    if _names_data(source):
        return folder, str(source.data)
    return (folder,)


def _names_data(source: Source) -> bool:
    """Tell whether what a source reads depends on the data folder: a dump, or a view that names it."""
    if source.declaration.dump is not None:
        return True
    views = [place for place in source.tables.values() if place.suffix == ".sql"]
    return any("${DATA}" in text_of(view) for view in views)


def _found(place: Place, data: Place | None) -> Source:
    folder = database_folder(str(place)) if is_database(place) else Path(place)
    if folder.is_file():
        raise SourceError(f"{folder} is a file; a source is a folder with a source.toml")
    if not folder.is_dir():
        raise SourceError(f"{folder} does not exist; a source is a folder with a source.toml")
    toml = folder / "source.toml"
    values = _toml(toml)
    if "dump" in values:
        return _dumped(folder.resolve(), data_of(folder, data), values)
    declaration = declaration_of(values, str(toml))
    data_place = folder if is_database(place) else data_of(folder, data)
    check_keys(declaration.keys)
    # A folder with a snapshot was staged from a database: its tables are the source's own.
    own = folder.resolve()
    searched = [own, data_place] if (data_place / SNAPSHOT).exists() else [own]
    places = {table: _first_place(searched, table) for table in contract()}
    _check_tables(places, declaration, toml)
    check_table_names(own, places)
    # a link keeps its name in the folder, which says the form
    tables = {table: path for table, path in places.items() if path}
    return Source(own, data_place, declaration, tables)


def _first_place(folders: list[Path], table: str) -> Path | None:
    """Return where a table lies in the first of some folders that has it; None if none has."""
    for folder in folders:
        place = table_place(folder, table)
        if place is not None:
            return place
    return None


def _check_tables(
    places: dict[str, Path | None], declaration: SourceDeclaration, toml: Path
) -> None:
    """Raise SourceError unless each table of the contract is there or declared absent, and not both."""
    for table, place in places.items():
        is_absent = table in declaration.absent
        if place is not None and is_absent:
            raise SourceError(
                f"table {table!r} is declared absent but {place.name} exists; remove one of the two"
            )
    missing = [
        table
        for table, place in places.items()
        if place is None and table not in declaration.absent and table not in JOURNAL
    ]
    if missing:
        raise SourceError(_lacking(missing, declaration, toml))


def _lacking(missing: list[str], declaration: SourceDeclaration, toml: Path) -> str:
    """Return what to say of all tables that are neither there nor declared absent, with the line to write."""
    first, *others = missing
    more = f" (and {len(others)} more)" if others else ""
    absent = json.dumps([*declaration.absent, *missing])
    return (
        f"table {first!r} is missing{more}: add {first}.sql, .parquet, .csv or a folder, "
        f"or write, if you hold none of them, absent = {absent} into {toml}"
    )


def _dumped(folder: Path, data: Path, values: dict[str, Any]) -> Source:
    """Return a source whose views read a dump: a table is absent where the dump lacks what its view needs."""
    origin = str(folder / "source.toml")
    settings = data / SETTINGS
    if settings.exists():
        values = merged_settings(values, _toml(settings))
        origin = f"{origin} under {settings}"
    # Until the dump's own rows say where it ends, no day is too late.
    declared = declaration_of({"complete_to": date.max} | values, origin)
    check_keys(declared.keys)
    dump = declared.dump
    assert dump is not None
    contents = dump_contents(data, declared, folder, home() / "texts")
    if "complete_to" not in values:
        endings = endings_of(contents, folder, declared)
        end = closed_day(endings)
        declared = declared.model_copy(update={"complete_to": end})
        contents = replace(contents, notes=(*contents.notes, *ending_notes(endings, end)))
    declaration = _split(declared)
    tables = dict(contents.own)
    for table, needed in dump.needs.items():
        place = table_place(folder, table)
        if place is not None and table not in tables and any(map(contents.holds, needed)):
            tables[table] = place
    absent = tuple(table for table in contract() if table not in tables and table not in JOURNAL)
    ordered = {table: tables[table].absolute() for table in contract() if table in tables}
    declaration = declaration.model_copy(update={"absent": absent})
    return Source(folder, data, declaration, ordered, contents)


def _split(declared: SourceDeclaration) -> SourceDeclaration:
    """Return a declaration whose targets are tested on the half year before the closed day where they say nothing else."""
    end = declared.complete_to
    last_of_training = end - TEST
    split = Split(
        train_until=last_of_training,
        test_from=last_of_training + timedelta(days=1),
        test_until=end,
    )
    targets: dict[str, Target] = {}
    for name, target in declared.target.items():
        has_split = target.split is not None or target.judged is not None
        targets[name] = target if has_split else target.model_copy(update={"split": split})
    return declared.model_copy(update={"target": targets})
