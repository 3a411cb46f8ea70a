"""The plan that stands for a week: recorded once, superseded only while nothing rests on it, alone in the journal."""

from __future__ import annotations

from pathlib import Path

from features.calendar import date_of
from features.errors import PolicyError
from features.files import exclusive_lock, own_folder
from features.ingest.scan import files_in
from features.store.store import Store
from models.policy.plan_journal import write_journal
from models.policy.plan_unit import KINDS
from models.policy.week import WeekPlan
from serving.database.place import LedgerPlace
from serving.ledger.act import Seen
from serving.ledger.by_key import record_by_key
from serving.loop.journal_rows import rows_where
from serving.lottery.commitment import WeekLottery
from serving.lottery.steps import Clerk, StepRecord, recorded_step, written_step
from serving.plans.plan_act import PLANNER, lottery_of_plan, plan_act, plan_key

RESTS = {
    "outcomes": "an outcome",
    "review_outcomes": "the outcome of a review",
    **{kind.overrides: "a decision on a line" for kind in KINDS.values()},
}
"""The tables of the journal whose rows name a plan, and what such a row is."""
ASIDE = "superseded"
"""The folder of the journal to which the rows of superseded plans go: nothing reads them, and nothing is lost."""


def plans_of_week(ledger: LedgerPlace, lottery: WeekLottery) -> list[StepRecord]:
    """Return the plans that were recorded for a week, in their order; the last one stands."""
    plans: list[StepRecord] = []
    while record := record_by_key(ledger, PLANNER, plan_key(lottery, len(plans))):
        plans.append(recorded_step(record))
    return plans


def record_plan(clerk: Clerk, store: Store, plan: WeekPlan) -> StepRecord:
    """Record a plan as the one that stands for its week, and write its rows; the same plan again is the first record.

    PolicyError where another plan stands and cannot be superseded, or where this one was superseded already.
    """
    lottery = lottery_of_plan(store.source.name, plan)
    journal = clerk.home / "journal" / store.source.name
    own_folder(journal)
    with exclusive_lock(journal / "acts.lock"):
        recorded = plans_of_week(clerk.ledger, lottery)
        if recorded and recorded[-1].act.content["plan"] == plan.number:
            standing = recorded[-1]
        else:
            _check_can_stand(store, journal, plan, recorded)
            before = recorded[-1].record_id if recorded else None
            act = plan_act(store, plan, len(recorded), before)
            seen = Seen(plan.week.as_of, store.complete_to, plan.bundle.digest)
            standing = written_step(clerk, act, seen)
        # after a stop, the same plan again does what was left undone
        _set_aside_others(journal, plan)
        write_journal(plan, journal)
    return standing


def _check_can_stand(
    store: Store, journal: Path, plan: WeekPlan, recorded: list[StepRecord]
) -> None:
    """Raise PolicyError unless a plan may supersede those of its week before."""
    superseded = [each for each in recorded if each.act.content["plan"] == plan.number]
    if superseded:
        raise PolicyError(
            f"plan {plan.number} was superseded by record '{recorded[-1].record_id}' and cannot come back; "
            "look at it with --preview"
        )
    for number in numbers_in_journal(journal, plan):
        if number == plan.number:
            continue
        why = _why_it_stands(store, journal, plan, number)
        if why:
            raise PolicyError(
                f"the week of {date_of(plan.week.monday)} has plan {number}, and {why}: that plan stands; "
                "look at another one with --preview, which records nothing"
            )
    for number in _numbers_of(journal, plan, plan.kind.draws):
        if number != plan.plan.draw.number and _is_drawn_outcome(journal, number):
            raise PolicyError(
                f"the week of {date_of(plan.week.monday)} has draw {number}, and an outcome rests on it: that draw stands, "
                "and the plan with it; look at another one with --preview, which records nothing"
            )


def _is_drawn_outcome(journal: Path, draw: str) -> bool:
    """Tell whether the outcome of a visit or review names a draw: to draw again would choose what was already seen."""
    return any(rows_where(journal, table, draw=draw) for table in ("outcomes", "review_outcomes"))


def _why_it_stands(store: Store, journal: Path, plan: WeekPlan, number: str) -> str:
    """Return why a plan can no longer be superseded, nothing where it can."""
    if store.complete_to >= plan.week.monday:
        return "its week has begun"
    for table, row in RESTS.items():
        if rows_where(journal, table, plan=number):
            return f"{row} rests on it"
    return ""


def numbers_in_journal(journal: Path, plan: WeekPlan) -> list[str]:
    """Return the numbers of the plans of a plan's target and week that the journal holds."""
    return _numbers_of(journal, plan, plan.kind.plans)


def _numbers_of(journal: Path, plan: WeekPlan, table: str) -> list[str]:
    """Return the numbers of the plans or draws of a plan's target and week that a table of the journal holds."""
    target = plan.bundle.target
    parts = files_in(journal / table, f"{target}.{date_of(plan.week.monday)}-*.parquet")
    return [part.stem.removeprefix(f"{target}.") for part in parts]


def _set_aside_others(journal: Path, plan: WeekPlan) -> None:
    """Move the rows of other plans and draws of a week out of the tables that are read."""
    target = plan.bundle.target
    week = f"{target}.{date_of(plan.week.monday)}-"
    standing_numbers = {plan.kind.plans: plan.number, plan.kind.draws: plan.plan.draw.number}
    for table, number in standing_numbers.items():
        for part in files_in(journal / table, f"{week}*.parquet"):
            if part.stem != f"{target}.{number}":
                place = journal / ASIDE / table
                own_folder(place)
                part.replace(place / part.name)
