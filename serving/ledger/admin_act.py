"""Acts of administration, as entries of the ledger: what is done to keys, models and records, how many attempts failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.calendar import day_of
from serving.ledger.act import Act, Seen, act_entry, subject_digest
from serving.ledger.entries import Entry

RECORD_READ = "record_read"
"""What the act is called of an auditor who reads a record."""


@dataclass(frozen=True, slots=True)
class AdminAct:
    """What was done, by whom, to what, and what it says, as JSON values that name no person and hold no secret.

    The same act under the same key is the same entry; without a key, an act done again is another entry.
    """

    what: str
    who: str
    subject: Mapping[str, Any]
    content: Mapping[str, Any]
    key: str = ""


def admin_entry(act: AdminAct, *, moment: datetime, kept_days: int) -> Entry:
    """Return the ledger entry of an act of administration."""
    subject, content = subject_digest(act.subject), subject_digest(act.content)
    key = f"{act.what} {act.key or moment.isoformat()} {content}"
    whole = Act(act.what, act.who, key, subject, act.content)
    day = day_of(moment.date())
    return act_entry(whole, Seen(day, day, ""), moment=moment, kept_days=kept_days)
