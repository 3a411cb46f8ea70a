"""What lies beside the entries of a ledger: payloads, idempotency keys, nodes and triggers that nothing may add or take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from serving.database.connection import LedgerConnection
from serving.ledger.act import request_digest


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not agree, located in the records `first` to `last`."""

    first: int
    last: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What may not lie in a ledger: a query for the numbers of records, a `?` in it for the size, and what to say of them."""

    query: str
    zh: str
    en: str


_RULES = (
    Rule(
        query="SELECT sequence FROM payloads AS p"
        " WHERE NOT EXISTS (SELECT 1 FROM entries WHERE sequence = p.sequence)",
        zh="内容没有条目",
        en="a payload has no entry",
    ),
    Rule(
        query="SELECT sequence FROM retries AS r"
        " WHERE NOT EXISTS (SELECT 1 FROM payloads WHERE sequence = r.sequence)",
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
        query="SELECT CASE WHEN level < 0 THEN place WHEN level > 62 THEN place << 62 ELSE place << level END"
        " FROM nodes WHERE level NOT BETWEEN 0 AND 62 OR place < 0 OR ((place + 1) << level) > ?",
        zh="散列没有条目",
        en="a node has no entry",
    ),
)
_REQUESTS = (
    "SELECT sequence, CAST(request AS BLOB), CAST(payload AS BLOB)"
    " FROM retries JOIN payloads USING (sequence)"
)


def beside(connection: LedgerConnection, size: int) -> Iterator[Fault]:
    """Yield what lies beside the entries of a ledger of that size and does not belong there, or is missing."""
    for rule in _RULES:
        values = (size,) if "?" in rule.query else ()
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


def _of_another_request(connection: LedgerConnection) -> Iterator[int]:
    for sequence, request, payload in connection.each(_REQUESTS):
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


def _of_triggers(connection: LedgerConnection, size: int) -> Iterator[Fault]:
    there, ours = connection.guards(), connection.own_guards()
    for name in sorted(ours.keys() - there.keys()):
        yield Fault(0, size - 1, f"缺少触发器 {name}", f"the trigger {name} is missing")
    for name in sorted(there):
        if there[name] != ours.get(name):
            yield Fault(
                0, size - 1, f"触发器 {name} 不是账本的", f"the trigger {name} is not the ledger's"
            )
