"""`lssi upgrade`: the home of an earlier version gets today's form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from features.home import home
from lssi.administration import record_act
from lssi.operator import operator
from lssi.options import Json, Who
from lssi.output import say, say_lines

OnlyPlanned = Annotated[
    bool, typer.Option("--dry-run", help="只说会改什么 / only say what would change")
]


def upgrade_command(dry_run: OnlyPlanned = False, who: Who = None, as_json: Json = False) -> None:
    """升级状态目录。Give the home that an earlier version left today's form, whole or not at all; what it
    changes is backed up in the home first. It is refused while anything uses the home.
    """
    from lssi.home_upgrade.upgrade import planned_upgrade, upgrade
    from lssi.home_upgrade.upgrade_lines import (
        upgrade_plan_as_json,
        upgrade_plan_lines,
        upgraded_as_json,
        upgraded_lines,
    )

    if dry_run:
        shown, lines = upgrade_plan_as_json(home(), planned_upgrade(home())), upgrade_plan_lines
    else:
        upgraded = upgrade(home(), partial(_record_upgrade, who))
        shown, lines = upgraded_as_json(home(), upgraded), upgraded_lines
    if as_json:
        say(shown)
    else:
        say_lines(lines(shown))


def _record_upgrade(who: str | None, form: int, parts: Sequence[str]) -> None:
    """Write into the ledger, where one was begun, that a home was upgraded."""
    from features.home_form import HOME_FORM
    from serving.database.place import ledger_place
    from serving.ledger.admin_act import AdminAct
    from serving.ledger.opening import ledger_exists

    if not ledger_exists(ledger_place(home())):
        return
    content = {"form": form, "to": HOME_FORM, "parts": list(parts)}
    forms = f"{form} -> {HOME_FORM}"
    record_act(AdminAct("home_upgraded", operator(who), {"home": forms}, content, forms))
