"""A source: a folder with `source.toml` and, per contract table, one view, file or folder of parts."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from features.calendar import day_of
from features.contract.tables import Column, contract
from features.contract.unique_within import Scope, check_keys, scopes
from features.errors import SourceError
from features.home import home
from features.ingest.dump.closed_day import closed_day, told_of
from features.ingest.dump.columns import SETTINGS
from features.ingest.dump.contents import NOTHING, Found, endings_of, found_in, merged_settings
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

JOURNAL = ("plans", "draws", "alerts", "acknowledgements", "overrides", "appeals", "outcomes")
Place = Path | str
"""A folder, or the address of a database such as postgresql://user@host/name?schema=city."""

_STAGED = re.compile(r"\$\{DATA\}/([A-Za-z0-9_]+)[.]parquet")
TEST = timedelta(days=180)
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
    dump: Found = NOTHING
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
        viewed = self.declaration.dump is None and any(
            place.suffix == ".sql" for place in self.tables.values()
        )
        data = [self.data] if viewed else list(self.dump.tables.values())
        files = [
            path
            for path in sorted(self.folder.iterdir())
            if path.is_file() and not path.name.startswith(".")
        ]
        return (
            data
            + files
            + [
                place
                for place in self.tables.values()
                if place.is_dir() or place.parent != self.folder
            ]
        )

    @property
    def reads_data(self) -> bool:
        """Whether it reads a data folder apart from its own."""
        return self.declaration.dump is not None or any(
            place.suffix == ".sql" for place in self.tables.values()
        )

    def attributes(self, table: str) -> tuple[Attribute, ...]:
        """Return the attributes declared for one table, in their order."""
        return tuple(a for a in self.declaration.attribute if a.table == table)

    def scopes(self, table: str) -> tuple[Scope, ...]:
        """Return within what the numbers in a table's columns are unique, where they are not of themselves."""
        return scopes(self.declaration.keys, table, JOURNAL)

    def columns(self, table: str) -> tuple[Column, ...]:
        """Return the columns of one table without the common ones: the contract's, then the declared attributes."""
        return contract()[table].columns + tuple(a.column for a in self.attributes(table))


def data_folder(data: Path | None) -> Path:
    """Return the folder that ${DATA} stands for: the one given, else LSSI_DATA, else ../shared/data."""
    return (data or Path(os.environ.get("LSSI_DATA") or "../shared/data")).resolve()


def data_of(folder: Path, data: Place | None) -> Path:
    """Return the folder of the data of the source in `folder`: of a database, that where the tables it names are staged."""
    place = data or os.environ.get("LSSI_DATA")
    if not is_database(place):
        return data_folder(Path(place) if place else None)
    declared = _toml(folder / "source.toml").get("dump")
    tables = declared.get("tables", ()) if isinstance(declared, dict) else ()
    read = {
        name
        for view in files_in(folder, "*.sql")
        for name in _STAGED.findall(view.read_text("utf-8"))
    }
    return _staged(str(place), [*tables, *contract(), *sorted(read)], declared_as=SETTINGS)


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
        return tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise SourceError(
            f"{path.parent} holds no source.toml; a source is a folder with a source.toml"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} is not valid TOML: {error}") from None


def _place(folder: Path, table: str) -> Path | None:
    found = [path for form in FORMS if (path := folder / f"{table}{form}").exists()]
    if len(found) > 1:
        raise SourceError(
            f"table {table!r} is there twice: {', '.join(p.name for p in found)}; keep one"
        )
    return found[0] if found else None


def find_source(place: Place, data: Place | None = None) -> Source:
    """Return the source in a folder or database, every table found or declared absent; SourceError in one line otherwise."""
    found = _found(place, data)
    _check_lengths(found.declaration)
    return replace(found, place=_place_of(found, place, data))


def _check_lengths(declaration: SourceDeclaration) -> None:
    for what, name in (
        ("a source", declaration.name),
        *(("a target", name) for name in declaration.target),
    ):
        if len(name) > LONGEST_NAME:
            raise SourceError(
                f"the name of {what} should have at most {LONGEST_NAME} letters, for files are named after it; "
                f"{name[:20]}… has {len(name)}"
            )


def _place_of(found: Source, place: Place, data: Place | None) -> tuple[str, ...]:
    """Return the folder or database that a source is and, where it reads other data, those of these.

    Links are followed, and a database is told without user and password: however it is named, it is one place.
    """
    if is_database(place):
        return (database_of(str(place)).place,)
    given = data or os.environ.get("LSSI_DATA")
    if is_database(given):
        return str(found.folder), database_of(str(given)).place
    return (str(found.folder), str(found.data)) if _names_data(found) else (str(found.folder),)


def _names_data(found: Source) -> bool:
    """Tell whether what a source reads depends on the data folder: a dump, or a view that names it."""
    views = [place for place in found.tables.values() if place.suffix == ".sql"]
    return found.declaration.dump is not None or any(
        "${DATA}" in view.read_text("utf-8", "replace") for view in views
    )


def _found(place: Place, data: Place | None) -> Source:
    folder = database_folder(str(place)) if is_database(place) else Path(place)
    if folder.is_file():
        raise SourceError(f"{folder} is a file; a source is a folder with a source.toml")
    if not folder.is_dir():
        raise SourceError(f"{folder} does not exist; a source is a folder with a source.toml")
    origin, values = str(folder / "source.toml"), _toml(folder / "source.toml")
    if "dump" in values:
        return _dumped(folder.resolve(), data_of(folder, data), values)
    declaration, given = (
        declaration_of(values, origin),
        folder if is_database(place) else data_of(folder, data),
    )
    check_keys(declaration.keys)
    searched = [folder, given] if (given / SNAPSHOT).exists() else [folder]
    places = {
        table: next(filter(None, (_place(one, table) for one in searched)), None)
        for table in contract()
    }
    for table, found in places.items():
        if found is not None and table in declaration.absent:
            raise SourceError(
                f"table {table!r} is declared absent but {found.name} exists; remove one of the two"
            )
        if found is None and table not in declaration.absent and table not in JOURNAL:
            raise SourceError(
                f"table {table!r} is missing: add {table}.sql, .parquet, .csv or a folder, or name it "
                f"under absent in {folder / 'source.toml'}"
            )
    return Source(
        folder.resolve(), given, declaration, {t: p.resolve() for t, p in places.items() if p}
    )


def _dumped(folder: Path, data: Path, values: dict[str, Any]) -> Source:
    """Return a source whose views read a dump: a table is absent where the dump lacks what its view needs."""
    origin = str(folder / "source.toml")
    if (data / SETTINGS).exists():
        values, origin = (
            merged_settings(values, _toml(data / SETTINGS)),
            f"{origin} under {data / SETTINGS}",
        )
    declared = declaration_of({"complete_to": date.max} | values, origin)
    check_keys(declared.keys)
    dump = declared.dump
    assert dump is not None
    found = found_in(data, declared, folder, home() / "texts")
    if "complete_to" not in values:
        endings = endings_of(found, folder, declared)
        end = closed_day(endings)
        declared = declared.model_copy(update={"complete_to": end})
        found = replace(found, notes=(*found.notes, *told_of(endings, end)))
    declaration = _split(declared)
    tables = dict(found.own)
    for table, needed in dump.needs.items():
        place = _place(folder, table)
        if place is not None and table not in tables and any(map(found.holds, needed)):
            tables[table] = place
    absent = tuple(table for table in contract() if table not in tables and table not in JOURNAL)
    ordered = {table: tables[table].absolute() for table in contract() if table in tables}
    return Source(folder, data, declaration.model_copy(update={"absent": absent}), ordered, found)


def _split(declared: SourceDeclaration) -> SourceDeclaration:
    """Return a declaration whose targets are tested on the half year before the closed day where they say nothing else."""
    end = declared.complete_to
    split = Split(train_until=end - TEST, test_from=end - TEST + timedelta(days=1), test_until=end)
    targets = {
        name: target if target.split else target.model_copy(update={"split": split})
        for name, target in declared.target.items()
    }
    return declared.model_copy(update={"target": targets})
