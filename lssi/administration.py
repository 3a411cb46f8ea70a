"""The ledger of this home for commands: acts of administration, the loop of a store, and the signed checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from features.errors import LedgerError, LockHeld
from features.home import home
from lssi.clock import now, timestamp
from lssi.operator import operator

if TYPE_CHECKING:
    from features.store.store import Store
    from serving.ledger.admin_act import AdminAct
    from serving.ledger.entries import Entry
    from serving.loop.act_once import Loop

PATIENCE = 30.0
"""Seconds for which a reading waits for its entry; a choice: a record takes milliseconds, and on a busy machine seconds."""


def signed_checkpoint() -> str:
    """Return the checkpoint of the ledger of this home, signed."""
    from serving.database.place import ledger_place
    from serving.proof.checkpoint import checkpoint, ledger_signer, signed

    path = ledger_place(home())
    return signed(checkpoint(path, timestamp()), ledger_signer(path))


def record_act(act: AdminAct) -> None:
    """Make an act of administration durable in the ledger of this home."""
    _write(_entry_now(act))


def note_reading(**reading: str | int) -> None:
    """Let the ledger say who reads what of it, as it does of a reading over HTTP.

    A home that can only be read is read all the same: then one line on standard error says that there is no entry.
    """
    from serving.ledger.admin_act import RECORD_READ, AdminAct

    entry = _entry_now(AdminAct(RECORD_READ, operator(None), reading, reading))
    outcome: Future[None] = Future()
    # in a thread of its own, since nothing else ends the wait for a lock that another program keeps
    Thread(target=_write_into, args=(outcome, entry), daemon=True).start()
    try:
        outcome.result(PATIENCE)
    except (LedgerError, LockHeld, OSError) as error:  # no time left is an OSError
        why = str(error) or "the ledger did not answer in time"
        print(f"没有留下读取记录。No entry of this reading could be left: {why}", file=sys.stderr)


def _entry_now(act: AdminAct) -> Entry:
    from serving.ledger.admin_act import admin_entry
    from serving.scoring.transcript import KEPT_DAYS

    return admin_entry(act, moment=now(), kept_days=KEPT_DAYS)


def _write(entry: Entry) -> None:
    from serving.database.place import ledger_place
    from serving.ledger.ledger import Ledger

    with Ledger(ledger_place(home())) as writer:
        writer.append(entry).result()


def _write_into(outcome: Future[None], entry: Entry) -> None:
    try:
        _write(entry)
    except Exception as failure:  # noqa: BLE001 - whoever waits raises it
        outcome.set_exception(failure)
    else:
        outcome.set_result(None)


@contextmanager
def loop_of_store(store: Store) -> Iterator[Loop]:
    """Yield the loop of a store, its journal and the ledger of this home, which is closed afterwards."""
    from serving.database.place import ledger_place
    from serving.ledger.ledger import Ledger
    from serving.loop.act_once import Loop

    with Ledger(ledger_place(home())) as ledger:
        yield Loop(store, home() / "journal" / store.source.name, ledger)
