"""Records found again: by the unit that they speak of, by who asked or acted, and by the day on which that was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from features.errors import RequestError
from serving.database.connection import LedgerConnection
from serving.database.place import LedgerPlace
from serving.ledger import merkle
from serving.ledger.entries import canonical, leaf_content, record_id_of
from serving.ledger.opening import ledger_reader

_ROWS = (
    "SELECT sequence, CAST(leaf AS BLOB), CAST(payload AS BLOB)"
    " FROM entries LEFT JOIN payloads USING (sequence) ORDER BY sequence"
)


@dataclass(frozen=True, slots=True)
class Sought:
    """What a record should say; None where it does not matter. `who` asked for a score or did an act."""

    unit: str | None = None
    who: str | None = None
    day: date | None = None

    def __post_init__(self) -> None:
        if self.unit is None and self.who is None and self.day is None:
            raise RequestError("say what to find: --unit, --caller or --day, or several of them")

    @property
    def needs_payload(self) -> bool:
        """Whether a record whose payload is erased cannot be told to be one of these."""
        return self.unit is not None or self.who is not None


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that was found: `about` is an act's name or a score's target, "" where the payload is erased."""

    record_id: str
    at: str
    kind: str
    who: str
    about: str


@dataclass(frozen=True, slots=True)
class Hits:
    """The records found, and how many of the day were not searched: payloads erased, rows of batches beside the ledger."""

    records: tuple[Hit, ...]
    erased: int
    batches: int


def seek(path: LedgerPlace, sought: Sought) -> Hits:
    """Return the records of a ledger that say what is sought, oldest first."""
    records: list[Hit] = []
    erased = batches = 0
    with ledger_reader(path) as connection:
        for hit, payload in _of_day(connection, sought.day):
            if payload is None and sought.needs_payload:
                erased += 1
            elif _says(hit, payload or b"", sought):
                records.append(hit)
            elif hit.kind == "batch" and sought.unit is not None:
                batches += 1
    return Hits(tuple(records), erased, batches)


def hit_lines(hits: Hits) -> list[str]:
    """Return what was found in lines for a reader, what was not searched last."""
    lines = [
        f"{hit.record_id} | {hit.at} | {hit.kind} | {hit.who} | {hit.about}" for hit in hits.records
    ]
    lines.append(f"{len(hits.records)} 条 records")
    if hits.erased:
        lines.append(
            f"{hits.erased} 条内容已删除，未查 have an erased payload and were not searched"
        )
    if hits.batches:
        lines.append(
            f"{hits.batches} 个批次的各行未查 batches hold their rows beside the ledger: ask each by"
            " `lssi replay ID --unit NUMBER`"
        )
    return lines


def _of_day(connection: LedgerConnection, day: date | None) -> Iterator[tuple[Hit, bytes | None]]:
    for sequence, leaf, payload in connection.each(_ROWS):
        entry = leaf_content(leaf)
        if day is not None and str(entry["at"])[:10] != day.isoformat():
            continue
        content = _content(payload)
        who = content.get("who") or content.get("caller") or ""
        about = content.get("what") or content.get("target") or ""
        record_id = record_id_of(sequence, merkle.leaf_hash(leaf))
        yield Hit(record_id, str(entry["at"]), str(entry["kind"]), str(who), str(about)), payload


def _content(payload: bytes | None) -> dict[str, Any]:
    """Return what a payload says; nothing where it is erased, or damaged, which `lssi ledger verify` finds."""
    try:
        content = json.loads(payload or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _says(hit: Hit, payload: bytes, sought: Sought) -> bool:
    if sought.who is not None and hit.who != sought.who:
        return False
    # a payload is canonical JSON, in which a text is written in one way and stands between its quotes
    return sought.unit is None or canonical(sought.unit) in payload
