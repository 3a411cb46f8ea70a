"""The backup of what an upgrade changes: copies beside the home's own files, from which a failed upgrade is undone."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from features.errors import HomeError
from features.files import built, durable, own_folder, remove, write_points

BACKUPS = "backups"
_UNFINISHED = "unfinished"
"""The name of a backup until its upgrade is done."""
SPARE = 16 << 20
"""Bytes that stay free beside what an upgrade writes; a choice: room for SQLite's journal and the notes."""


def check_room(home: Path, files: Iterable[Path]) -> None:
    """Raise HomeError where a home lacks the room for copies of some files and for the files that replace them."""
    size = sum(path.stat().st_size for path in files if path.exists())
    needed = 2 * size + SPARE
    free = shutil.disk_usage(home).free
    if free < needed:
        raise HomeError(
            f"the upgrade needs {needed >> 20} MB beside {home}, and {free >> 20} MB are free;"
            " make room, nothing was changed"
        )


def back_up(home: Path, files: Iterable[Path]) -> Path:
    """Copy files of a home into its unfinished backup, whole or not at all, and return the folder; one of before goes."""
    folder = unfinished_backup(home)
    remove(folder)
    own_folder(folder.parent)
    with built(folder) as draft:
        for path in files:
            if path.exists():
                _copy(path, draft / path.relative_to(home))
    return folder


def _copy(path: Path, copy: Path) -> None:
    own_folder(copy.parent)
    if path.suffix != ".db":
        shutil.copy2(path, copy)
        return
    # a database's newest pages may stand in its write-ahead log, which the copy has within
    with closing(sqlite3.connect(path)) as database, closing(sqlite3.connect(copy)) as target:
        database.backup(target)


def unfinished_backup(home: Path) -> Path:
    """Return the folder of the backup of an upgrade that is not done."""
    return home / BACKUPS / _UNFINISHED


def keep_backup(home: Path) -> Path:
    """Give the unfinished backup of a home its lasting name, the next number, and return it; again, the last one."""
    folder = unfinished_backup(home)
    names = [path.name for path in folder.parent.iterdir()]
    newest = max([int(name) for name in names if name.isdecimal()], default=0)
    if not folder.exists():
        return folder.with_name(str(newest))
    lasting = folder.with_name(str(newest + 1))
    with write_points("a backup has its name"):
        folder.rename(lasting)
    return lasting


def undo(home: Path, files: Iterable[Path]) -> None:
    """Let files of a home be what their backup holds, and be gone where it has none."""
    folder = unfinished_backup(home)
    for path in files:
        copy = folder / path.relative_to(home)
        if not copy.exists():
            remove(path)
            continue
        for ending in ("-wal", "-shm"):
            remove(path.with_name(path.name + ending))
        with durable(path) as draft:
            shutil.copyfile(copy, draft)
        shutil.copystat(copy, path)
    remove(folder)
