"""Issuing alerts: each once in the ledger and the journal, in the order of the units, to one team."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from features.calendar import day_of
from features.engine.engine import engine_of
from features.engine.population import check_day
from features.files import exclusive_lock, own_folder
from features.ingest.scan import files_in
from features.store.journal import write_journal_part
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.policy.plan_unit import KINDS
from serving.alerts.alert_rules import AlertRule, alert_rules_on
from serving.alerts.alert_text import Plain, alert_texts
from serving.alerts.crossing import Crossing
from serving.alerts.crossings import crossings
from serving.database.place import ledger_place
from serving.ledger.act import Act, Seen, act_entry, act_of, subject_digest
from serving.ledger.by_key import records_by_key
from serving.ledger.entries import Entry, Receipt
from serving.ledger.ledger import Ledger
from serving.ledger.read import StoredRecord, find
from serving.loop.act_once import Loop
from serving.loop.alert_unit import unit_of_alert
from serving.loop.journal_rows import rows_where
from serving.scoring.transcript import KEPT_DAYS

ISSUER = "lssi-alerts"
"""Who issues alerts, as the ledger names it."""
AT_ONCE_ISSUED = 500
"""Alerts that are recorded before their rows are written; a choice: so many a stopped run does anew, and a reader waits for."""


@dataclass(frozen=True, slots=True)
class Issue:
    """When alerts are issued: as of which closed day, on which day they become known, at which moment."""

    as_of: int
    day: int
    moment: datetime


def issue_alerts(loop: Loop, bundles: Mapping[str, Bundle], issue: Issue) -> list[Plain]:
    """Issue the alerts of a day that were not issued before, and return what they say, each with its record.

    A run that was stopped is completed by the next: an alert has one number, and one record under it.
    """
    check_day(loop.store, issue.as_of)
    engine = engine_of(loop.store)
    rules = alert_rules_on(issue.as_of)
    crossed = list(crossings(engine, rules, bundles, issue.as_of))
    own_folder(loop.journal)
    with exclusive_lock(loop.journal / "acts.lock"):
        new = list(_not_issued(crossed, rows_where(loop.journal, "alerts"), issue.day))
        issued: list[Plain] = []
        for first in range(0, len(new), AT_ONCE_ISSUED):
            some = new[first : first + AT_ONCE_ISSUED]
            texts = list(alert_texts(engine, some, bundles))
            recorded = _recorded(loop, texts, bundles, issue)
            _write_rows(loop.journal, recorded)
            issued += recorded
    return issued


def issue_day(home: Path, store: Store, bundles: Mapping[str, Bundle], issue: Issue) -> list[Plain]:
    """Issue the alerts of a day into the ledger and the journal of a home, as `issue_alerts` does."""
    with Ledger(ledger_place(home)) as ledger:
        return issue_alerts(
            Loop(store, home / "journal" / store.source.name, ledger), bundles, issue
        )


def _not_issued(
    crossed: Iterable[Crossing], issued: Sequence[Mapping[str, Any]], day: int
) -> Iterable[Crossing]:
    """Yield the crossings that have no alert yet, and whose rule is not at rest about their unit."""
    numbers = {row["alert"] for row in issued}
    last_issued: dict[tuple[str, str], int] = {}
    for row in issued:
        _, unit = unit_of_alert(row)
        last_issued[unit, row["rule"]] = day_of(row["issued_on"])
    for one in crossed:
        last = last_issued.get((one.unit, one.rule.name))
        if one.number not in numbers and not _rests(one.rule, last, day):
            yield one


def _rests(rule: AlertRule, last: int | None, day: int) -> bool:
    return last is not None and day < last + rule.rest_days


def _recorded(
    loop: Loop, texts: Sequence[Plain], bundles: Mapping[str, Bundle], issue: Issue
) -> list[Plain]:
    """Write alerts into the ledger, and return them as it holds them: one that a stopped run wrote stands as it was."""
    digests = sorted(bundle.digest for bundle in bundles.values())
    seen = Seen(issue.day, loop.store.complete_to, digests[0] if len(digests) == 1 else "")
    keys = [_key(loop, text) for text in texts]
    stored = records_by_key(loop.ledger.path, ISSUER, keys)
    waiting = {
        key: loop.ledger.append(_entry(loop, text, seen, issue.moment))
        for key, text in zip(keys, texts, strict=True)
        if key not in stored
    }
    return [
        _as_recorded(text, stored[key])
        if key in stored
        else _as_sent(loop, text, waiting[key], issue)
        for key, text in zip(keys, texts, strict=True)
    ]


def _as_sent(loop: Loop, text: Plain, sent: Future[Receipt], issue: Issue) -> Plain:
    """Return an alert with its record once it is durable."""
    receipt = sent.result()
    if not receipt.first:
        return _as_recorded(text, find(loop.ledger.path, receipt.record_id))
    # it is there as it was sent: reading it back would cost as much as writing it
    return {**text, "record_id": receipt.record_id, "day": issue.day}


def _key(loop: Loop, text: Plain) -> str:
    """Return the idempotency key of an alert: its number stands for its rows, whatever the model says of them later."""
    return f"{loop.source}-{text['alert']}"


def _entry(loop: Loop, text: Plain, seen: Seen, moment: datetime) -> Entry:
    kind, unit = unit_of_alert(text)
    subject = subject_digest({"source": loop.source, kind: unit})
    content = {"source": loop.source, **text}
    act = Act("alert", ISSUER, _key(loop, text), subject, content)
    return act_entry(act, seen, moment=moment, kept_days=KEPT_DAYS)


def _as_recorded(text: Plain, record: StoredRecord) -> Plain:
    """Return an alert with its record, its team and its day as the ledger has them."""
    alert = dict(act_of(record.payload).content) if record.payload else dict(text)
    return {**alert, "record_id": record.record_id, "day": record.entry["as_of"]}


def _write_rows(journal: Path, issued: Sequence[Plain]) -> None:
    """Write one part of the journal; parts are counted, so that a reader that comes after each has missed none."""
    parts = files_in(journal / "alerts", "alerts-*.parquet")
    columns: dict[str, list[Any]] = {
        "alert": [one["alert"] for one in issued],
        **{kind: [one.get(kind) for one in issued] for kind in KINDS},
        "team": [one["team"] for one in issued],
        "issued_on": [one["day"] for one in issued],
        "violation": [one["violation"] for one in issued],
        "rule": [one["rule"]["name"] for one in issued],
        "record": [one["record_id"] for one in issued],
        "recorded_on": [one["day"] for one in issued],
    }
    write_journal_part(journal, "alerts", f"alerts-{len(parts):08d}", columns)
