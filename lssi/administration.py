"""What an administrator does at the command line, written into the ledger of this home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.home import home
from lssi.clock import now

if TYPE_CHECKING:
    from serving.ledger.admin_act import AdminAct


def record_act(act: AdminAct) -> None:
    """Make an act of administration durable in the ledger of this home."""
    from serving.database.place import ledger_place
    from serving.ledger.admin_act import admin_entry
    from serving.ledger.ledger import Ledger
    from serving.scoring.transcript import KEPT_DAYS

    entry = admin_entry(act, moment=now(), kept_days=KEPT_DAYS)
    with Ledger(ledger_place(home())) as writer:
        writer.append(entry).result()
