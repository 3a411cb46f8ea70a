"""The ledger of this home for commands: acts of administration, the loop of a store, and the signed checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from features.home import home
from lssi.clock import now, timestamp

if TYPE_CHECKING:
    from features.store.store import Store
    from serving.ledger.admin_act import AdminAct
    from serving.loop.act_once import Loop


def signed_checkpoint() -> str:
    """Return the checkpoint of the ledger of this home, signed."""
    from serving.database.place import ledger_place
    from serving.proof.checkpoint import checkpoint, ledger_signer, signed

    path = ledger_place(home())
    return signed(checkpoint(path, timestamp()), ledger_signer(path))


def record_act(act: AdminAct) -> None:
    """Make an act of administration durable in the ledger of this home."""
    from serving.database.place import ledger_place
    from serving.ledger.admin_act import admin_entry
    from serving.ledger.ledger import Ledger
    from serving.scoring.transcript import KEPT_DAYS

    entry = admin_entry(act, moment=now(), kept_days=KEPT_DAYS)
    with Ledger(ledger_place(home())) as writer:
        writer.append(entry).result()


@contextmanager
def loop_of_store(store: Store) -> Iterator[Loop]:
    """Yield the loop of a store, its journal and the ledger of this home, which is closed afterwards."""
    from serving.database.place import ledger_place
    from serving.ledger.ledger import Ledger
    from serving.loop.act_once import Loop

    with Ledger(ledger_place(home())) as ledger:
        yield Loop(store, home() / "journal" / store.source.name, ledger)
