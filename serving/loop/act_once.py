"""One act, one effect: first into the ledger, then into the journal; a repetition completes what a stop left undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from features.calendar import date_of, day_of
from features.errors import RequestError
from features.files import exclusive_lock, own_folder
from features.store.journal import write_journal_part
from features.store.store import Store
from serving.errors import ActRefused
from serving.ledger.act import Act, Seen, act_entry, subject_digest
from serving.ledger.entries import Entry, Receipt
from serving.ledger.ledger import Ledger
from serving.ledger.read import find
from serving.loop.journal_rows import is_marked, mark_digest
from serving.scoring.transcript import KEPT_DAYS

_WHO = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """Where acts go and what they are held against: a source's store, its journal and the ledger."""

    store: Store
    journal: Path
    ledger: Ledger

    @property
    def source(self) -> str:
        """The name of the source."""
        return self.store.source.name


@dataclass(frozen=True, slots=True)
class Doer:
    """Who acts, for which team (None: for any), under which idempotency key, at which moment and on which day.

    The day is that on which the act becomes known; a day that is closed already is never changed by an act.
    """

    who: str
    team: str | None
    key: str
    moment: datetime
    day: int


@dataclass(frozen=True, slots=True)
class ActRecord:
    """An act that was recorded: its number in the ledger and the day from which it is known."""

    record_id: str
    day: int


@dataclass(frozen=True, slots=True)
class Beside:
    """Rows that an act writes beside its own, of another table of the journal: the values by column."""

    table: str
    columns: Mapping[str, Sequence[Any]]


def _nothing_beside(_recorded: ActRecord) -> Iterable[Beside]:
    return ()


def one_row(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values of one row as columns."""
    return {name: [value] for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class Deed:
    """An act and its rows: `what` it is, what was `asked`, the journal's `table`, and the `marks` it is looked up by.

    `check` raises where the act does not fit what is recorded; `rows` gives the rows of the journal, by column, from the
    receipt's number and the day. `beside` gives rows of other tables that count only with that one. By `further_marks` the
    act is looked up too; they are no part of its subject.
    """

    what: str
    asked: Mapping[str, Any]
    table: str
    marks: tuple[str, ...]
    check: Callable[[], None]
    rows: Callable[[ActRecord], Mapping[str, Sequence[Any]]]
    beside: Callable[[ActRecord], Iterable[Beside]] = _nothing_beside
    further_marks: tuple[str, ...] = ()


def check_names(who: str, key: str) -> None:
    """Raise RequestError unless a name and an idempotency key can stand beside each other in the ledger."""
    if not _WHO.fullmatch(who):
        raise RequestError("who acts should be 1 to 64 of A-Z a-z 0-9 . _ -; give such a name")
    if not _KEY.fullmatch(key):
        raise RequestError(
            "an idempotency key should be 1 to 80 of A-Z a-z 0-9 _ -; give such a key"
        )


def open_day(store: Store, moment: datetime, given: int | None) -> int:
    """Return the day from which an act is known: the one given, else that of the moment, and never one that is closed.

    The moment's day is that of the clock which the source states: just after midnight there it is still the day before in UTC.
    ActRefused for a given day that is closed: what was known then never changes.
    """
    # a service may still serve the day before the one that was closed last
    first = store.closed_to + 1
    if given is None:
        return max(day_of_moment(store, moment), first)
    if given < first:
        raise ActRefused(
            f"day {date_of(given)} is closed: the source is complete to {date_of(first - 1)}; "
            f"an act becomes known on {date_of(first)} or later"
        )
    return given


def day_of_moment(store: Store, moment: datetime) -> int:
    """Return the day that a moment lies on by the clock of a store's source."""
    return day_of(moment.astimezone(ZoneInfo(store.source.clock)).date())


def carried_out(loop: Loop, deed: Deed, doer: Doer) -> Receipt:
    """Record an act once and return its receipt: the same key with the same content gives the first receipt again.

    RetryConflict where the key was used for other content; whatever `check` raises where the act does not fit.
    """
    own_folder(loop.journal)
    key_mark = f"key {doer.who} {doer.key}"
    with exclusive_lock(loop.journal / "acts.lock"):
        # the act's own row is written last: where it stands, nothing is left to do but to give the receipt again
        has_row = is_marked(loop.journal, deed.table, key_mark)
        if not has_row:
            deed.check()
        # the ledger knows a key that it has, so a repetition after a stop adds no second entry
        receipt = loop.ledger.append(_entry(loop, deed, doer)).result()
        if not has_row:
            # of a repetition after a stop, the day is that on which the ledger first knew the act
            day = find(loop.ledger.path, receipt.record_id).entry["as_of"]
            _write_row(loop, deed, key_mark, receipt, day)
    return receipt


def _entry(loop: Loop, deed: Deed, doer: Doer) -> Entry:
    # only what was sent: facts that are looked up may differ when the same is sent again
    content = {"source": loop.source, **deed.asked}
    subject = subject_digest({"source": loop.source, "marks": list(deed.marks)})
    act = Act(deed.what, doer.who, doer.key, subject, content)
    seen = Seen(doer.day, loop.store.complete_to, "")
    return act_entry(act, seen, moment=doer.moment, kept_days=KEPT_DAYS)


def _write_row(loop: Loop, deed: Deed, key_mark: str, receipt: Receipt, day: int) -> None:
    recorded = ActRecord(receipt.record_id, day)
    columns = deed.rows(recorded)
    digests = [mark_digest(mark) for mark in (*deed.marks, *deed.further_marks, key_mark)]
    # the number of the record comes first, so that row ids are in the order of the acts
    part = "-".join([f"{receipt.sequence:012d}", *digests])
    for beside in deed.beside(recorded):
        # before the act's own row, which makes them count
        days = [day] * len(next(iter(beside.columns.values())))
        rows = {**beside.columns, "recorded_on": days}
        write_journal_part(loop.journal, beside.table, part, rows)
    days = [day] * len(next(iter(columns.values())))
    write_journal_part(loop.journal, deed.table, part, {**columns, "recorded_on": days})
