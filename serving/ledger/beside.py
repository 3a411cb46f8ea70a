"""What lies beside the entries of a ledger: payloads, idempotency keys, nodes and triggers that nothing may add or take."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from serving.ledger.act import request_digest
from serving.ledger.sqlite import SCHEMA


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not agree, located in the records `first` to `last`."""

    first: int
    last: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What may not lie in a ledger of `:size` records: a query for the numbers of records, and what to say of them."""

    query: str
    zh: str
    en: str


_RULES = (
    Rule(
        query="SELECT sequence FROM payloads WHERE sequence NOT IN (SELECT sequence FROM entries)",
        zh="内容没有条目",
        en="a payload has no entry",
    ),
    Rule(
        query="SELECT sequence FROM retries WHERE sequence NOT IN (SELECT sequence FROM payloads)",
        zh="幂等键没有内容",
        en="an idempotency key has no payload",
    ),
    Rule(
        query="SELECT sequence FROM retries GROUP BY sequence HAVING count(*) > 1",
        zh="一条记录有两个幂等键",
        en="a record has two idempotency keys",
    ),
    Rule(
        # shifted by more than 62 bits, a number is no longer itself
        query="SELECT place << min(max(level, 0), 62) FROM nodes"
        " WHERE level NOT BETWEEN 0 AND 62 OR place < 0 OR ((place + 1) << level) > :size",
        zh="散列没有条目",
        en="a node has no entry",
    ),
)
_REQUESTS = (
    "SELECT sequence, CAST(request AS BLOB), CAST(payload AS BLOB)"
    " FROM retries JOIN payloads USING (sequence)"
)


def beside(connection: sqlite3.Connection, size: int) -> Iterator[Fault]:
    """Yield what lies beside the entries of a ledger of that size and does not belong there, or is missing."""
    for rule in _RULES:
        # `:size` stands in one of them; SQLite takes no value that no statement names
        values: dict[str, int] = {"size": size} if ":size" in rule.query else {}
        numbers = sorted(number for (number,) in connection.execute(rule.query, values))
        yield from _located(numbers, rule.zh, rule.en)
    yield from _located(
        sorted(_of_another_request(connection)),
        "幂等键属于另一请求",
        "an idempotency key is of another request",
    )
    yield from _of_triggers(connection, size)


def _located(numbers: Sequence[int], zh: str, en: str) -> Iterator[Fault]:
    """Yield a fault for each unbroken range of numbers of records."""
    first = 0
    for place, number in enumerate(numbers):
        if place + 1 == len(numbers) or numbers[place + 1] > number + 1:
            yield Fault(numbers[first], number, zh, en)
            first = place + 1


def _of_another_request(connection: sqlite3.Connection) -> Iterator[int]:
    for sequence, request, payload in connection.execute(_REQUESTS):
        digest = _request_of(payload)
        if digest is not None and digest.encode() != request:
            yield sequence


def _request_of(payload: bytes) -> str | None:
    """Return the digest of the request that a payload answers; None where it does not say."""
    try:
        content: dict[str, Any] = json.loads(payload)
        return request_digest(content) if "subject" in content else str(content["request"])
    except (ValueError, KeyError, TypeError):
        return None


def _of_triggers(connection: sqlite3.Connection, size: int) -> Iterator[Fault]:
    there = _triggers(connection)
    with closing(sqlite3.connect(":memory:")) as example:
        example.executescript(SCHEMA)
        ours = _triggers(example)
    for name in sorted(ours.keys() - there.keys()):
        yield Fault(0, size - 1, f"缺少触发器 {name}", f"the trigger {name} is missing")
    for name in sorted(there):
        if there[name] != ours.get(name):
            yield Fault(
                0, size - 1, f"触发器 {name} 不是账本的", f"the trigger {name} is not the ledger's"
            )


def _triggers(connection: sqlite3.Connection) -> dict[str, str]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    return dict(connection.execute(query).fetchall())
