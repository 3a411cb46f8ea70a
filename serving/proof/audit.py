"""Auditing a ledger: everything recomputed from its entries, against its own nodes and a checkpoint kept outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from features.errors import LedgerError
from serving.database.connection import Errors, LedgerConnection
from serving.database.place import LedgerPlace
from serving.ledger import merkle
from serving.ledger.entries import leaf_content, payload_digest
from serving.ledger.head import Head, read_head
from serving.ledger.opening import ledger_reader
from serving.ledger.read import NodesAhead
from serving.proof.beside import Fault, beside
from serving.proof.checkpoint import Checkpoint

_ROWS = (
    "SELECT CAST(leaf AS BLOB), keep_until, CAST(salt AS BLOB), CAST(payload AS BLOB), sequence"
    " FROM entries LEFT JOIN payloads USING (sequence) ORDER BY sequence"
)


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


def verify(path: LedgerPlace, today: int, against: Checkpoint | None = None) -> Verdict:
    """Recompute the whole log and say what disagrees; `today` decides which payloads may be gone."""
    with ledger_reader(path) as connection:
        return verify_open(connection, today, against)


def verify_open(connection: LedgerConnection, today: int, against: Checkpoint | None) -> Verdict:
    """Return what `verify` does of an open ledger, with what its transaction has written so far."""
    return _Audit(connection, today, against).verdict()


class _Audit:
    """One pass over the entries in their order, growing the tree again beside the stored one.

    `frontier` is grown from the entries, `kept` from the stored nodes, so that each disagreement is told once.
    """

    def __init__(
        self, connection: LedgerConnection, today: int, against: Checkpoint | None
    ) -> None:
        self.connection, self.today, self.against = connection, today, against
        self.nodes = NodesAhead(connection)
        self.head = Head("", 0, ())
        self.frontier: tuple[bytes, ...] = ()
        self.kept: list[bytes] = []
        self.size = self.payloads = self.expired = self.overdue = 0
        self.faults: list[Fault] = []

    def verdict(self) -> Verdict:
        for check in (self._one_head, self._all_entries, self._whole_log, self._beside):
            self._tried(check)
        root = merkle.frontier_root(self.frontier).hex()
        faults = tuple(self.faults)
        return Verdict(
            self.head.origin, self.size, root, self.payloads, self.expired, self.overdue, faults
        )

    def _tried(self, check: Callable[[], None]) -> None:
        """Make a check; what cannot be read there, as in a file that was cut, is a fault like any other."""
        damage: Errors = (*self.connection.failures, TypeError, ValueError, OverflowError)
        try:
            check()
        except self.connection.unknown:
            raise  # such as a lock that another program holds: nothing is known of the file
        except damage as failure:
            self._fault(
                self.size,
                max(self.size, self.head.size - 1),
                "文件损坏，从此处起无法读取",
                f"the file is damaged and cannot be read from here on ({failure})",
            )

    def _one_head(self) -> None:
        (heads,) = self.connection.execute("SELECT count(*) FROM head").fetchone()
        if heads != 1:
            self._fault(
                0, 0, f"账本头有 {heads} 个，应有一个", f"there are {heads} heads and not one"
            )
        if heads:
            self.head = read_head(self.connection)
        if heads and self.against is not None and self.against.origin != self.head.origin:
            self._fault(
                0, self.head.size - 1, "检查点属于另一个账本", "the checkpoint is of another ledger"
            )

    def _all_entries(self) -> None:
        for *row, sequence in self.connection.each(_ROWS):
            self._missing(sequence)
            self._entry(sequence, *row)
        self._missing(self.head.size)

    def _whole_log(self) -> None:
        if (self.head.size, self.head.frontier) != (self.size, tuple(self.kept)):
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

    def _beside(self) -> None:
        self.faults.extend(beside(self.connection, self.size))

    def _entry(self, sequence: int, leaf: bytes, *payload: Any) -> None:
        self._grow(merkle.leaf_hash(leaf))
        try:
            self._payload(sequence, leaf_content(leaf), *payload)
        except LedgerError:
            self._fault(sequence, sequence, "条目无法读取", "the entry is not readable")

    def _missing(self, sequence: int) -> None:
        if self.size < sequence:
            self._fault(self.size, sequence - 1, "缺少条目", "entries are missing")
        # of what is missing only the nodes tell; a number far beyond all of them tells nothing
        while self.size < sequence and self.nodes.node(0, self.size):
            self._grow(self.nodes.node(0, self.size) or merkle.EMPTY)
        if self.size < sequence:
            raise ValueError(f"neither entry nor node of {self.size}")

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
        stored = self.nodes.node(level, place)
        if stored != computed:
            self._fault(
                place << level,
                self.size,
                "条目与其散列不符",
                "entries do not agree with their hash",
            )
        return stored or computed

    def _payload(
        self,
        sequence: int,
        entry: Mapping[str, Any],
        keep_until: int | None,
        salt: bytes | None,
        payload: bytes | None,
    ) -> None:
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
        if keep_until != entry["keep_until"]:
            self._fault(
                sequence, sequence, "保存期与条目不符", "the last day of keeping is not the entry's"
            )

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
