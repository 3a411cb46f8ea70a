"""A plan as an act of the ledger: its week, model, rules, draw and lists, so that it can be made again and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from features.calendar import date_of, day_of
from features.errors import LedgerError
from features.store.store import Store
from models.policy.week import Halt, Week, WeekPlan
from serving.ledger.act import Act, subject_digest
from serving.lottery.commitment import WeekLottery

PLANNER = "lssi plan"
"""Who acts, whoever types the command, so that a week has one standing plan."""
WHAT = "plan"
PlainLists = dict[str, list[list[Any]]]


def plan_key(lottery: WeekLottery, number: int) -> str:
    """Return the idempotency key of the n-th plan of a week, from 0."""
    return lottery.key(f"{WHAT}-{number}")


def lottery_of_plan(source: str, plan: WeekPlan) -> WeekLottery:
    """Return the source, target and week of a plan."""
    return WeekLottery(source, plan.bundle.target, plan.week.monday)


def plain_lists(plan: WeekPlan) -> PlainLists:
    """Return by cell the units that a plan lists, in order, each with why and its minutes."""
    return {
        cell.cell: [[visit.unit.name, visit.why, visit.minutes] for visit in cell.visits]
        for cell in plan.plan.cells
        if cell.visits
    }


def plan_act(store: Store, plan: WeekPlan, number: int, supersedes: str | None) -> Act:
    """Return the act that writes a plan into the ledger as the n-th of its week."""
    lottery = lottery_of_plan(store.source.name, plan)
    week = plan.week
    policy = plan.plan.policy
    content = {
        **lottery.plain(),
        "plan": plan.number,
        "unit": plan.kind.name,
        "as_of": date_of(week.as_of).isoformat(),
        "store": f"{store.source.name}-{store.fingerprint}",
        "rule": policy.rule,
        "rule_digest": policy.digest,
        "rule_last_day": None if policy.last_day is None else policy.last_day.isoformat(),
        "model_digest": plan.bundle.digest,
        "draw": plan.plan.draw.number,
        "seed": week.seed,
        "minutes": week.minutes,
        "commitment": week.commitment,
        "halt": None if plan.halt is None else asdict(plan.halt),
        "lists": plain_lists(plan),
        "supersedes": supersedes,
    }
    return Act(
        what=WHAT,
        who=PLANNER,
        key=plan_key(lottery, number),
        subject=subject_digest(lottery.plain()),
        content=content,
    )


def week_of_act(content: Mapping[str, Any]) -> Week:
    """Return the week that a plan was asked for; LedgerError where the act names none."""
    try:
        return Week(
            monday=day_of(content["week"]),
            as_of=day_of(content["as_of"]),
            seed=content["seed"],
            minutes=content["minutes"],
            commitment=content["commitment"],
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise LedgerError(
            f"this act cannot be read as a plan ({type(problem).__name__}); run `lssi ledger verify`"
        ) from None


def halt_of_act(content: Mapping[str, Any]) -> Halt | None:
    """Return what halted the model when a plan was made."""
    return None if content["halt"] is None else Halt(**content["halt"])
