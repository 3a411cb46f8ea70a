"""Commands about a week of inspections: its plan, and why an enterprise is on a list or on none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from features.home import home
from lssi.clock import now
from lssi.options import Data, Json, Source
from lssi.output import say, say_lines

if TYPE_CHECKING:
    from features.store.store import Store
    from models.policy.week import Halt, WeekPlan
    from models.policy.week import Week as AskedWeek
    from serving.lottery.planned_draw import CommittedDraw

Week = Annotated[str, typer.Option(help="计划周内任一天 / any day of the week to plan")]
PlannedUnit = Annotated[
    Literal["enterprise", "claim", "provider"],
    typer.Option("--unit", help="检查企业，或核查申领、机构 / visits to enterprises, or reviews"),
]
PlannedTarget = Annotated[
    str | None,
    typer.Option(help="目标，缺省按单位 / target; that of the unit if left out"),
]
PublishedSeed = Annotated[
    str | None,
    typer.Option(
        help="未承诺抽签时公布的种子，缺省为 0 / published seed of a lottery that is not committed; 0 if left out"
    ),
]
Minutes = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="每份清单的人·分钟 / person-minutes of every list, where the source holds no teams",
    ),
]


Listed = Annotated[
    str,
    typer.Argument(help="企业、申领或机构编号 / number of an enterprise, a claim or a provider"),
]
Cell = Annotated[
    str | None,
    typer.Option(
        help="只看一个网格 / show the list of one cell alone; - is that of units in no cell"
    ),
]
Retrospective = Annotated[
    bool,
    typer.Option(
        "--retrospective",
        help="训练日之前的周也排 / plan a week from before the model's training day",
    ),
]
Preview = Annotated[
    bool,
    typer.Option("--preview", help="只看，不入账本和日志 / show it and record nothing"),
]
Sheets = Annotated[
    Path | None,
    typer.Option(
        help="每队一份 CSV 与一页可打印表 / folder for a CSV per team and a sheet to print"
    ),
]


def plan_command(
    source: Source,
    week: Week,
    *,
    data: Data = None,
    unit: PlannedUnit = "enterprise",
    target: PlannedTarget = None,
    seed: PublishedSeed = None,
    minutes: Minutes = None,
    cell: Cell = None,
    out: Sheets = None,
    retrospective: Retrospective = False,
    preview: Preview = False,
    as_json: Json = False,
) -> None:
    """制定周检查或核查计划。Plan a week: one list for each cell within its team's minutes, or of reviews for
    each team; plan and lottery are recorded, one plan a week.
    """
    from features.ingest.directory import directory_of
    from features.ingest.source import find_source
    from models.policy.plan_json import listed_units, of_cell, plan_as_json, with_reasons
    from models.policy.plan_sheet import write_plan_sheets
    from models.policy.plan_text import plan_lines
    from serving.scoring.day_reasons import listed_reasons

    question = PlanQuestion(source, data, _target(unit, target), week, seed, minutes)
    store, weekly_plan = planned(question, retrospective=retrospective)
    shown = plan_as_json(weekly_plan)
    if cell is not None:
        shown = of_cell(shown, cell)
    # a model that is halted decides nothing, so its reasons are no reasons of the plan
    if weekly_plan.halt is None:
        as_of = weekly_plan.week.as_of
        reasons = listed_reasons(store, weekly_plan.bundle, as_of, listed_units(shown))
        shown = with_reasons(shown, reasons)
    recorded = None if preview else _recorded(store, weekly_plan)
    files: list[str] = []
    if out is not None:
        directory = directory_of(find_source(source, data), shown["unit"])
        files = [str(path) for path in write_plan_sheets(shown, out, directory)]
    if as_json:
        say({**shown, "record_id": recorded, "files": files})
    else:
        line = f"记录 record {recorded or '- (--preview)'}"
        say_lines([*plan_lines(shown), line, *files])


def _recorded(store: Store, plan: WeekPlan) -> str:
    """Record a plan as the one that stands for its week, and return its record."""
    from serving.lottery.steps import Clerk
    from serving.plans.standing_plan import record_plan
    from serving.scoring.transcript import KEPT_DAYS

    return record_plan(Clerk(home(), now(), KEPT_DAYS), store, plan).record_id


def why_command(
    source: Source,
    name: Listed,
    week: Week,
    *,
    data: Data = None,
    unit: PlannedUnit = "enterprise",
    target: PlannedTarget = None,
    seed: PublishedSeed = None,
    minutes: Minutes = None,
    retrospective: Retrospective = False,
    as_json: Json = False,
) -> None:
    """为何列入或未列入。Say why a unit is on the week's list or on none: which rule, cut-off,
    minutes or draw decided, and what would have put it there.
    """
    from models.policy.why import why_lines, why_listed
    from serving.scoring.day_reasons import day_reasons

    question = PlanQuestion(source, data, _target(unit, target), week, seed, minutes)
    store, weekly_plan = planned(question, retrospective=retrospective)
    check_living(store, weekly_plan, name)
    shown = why_listed(weekly_plan, name)
    shown["reasons"] = day_reasons(store, weekly_plan.bundle, weekly_plan.week.as_of, name)
    if as_json:
        say(shown)
        return
    reasons = [f"  {reason['zh']} {reason['en']}" for reason in shown["reasons"]]
    say_lines([*why_lines(shown), "分数的理由 reasons of the score:", *(reasons or ["  -"])])


def check_living(store: Store, plan: WeekPlan, name: str) -> None:
    """Raise UnknownId for a unit that the register of the plan's day lacks, or that is looked at no more on it."""
    import numpy as np

    from features.calendar import date_of
    from features.engine.engine import engine_of
    from features.engine.population import cases_of
    from features.errors import UnknownId

    if name in plan.place:
        return
    as_of = plan.week.as_of
    kind = plan.kind.name
    cases_of(engine_of(store), kind, [name], np.array([as_of], np.int64))
    if kind == "claim":
        raise UnknownId(
            f"claim {name!r} was not in hand on {date_of(as_of)}: reviewed, settled, or known for long; "
            "lists name only claims in hand, so ask for a week in which it was"
        )
    raise UnknownId(
        f"{kind} {name!r} was closed by {date_of(as_of)}, and lists name only those that live; "
        "ask for a week in which it lived"
    )


def _target(unit: str, target: str | None) -> str:
    """Return the target that is planned: the one that is named, else the first of the unit."""
    from models.policy.plan_unit import KINDS

    return target or KINDS[unit].target


DEFAULT_SEED = "0"
"""The seed of a lottery that nobody committed to and for which none was published."""


@dataclass(frozen=True)
class PlanQuestion:
    """What both commands ask for: a week of a source for a target, and what the plan needs besides."""

    source: str
    data: str | None
    target: str
    week: str
    seed: str | None
    minutes: int | None


def planned(question: PlanQuestion, *, retrospective: bool) -> tuple[Store, WeekPlan]:
    """Return a source's store and its plan of a week, by rules and lottery alone where the ledger halts the model."""
    from features.calendar import day_of
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from models.bundle.champions import ModelKey
    from models.policy.week import check_not_before_training
    from models.reviews.review_week import planned_week
    from serving.lottery.planned_draw import check_unit_list
    from serving.scoring.promoted_models import promoted

    # a day that is none is told before anything else
    day_of(question.week)
    declared = find_source(question.source, question.data)
    bundle = promoted(home() / "bundles", ModelKey(declared.name, question.target))
    committed = _committed(question, declared.name)
    store = open_own_store(declared)
    week = _week(question, store, committed)
    if not retrospective:
        check_not_before_training(bundle, week)
    weekly_plan = planned_week(store, bundle, week, _halt(question, declared.name))
    if committed is not None:
        check_unit_list(weekly_plan.plan, committed)
    return store, weekly_plan


def _committed(question: PlanQuestion, source: str) -> CommittedDraw | None:
    """Return the week's committed draw, if any; PolicyError where another seed is given beside it."""
    from features.calendar import day_of
    from features.errors import PolicyError
    from models.policy.capacity import monday_of
    from serving.database.place import ledger_place
    from serving.lottery.commitment import WeekLottery
    from serving.lottery.planned_draw import committed_draw

    lottery = WeekLottery(source, question.target, monday_of(day_of(question.week)))
    committed = committed_draw(ledger_place(home()), lottery)
    if committed is not None and question.seed not in {None, committed.draw.seed}:
        raise PolicyError(
            f"the lottery of this week is committed in record '{committed.record_id}' and takes no other seed; "
            "leave out --seed"
        )
    return committed


def _week(question: PlanQuestion, store: Store, committed: CommittedDraw | None) -> AskedWeek:
    """Return the week that is asked for, with the seed of its committed draw or the one that is published."""
    from features.calendar import day_of
    from models.policy.week import week_of

    day = day_of(question.week)
    if committed is None:
        return week_of(store, day, question.seed or DEFAULT_SEED, question.minutes)
    drawn = week_of(store, day, committed.draw.seed, question.minutes)
    return replace(drawn, commitment=committed.record_id)


def _halt(question: PlanQuestion, source: str) -> Halt | None:
    """Return what halts the model, None where it may be used."""
    from models.policy.week import Halt
    from serving.database.place import ledger_place
    from serving.ledger.model_halt import standing_halt

    standing = standing_halt(ledger_place(home()), source, question.target)
    if standing is None:
        return None
    return Halt(standing.record_id, standing.as_of, standing.zh, standing.en)
