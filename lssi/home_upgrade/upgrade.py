"""The upgrade of a home: refused, done, carried on where it was stopped, or undone where it failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.files import close_to_others, remove, write_durable_text, write_points
from features.home_form import (
    HOME_FORM,
    NOTE,
    UPGRADE_NOTE,
    check_form,
    home_alone,
    home_form,
    note_of,
)
from lssi.home_upgrade.backup import back_up, check_room, keep_backup, undo
from lssi.home_upgrade.home_plan import HomePlan, check_readable, home_plan, open_to_others
from lssi.home_upgrade.in_use import check_unused
from lssi.home_upgrade.parts import HOME_PARTS

RecordUpgrade = Callable[[int, Sequence[str]], None]
"""Writes into the ledger from which form a home was upgraded, and which parts."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did: the form before, the names of the parts that changed, and the backup, None where none was needed."""

    form: int
    parts: tuple[str, ...]
    backup: Path | None


def planned_upgrade(home: Path) -> HomePlan:
    """Return what an upgrade of a home would change; LssiError where it would be refused. Nothing is changed."""
    check_form(home)
    check_readable(home)
    return home_plan(home)


def upgrade(home: Path, record: RecordUpgrade) -> Upgraded | None:
    """Give a home today's form, whole or not at all; None where it has that form.

    One that was stopped is carried on. One that fails is undone, and its error raised; HomeError where it is refused.
    """
    with home_alone(home):
        if not (home / UPGRADE_NOTE).exists():
            plan = planned_upgrade(home)
            if plan.changes_nothing:
                return None
            _begin(home, plan)
        return _carried_on(home, record)


def _carried_on(home: Path, record: RecordUpgrade) -> Upgraded:
    """Do the upgrade that is noted in a home."""
    note = home / UPGRADE_NOTE
    content = note_of(note)
    files = [home / name for name in content["files"]]
    form, parts = int(content["form"]), tuple(content["parts"])
    try:
        _renew(home, parts, form, record)
    except Exception:
        undo(home, files)
        remove(note)
        raise
    backup = keep_backup(home) if files else None
    with write_points("an upgrade is done"):
        remove(note)
    return Upgraded(form, parts, backup)


def _begin(home: Path, plan: HomePlan) -> None:
    """Note what an upgrade will change, once all of it is backed up; HomeError where the home is in use."""
    check_room(home, plan.files)
    # processes of earlier versions share no lock, and are seen by what they have open
    check_unused(home)
    if plan.files:
        back_up(home, plan.files)
    content = {
        "form": plan.form,
        "parts": list(plan.parts),
        "files": [str(path.relative_to(home)) for path in plan.files],
    }
    write_durable_text(home / UPGRADE_NOTE, _text(content))


def _renew(home: Path, parts: Sequence[str], form: int, record: RecordUpgrade) -> None:
    """Renew the named parts, close what is open, write it into the ledger, and note the home's form."""
    for part in HOME_PARTS:
        if part.name in parts:
            with write_points(f"the part {part.name} is renewed"):
                part.renew(home)
    for path in open_to_others(home):
        close_to_others(path)
    if parts or form != HOME_FORM:
        record(form, parts)
    if home_form(home) != HOME_FORM:
        write_durable_text(home / NOTE, _text({"form": HOME_FORM}))


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
