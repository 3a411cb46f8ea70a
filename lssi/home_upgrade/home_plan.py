"""What an upgrade would change of a home, found without changing anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import BundleError
from features.home_form import HOME_FORM, UPGRADE_NOTE, home_form
from features.ingest.scan import files_below
from lssi.home_upgrade.parts import HOME_PARTS, FileChanges


@dataclass(frozen=True, slots=True)
class HomePlan:
    """The form of a home, by part the files of an earlier form, what other users may open, and if an upgrade was stopped."""

    form: int
    parts: Mapping[str, FileChanges]
    open_to_others: tuple[Path, ...]
    is_stopped: bool

    @property
    def changes_nothing(self) -> bool:
        """Whether the home is of today's form in all that an upgrade changes."""
        is_stale = self.form != HOME_FORM or self.parts or self.open_to_others
        return not (is_stale or self.is_stopped)

    @property
    def files(self) -> list[Path]:
        """The files that would be changed, taken away or made."""
        return sorted({path for changes in self.parts.values() for path in changes})


def home_plan(home: Path) -> HomePlan:
    """Return what an upgrade of a home would change."""
    stale: dict[str, FileChanges] = {}
    for part in HOME_PARTS:
        changes = part.changes(home)
        if changes:
            stale[part.name] = changes
    open_places = tuple(open_to_others(home))
    is_stopped = (home / UPGRADE_NOTE).exists()
    return HomePlan(home_form(home), stale, open_places, is_stopped)


def check_readable(home: Path) -> None:
    """Raise LssiError where the ledger or a model is of a form that this version does not read, or damaged."""
    from models.bundle.bundle import manifest_of
    from models.bundle.folder import read_folder
    from serving.database.place import ledger_place
    from serving.ledger.opening import ledger_exists
    from serving.ledger.read import check_newest

    place = ledger_place(home)
    if ledger_exists(place):
        check_newest(place)
    for manifest in files_below(home / "bundles", "bundle.json"):
        try:
            manifest_of(read_folder(manifest.parent))
        except BundleError as error:
            raise BundleError(f"{manifest.parent}: {error}") from None


def open_to_others(home: Path) -> list[Path]:
    """Return the folders and files of this user in a home that other users may open; links are not followed."""
    places = [home]
    for folder, folders, files in os.walk(home):
        places += [Path(folder, name) for name in (*folders, *files)]
    return sorted(path for path in places if _is_open(path))


def _is_open(path: Path) -> bool:
    status = path.lstat()
    is_own = status.st_uid == os.geteuid() and not path.is_symlink()
    return is_own and bool(status.st_mode & 0o077)
