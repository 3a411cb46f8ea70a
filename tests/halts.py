"""A halt in the ledger of the home, as `lssi monitor --record` writes it."""

from __future__ import annotations

from datetime import UTC, datetime

from features.calendar import day_of
from features.home import home
from serving.ledger.act import Act, Seen, act_entry, subject_digest
from serving.ledger.ledger import Ledger

DAY = "2015-06-30"
MOMENT = datetime(2015, 7, 1, tzinfo=UTC)


def halted(source: str, target: str, word: str = "halt", day: str = DAY) -> str:
    """Write a verdict on a target into the ledger and return its record id."""
    reason = {"about": "lift", "word": word, "zh": f"结论 {word}", "en": f"the word is {word}"}
    content = {
        "source": source,
        "target": target,
        "as_of": day,
        "verdict": {"word": word, "reasons": [reason], "not_known": []},
    }
    act = Act("monitor", "lssi monitor", subject_digest(content), subject_digest({}), content)
    entry = act_entry(act, Seen(day_of(day), day_of(day), ""), moment=MOMENT, kept_days=10_000)
    with Ledger(home() / "ledger.db") as ledger:
        return ledger.append(entry).result().record_id
