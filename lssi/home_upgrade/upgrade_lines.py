"""What an upgrade would do or did, as JSON and in lines for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.home_form import HOME_FORM
from lssi.home_upgrade.home_plan import HomePlan
from lssi.home_upgrade.parts import HOME_PARTS, FileChanges
from lssi.home_upgrade.upgrade import Upgraded

Plain = dict[str, Any]


def upgrade_plan_as_json(home: Path, plan: HomePlan) -> Plain:
    """Return what an upgrade would change; files by their place in the home."""
    parts = [
        _part(part.name, {"files": _files(home, plan.parts[part.name])})
        for part in HOME_PARTS
        if part.name in plan.parts
    ]
    return {
        "home": str(home),
        "form": plan.form,
        "to": HOME_FORM,
        "parts": parts,
        "is_stopped": plan.is_stopped,
        "open_to_others": len(plan.open_to_others),
        "changes_nothing": plan.changes_nothing,
    }


def _files(home: Path, changes: FileChanges) -> dict[str, str]:
    return {str(path.relative_to(home)): change for path, change in changes.items()}


def upgraded_as_json(home: Path, upgraded: Upgraded | None) -> Plain:
    """Return what an upgrade did; None is one that had nothing to do."""
    if upgraded is None:
        upgraded = Upgraded(HOME_FORM, (), None)
    backup = upgraded.backup
    return {
        "home": str(home),
        "form": upgraded.form,
        "to": HOME_FORM,
        "parts": [_part(name, {}) for name in upgraded.parts],
        "backup": None if backup is None else str(backup.relative_to(home)),
    }


def _part(name: str, more: Mapping[str, Any]) -> Plain:
    [part] = [part for part in HOME_PARTS if part.name == name]
    return {"part": name, "zh": part.zh, "en": part.en, **more}


def upgrade_plan_lines(shown: Plain) -> list[str]:
    """Return what an upgrade would change, in lines for a reader."""
    if shown["changes_nothing"]:
        return [_up_to_date(shown)]
    lines = [_heading(shown, "将升级", "would be upgraded")]
    if shown["is_stopped"]:
        lines.append("  升级曾中断，将继续 | an upgrade was stopped, and would be carried on")
    for part in shown["parts"]:
        lines.append(_part_line(part))
        lines += [f"    {path}: {change}" for path, change in part["files"].items()]
    if shown["open_to_others"]:
        count = shown["open_to_others"]
        lines.append(
            f"  permissions: {count} 个文件和文件夹将只对本人开放"
            f" | {count} files and folders would be open to their owner alone"
        )
    return lines


def upgraded_lines(shown: Plain) -> list[str]:
    """Return what an upgrade did, in lines for a reader."""
    if shown["form"] == HOME_FORM and not shown["parts"]:
        return [_up_to_date(shown)]
    lines = [_heading(shown, "已升级", "upgraded")]
    lines += [_part_line(part) for part in shown["parts"]]
    if shown["backup"]:
        place = shown["backup"]
        lines.append(
            f"  backup: 改动前的文件在 {place} | the files as they were before are in {place}"
        )
    return lines


def _up_to_date(shown: Plain) -> str:
    return f"{shown['home']}: 已是现行格式 of today's form"


def _heading(shown: Plain, zh: str, en: str) -> str:
    return f"{shown['home']}: {zh} {en}: {shown['form']} -> {shown['to']}"


def _part_line(part: Plain) -> str:
    return f"  {part['part']}: {part['zh']} | {part['en']}"
