"""Whether a model is halted: by the newest act of the ledger about a source and target, a monitor's verdict or what lifts it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from features.errors import LedgerError
from serving.database.connection import LedgerConnection
from serving.database.place import LedgerPlace
from serving.ledger.act import Act, act_of, subject_digest
from serving.ledger.entries import record_id_of
from serving.ledger.merkle import leaf_hash
from serving.ledger.opening import ledger_exists, ledger_reader
from serving.ledger.read import stored

MONITOR, LIFT = "monitor", "lift"
"""What the acts are called that halt a model, or let it go on."""
NEWEST_FIRST = (
    "SELECT sequence, CAST(leaf AS BLOB), CAST(payload AS BLOB) FROM entries JOIN payloads USING (sequence)"
    ' WHERE CAST(leaf AS TEXT) LIKE \'%"kind":"act"%\' ORDER BY sequence DESC'
)


@dataclass(frozen=True, slots=True)
class StandingHalt:
    """A verdict that halts a target: its record, the day it looked from, and its gravest reason in both languages."""

    record_id: str
    as_of: str
    zh: str
    en: str


def standing_halt(ledger: LedgerPlace, source: str, target: str) -> StandingHalt | None:
    """Return the halt that stands for a source and target; None where the newest verdict is another or was lifted.

    A verdict is about the target, not one of its models: after a halt a new model waits for a verdict of its own, or for
    somebody who lifts the halt. Raises LedgerError where the record was changed.
    """
    if not ledger_exists(ledger):
        return None
    with ledger_reader(ledger) as connection:
        for record_id, act in _acts(connection):
            if (act.content.get("source"), act.content.get("target")) == (source, target):
                # a changed payload must not let a halted model go on, nor halt another
                stored(connection, record_id)
                return _halt(record_id, act)
    return None


def _acts(connection: LedgerConnection) -> Iterator[tuple[str, Act]]:
    """Yield the acts that decide about a model, the newest first, each with its record id."""
    for sequence, leaf, payload in connection.each(NEWEST_FIRST):
        act = act_of(bytes(payload))
        if act.what in (MONITOR, LIFT):
            yield record_id_of(sequence, leaf_hash(bytes(leaf))), act


def _halt(record_id: str, act: Act) -> StandingHalt | None:
    """Return the halt that an act is, None where it is a lift or another verdict."""
    if act.what != MONITOR or act.content["verdict"]["word"] != "halt":
        return None
    gravest = act.content["verdict"]["reasons"][0]
    return StandingHalt(record_id, act.content["as_of"], gravest["zh"], gravest["en"])


def lifting_act(ledger: LedgerPlace, source: str, target: str, *, who: str, reason: str) -> Act:
    """Return the act by which a person lets a halted target go on; LedgerError where no halt stands or a text is empty."""
    if not who.strip() or not reason.strip():
        raise LedgerError(
            "a halt is lifted by somebody and for a reason; give both --by and --reason"
        )
    halt = standing_halt(ledger, source, target)
    if halt is None:
        raise LedgerError(
            f"no halt stands for target {target!r} of source {source!r}, so there is nothing to lift; "
            "`lssi monitor --record` writes one where its verdict is halt"
        )
    content = {"source": source, "target": target, "halt": halt.record_id, "reason": reason}
    subject = subject_digest({"source": source, "target": target})
    return Act(LIFT, who, subject_digest(content), subject, content)
