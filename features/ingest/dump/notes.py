"""What a check reports about a dump: its tables, missing columns, and files that were ignored or read under other names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.ingest.dump.columns import SETTINGS, Names, names_in_files
from features.ingest.dump.files import DumpFile, TableFiles, dump_columns, table_name
from features.ingest.source_toml import Dump

SNAPSHOT = "snapshot.json"

TablesByName = dict[str, TableFiles]


@dataclass(frozen=True, slots=True)
class DumpTables:
    """The files of a dump: of declared tables, of contract tables, and the names of the declared columns."""

    tables: TablesByName
    contract_tables: TablesByName
    columns: Mapping[str, Names]

    @property
    def files(self) -> list[TableFiles]:
        return [*self.tables.values(), *self.contract_tables.values()]


def table_notes(dump: Dump, data: Path, contents: DumpTables) -> Iterator[str]:
    """Yield what a check reports about a dump: what was read and from which files, what is missing, what was ignored."""
    columns = contents.columns
    missing = [name for name in dump.tables if name not in columns]
    yield f"read {', '.join(columns)}; not in the dump: {', '.join(missing) or '-'}"
    renamed = [*_renamed_tables(contents.tables), *_renamed_columns(columns)]
    copied = [f"{part.name} ({part.read.parent.name})" for part in copied_parts(contents.files)]
    lists: dict[str, Iterable[str]] = {
        "columns that the dump lacks, taken as empty": _empty_columns(dump, columns),
        "columns left alone": _unread_columns(contents),
        "files and folders left alone": _unread_files(data, contents.files),
        "read under a name that holds theirs": renamed,
        "read from a copy in UTF-8": copied,
    }
    for what, listed in lists.items():
        names = list(listed)
        if names:
            yield f"{what}: {', '.join(names)}"


def _empty_columns(dump: Dump, columns: Mapping[str, Names]) -> Iterator[str]:
    for table, names in columns.items():
        for column in dump.tables[table].columns:
            if column not in names:
                yield f"{table}.{column}"


def _unread_columns(contents: DumpTables) -> Iterator[str]:
    for table, names in contents.columns.items():
        read = {name.upper() for name in names_in_files(names)}
        for column in dump_columns(contents.tables[table]):
            if column.upper() not in read:
                yield f"{table}.{column}"


def _unread_files(data: Path, files: Collection[TableFiles]) -> Iterator[str]:
    places = {table.place for table in files}
    for path in sorted(data.iterdir()):
        is_setting = path.name in (SETTINGS, SNAPSHOT)
        is_hidden = path.name.startswith(".")
        if path not in places and not is_setting and not is_hidden:
            yield path.name


def _renamed_tables(tables: Mapping[str, TableFiles]) -> Iterator[str]:
    for name, files in tables.items():
        if table_name(files.place) != name.lower():
            yield f"{name} from {files.place.name}"


def _renamed_columns(columns: Mapping[str, Names]) -> Iterator[str]:
    for table, names in columns.items():
        for column, names_of_column in names.items():
            for name in names_of_column:
                if name.strip().upper() != column.upper():
                    yield f"{table}.{column} from {name}"


def copied_parts(tables: Collection[TableFiles]) -> list[DumpFile]:
    """Return the parts of tables that are read from a copy in UTF-8."""
    copied: list[DumpFile] = []
    for files in tables:
        copied += [part for part in files.parts if part.read != part.path]
    return copied


def log_notes(dump: Dump, logged: Collection[str]) -> Iterator[str]:
    """Yield what a check says of the day on which rows became known, where a source declares a business log."""
    log = dump.log
    if log is None:
        return
    days = log.instead_of
    if logged:
        days = f"{log.table}.{log.day} for {', '.join(logged)}, else {log.instead_of}"
    yield f"the day a row became known is {days} as the dump gives it"
