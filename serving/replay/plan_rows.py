"""The rows of a plan in the journal, from which estimates take each unit's chance: compared with the plan made again."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from features.ingest.scan import read_table
from features.store.journal import journal_part, part_file
from models.policy.plan_journal import PlanPart, plan_parts
from models.policy.week import WeekPlan
from serving.replay.checks import Check, differs

FIELD = "journal"


def journal_check(journal: Path, plan: WeekPlan) -> Check:
    """Return whether the journal holds the visits and the draw of a plan made again, each with its chance.

    Of a plan that does not stand the journal holds no rows that are read: they are not compared.
    """
    visits, draw = plan_parts(plan)
    if not part_file(journal, visits.table, visits.part).is_file():
        return Check(
            FIELD,
            "not_rebuilt",
            "日志中没有此计划的行：已被取代，或未写完",
            "the journal has no rows of this plan: it was superseded, or a stop left them unwritten",
        )
    apart = [part.table for part in (visits, draw) if not _is_as_rebuilt(journal, part)]
    if not apart:
        return Check(FIELD, "identical")
    return differs(FIELD, "日志中的行不同", "rows of the journal differ", apart)


def _is_as_rebuilt(journal: Path, part: PlanPart) -> bool:
    """Tell whether a part of the journal has the rows of a plan that was made again; an earlier version had fewer columns."""
    path = part_file(journal, part.table, part.part)
    try:
        stored = read_table(path)
        rebuilt = journal_part(part.table, part.part, part.columns)
        return bool(stored.equals(rebuilt.select(stored.column_names)))
    except (OSError, KeyError, pa.ArrowInvalid):
        return False
