"""Reasons and facts as a record keeps them: written as plain JSON values, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from features.calendar import date_of, day_of
from features.online.fact import Fact
from models.explain.reasons import Reason
from serving.ledger.record import Plain


def plain_reason(reason: Reason) -> Plain:
    """Return a reason as plain JSON values."""
    facts = [plain_fact(fact) for fact in reason.facts]
    return {
        "feature": reason.feature,
        "contribution": reason.contribution,
        "zh": reason.zh,
        "en": reason.en,
        "check_zh": reason.check_zh,
        "check_en": reason.check_en,
        "facts": facts,
    }


def plain_facts(facts: Mapping[str, Sequence[Fact]]) -> dict[str, list[Plain]]:
    """Return the facts of each feature as plain JSON values."""
    plain: dict[str, list[Plain]] = {}
    for name, facts_of_feature in facts.items():
        plain[name] = [plain_fact(fact) for fact in facts_of_feature]
    return plain


def plain_fact(fact: Fact) -> Plain:
    """Return a fact as plain JSON values, its days as text."""
    return {
        "measure": fact.measure,
        "table": fact.table,
        "zh": fact.zh,
        "en": fact.en,
        "value": fact.value,
        "unit": fact.unit,
        "first": date_of(fact.first).isoformat(),
        "last": date_of(fact.last).isoformat(),
        "row_ids": list(fact.row_ids),
        "rows": fact.n_rows,
    }


def fact_of(plain: Plain) -> Fact:
    """Return the fact that a record holds."""
    return Fact(
        measure=plain["measure"],
        table=plain["table"],
        zh=plain["zh"],
        en=plain["en"],
        value=plain["value"],
        unit=plain["unit"],
        first=_day(plain["first"]),
        last=_day(plain["last"]),
        row_ids=tuple(plain["row_ids"]),
        n_rows=plain["rows"],
    )


def _day(recorded: str | int) -> int:
    return day_of(recorded) if isinstance(recorded, str) else recorded


def reason_of(plain: Plain) -> Reason:
    """Return the reason that a record holds."""
    return Reason(
        feature=plain["feature"],
        contribution=plain["contribution"],
        zh=plain["zh"],
        en=plain["en"],
        facts=tuple(fact_of(fact) for fact in plain["facts"]),
        # a reason of an earlier version says nothing of what to check
        check_zh=plain.get("check_zh", ""),
        check_en=plain.get("check_en", ""),
    )
