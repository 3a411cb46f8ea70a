"""Auditing a ledger: everything recomputed from its entries, against its own nodes and a checkpoint kept outside."""

from __future__ import annotations

import sqlite3
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from features.errors import LedgerError
from serving.ledger import merkle
from serving.ledger.entries import leaf_content, payload_digest
from serving.ledger.read import ROWS, ledger_reader
from serving.ledger.sqlite import read_head

_NAME = "lssi-risk/"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What an auditor keeps outside: the ledger's name, its size, its root, and when that was."""

    origin: str
    size: int
    root: bytes
    at: str

    def __str__(self) -> str:
        return f"{_NAME}{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n{self.at}\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not agree, located in the records `first` to `last`."""

    first: int
    last: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found: `payloads` are present, `expired` gone after their day, `overdue` present after it."""

    origin: str
    size: int
    root: str
    payloads: int
    expired: int
    overdue: int
    faults: tuple[Fault, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing disagrees."""
        return not self.faults


def checkpoint(path: Path, at: str) -> Checkpoint:
    """Return the checkpoint of the ledger as it stands; `at` is the time to write on it."""
    with ledger_reader(path) as connection:
        now = read_head(connection)
        return Checkpoint(now.origin, now.size, merkle.frontier_root(now.frontier), at)


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint in a text; LedgerError if the text is not a checkpoint."""
    try:
        name, size, root, at = text.strip().split("\n")
        if name.startswith(_NAME) and len(b64decode(root, validate=True)) == 32:
            return Checkpoint(name.removeprefix(_NAME), int(size), b64decode(root), at)
    except (ValueError, NotBase64):
        pass
    raise LedgerError(
        "this is no checkpoint: it should have four lines, name, size, root, time; give the saved file"
    )


def verify(path: Path, today: int, against: Checkpoint | None = None) -> Verdict:
    """Recompute the whole log and say what disagrees; `today` decides which payloads may be gone."""
    with ledger_reader(path) as connection:
        return _Audit(connection, today, against).verdict()


class _Audit:
    """One pass over the entries in their order, growing the tree again beside the stored one.

    `frontier` is grown from the entries, `kept` from the stored nodes, so that each disagreement is told once.
    """

    def __init__(
        self, connection: sqlite3.Connection, today: int, against: Checkpoint | None
    ) -> None:
        self.connection, self.today, self.against = connection, today, against
        self.frontier: tuple[bytes, ...] = ()
        self.kept: list[bytes] = []
        self.size = self.payloads = self.expired = self.overdue = 0
        self.faults: list[Fault] = []

    def verdict(self) -> Verdict:
        head = read_head(self.connection)
        if self.against is not None and self.against.origin != head.origin:
            self._fault(
                0, head.size - 1, "检查点属于另一个账本", "the checkpoint is of another ledger"
            )
        for row in self._rows():
            self._entry(*row)
        self._missing(head.size)
        if (head.size, head.frontier) != (self.size, tuple(self.kept)):
            self._fault(
                0, self.size - 1, "账本头与条目不符", "the head does not agree with the entries"
            )
        if self.against is not None and self.against.size > self.size:
            self._fault(
                self.size,
                self.against.size - 1,
                "账本比检查点短",
                "the log is shorter than its checkpoint",
            )
        root = merkle.frontier_root(self.frontier).hex()
        faults = tuple(self.faults)
        return Verdict(
            head.origin, self.size, root, self.payloads, self.expired, self.overdue, faults
        )

    def _rows(self) -> Iterator[tuple[bytes, bytes | None, bytes | None, int]]:
        yield from self.connection.execute(f"{ROWS} ORDER BY sequence")

    def _entry(self, leaf: bytes, salt: bytes | None, payload: bytes | None, sequence: int) -> None:
        self._missing(sequence)
        self._grow(merkle.leaf_hash(leaf))
        try:
            self._payload(sequence, leaf, salt, payload)
        except LedgerError:
            self._fault(sequence, sequence, "条目无法读取", "the entry is not readable")

    def _missing(self, sequence: int) -> None:
        if self.size < sequence:
            self._fault(self.size, sequence - 1, "缺少条目", "entries are missing")
        while self.size < sequence:
            self._grow(self._stored(0, self.size) or merkle.EMPTY)

    def _grow(self, leaf_hash: bytes) -> None:
        self.frontier, _ = merkle.grow(self.frontier, self.size, leaf_hash)
        level, place, node = 0, self.size, self._agreed(0, self.size, leaf_hash)
        while place & 1:
            level, place = level + 1, place >> 1
            node = self._agreed(level, place, merkle.node_hash(self.kept.pop(), node))
        self.kept.append(node)
        self.size += 1
        against = self.against
        if (
            against
            and against.size == self.size
            and merkle.frontier_root(self.frontier) != against.root
        ):
            self._fault(
                0,
                self.size - 1,
                "检查点之前的历史被改写",
                "the history before the checkpoint was rewritten",
            )

    def _agreed(self, level: int, place: int, computed: bytes) -> bytes:
        stored = self._stored(level, place)
        if stored != computed:
            self._fault(
                place << level,
                self.size,
                "条目与其散列不符",
                "entries do not agree with their hash",
            )
        return stored or computed

    def _stored(self, level: int, place: int) -> bytes | None:
        selected = self.connection.execute(
            "SELECT CAST(hash AS BLOB) FROM nodes WHERE level = ? AND place = ?", (level, place)
        )
        row = selected.fetchone()
        return bytes(row[0]) if row else None

    def _payload(
        self, sequence: int, leaf: bytes, salt: bytes | None, payload: bytes | None
    ) -> None:
        entry = leaf_content(leaf)
        due = entry["keep_until"] < self.today
        if salt is None or payload is None:
            self.expired += 1
            if not due:
                self._fault(
                    sequence, sequence, "内容在保存期内丢失", "the payload is gone before its day"
                )
            return
        self.payloads += 1
        self.overdue += due
        if payload_digest(salt, payload) != entry["payload"]:
            self._fault(sequence, sequence, "内容被改动", "the payload was changed")

    def _fault(self, first: int, last: int, zh: str, en: str) -> None:
        self.faults.append(Fault(first, last, zh, en))


def verdict_as_json(verdict: Verdict) -> dict[str, object]:
    """Return a verdict as plain values."""
    return {**asdict(verdict), "whole": verdict.whole}


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return a verdict in lines for a reader, the faults last."""
    counts = f"{verdict.size} 条 records | {verdict.payloads} 有内容 with payload | {verdict.expired} 已到期 expired"
    if verdict.overdue:
        counts += f" | {verdict.overdue} 待删除 overdue"
    lines = [f"{verdict.origin} | {counts}", f"根 root {verdict.root}"]
    for fault in verdict.faults:
        place = f"{fault.first}" if fault.first == fault.last else f"{fault.first}-{fault.last}"
        lines.append(f"不符 FAULT | {place} | {fault.zh} | {fault.en}")
    return [
        *lines,
        "一致 everything agrees" if verdict.whole else f"不一致 {len(verdict.faults)} FAULTS",
    ]
