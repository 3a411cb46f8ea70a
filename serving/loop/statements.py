"""What a record says of units: a recorded score of each of them, an alert of one, a plan of those on its lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from features.calendar import day_of
from serving.database.place import local_file
from serving.errors import DayUnusable
from serving.ledger.act import Act, act_of
from serving.ledger.read import StoredRecord
from serving.ledger.record import Record, record_of
from serving.loop.act_once import Loop
from serving.loop.alert_unit import unit_of_alert
from serving.scoring.from_day import resolved

ALERT, PLAN, SCORE = "alert", "plan", "score"


@dataclass(frozen=True, slots=True)
class Statement:
    """What one record says of one unit as of a day, and the grounds that it gives: reasons, facts and matches as plain values.

    `grounds` is None where they are no longer there.
    """

    record_id: str
    what: str
    kind: str
    unit: str
    target: str | None
    as_of: int
    grounds: Any


def statements_of(loop: Loop, stored: StoredRecord) -> Iterator[Statement]:
    """Yield what a record says of each unit out of the history of a loop's source; nothing where it says nothing.

    A score of rows that a request sent is none, and a batch has its rows beside the ledger.
    """
    payload = stored.payload or b""
    if stored.entry["kind"] == SCORE:
        record = record_of(payload)
        if record.store.startswith(f"{loop.source}-"):
            yield from _of_scores(loop, stored.record_id, record)
    elif stored.entry["kind"] == "act":
        act = act_of(payload)
        if act.content.get("source") == loop.source:
            yield from _of_act(stored.record_id, act)


def _of_scores(loop: Loop, record_id: str, record: Record) -> Iterator[Statement]:
    try:
        whole = resolved(local_file(loop.ledger.path).parent, record)
    except DayUnusable:
        # the day's files are gone: who was scored is known, and on what grounds is not
        yield from _of_lost_day(record_id, record)
        return
    for case in whole.cases:
        if case.history is None:
            yield Statement(
                record_id=record_id,
                what=SCORE,
                kind=record.entity,
                unit=case.key,
                target=record.target,
                as_of=case.as_of,
                grounds=[case.reasons, case.facts],
            )


def _of_lost_day(record_id: str, record: Record) -> Iterator[Statement]:
    keys = () if record.reference is None else record.reference.keys
    for key in keys:
        yield Statement(record_id, SCORE, record.entity, key, record.target, record.as_of, None)


def _of_act(record_id: str, act: Act) -> Iterator[Statement]:
    content = act.content
    if act.what == ALERT:
        kind, unit = unit_of_alert(content)
        grounds = [content.get("matches"), content.get("reasons")]
        yield Statement(record_id, ALERT, kind, unit, None, day_of(content["as_of"]), grounds)
    elif act.what == PLAN:
        kind, target = content["unit"], content["target"]
        as_of = day_of(content["as_of"])
        for lines in content["lists"].values():
            for unit, *_ in lines:
                # a line names no row: it rests on those of its unit
                yield Statement(record_id, PLAN, kind, unit, target, as_of, [])
