"""Commands about a week of inspections: its plan, and why an enterprise is on a list or on none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.home import home
from lssi.options import Data, Json, Source
from lssi.output import say, say_lines

if TYPE_CHECKING:
    from features.store.store import Store
    from models.policy.week import Made

Week = Annotated[str, typer.Option(help="计划周内任一天 / any day of the week to plan")]
PlannedTarget = Annotated[str, typer.Option(help="目标 / target")]
PublishedSeed = Annotated[
    str,
    typer.Option(help="事先公布的抽签种子 / seed published before the draw"),
]
Minutes = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="每份清单的人·分钟 / person-minutes of every list, where the source holds no teams",
    ),
]


Enterprise = Annotated[str, typer.Argument(help="企业编号 / number of an enterprise")]
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
    target: PlannedTarget = "undeclared_workers",
    seed: PublishedSeed = "0",
    minutes: Minutes = None,
    cell: Cell = None,
    out: Sheets = None,
    retrospective: Retrospective = False,
    as_json: Json = False,
) -> None:
    """制定周检查计划。Plan a week: one list for each cell within its team's minutes; the lottery is
    recorded in the journal.
    """
    from models.policy.plan_journal import write_journal
    from models.policy.plan_json import of_cell, plan_as_json
    from models.policy.plan_sheet import write_plan_sheets
    from models.policy.plan_text import plan_lines

    asked = Asked(source, data, target, week, seed, minutes)
    store, weekly_plan = planned(asked, retrospective=retrospective)
    shown = plan_as_json(weekly_plan)
    if cell is not None:
        shown = of_cell(shown, cell)
    write_journal(weekly_plan, home() / "journal" / store.source.name)
    files = [] if out is None else [str(path) for path in write_plan_sheets(shown, out)]
    if as_json:
        say({**shown, "files": files})
    else:
        say_lines([*plan_lines(shown), *files])


def why_command(
    source: Source,
    enterprise: Enterprise,
    week: Week,
    *,
    data: Data = None,
    target: PlannedTarget = "undeclared_workers",
    seed: PublishedSeed = "0",
    minutes: Minutes = None,
    retrospective: Retrospective = False,
    as_json: Json = False,
) -> None:
    """为何列入或未列入。Say why an enterprise is on the week's list or on none: which rule, cut-off,
    minutes or draw decided, and what would have put it there.
    """
    from models.policy.why import why_lines, why_listed
    from serving.scoring.day_reasons import day_reasons

    asked = Asked(source, data, target, week, seed, minutes)
    store, weekly_plan = planned(asked, retrospective=retrospective)
    check_living(store, weekly_plan, enterprise)
    shown = why_listed(weekly_plan, enterprise)
    shown["reasons"] = day_reasons(store, weekly_plan.bundle, weekly_plan.week.as_of, enterprise)
    if as_json:
        say(shown)
        return
    reasons = [f"  {reason['zh']} {reason['en']}" for reason in shown["reasons"]]
    say_lines([*why_lines(shown), "分数的理由 reasons of the score:", *(reasons or ["  -"])])


def check_living(store: Store, plan: Made, enterprise: str) -> None:
    """Raise UnknownId for an enterprise that the register of the plan's day lacks, or that is closed on it."""
    import numpy as np

    from features.calendar import date_of
    from features.engine.engine import engine_of
    from features.engine.population import cases_of
    from features.errors import UnknownId

    if enterprise in plan.place:
        return
    as_of = plan.week.as_of
    cases_of(engine_of(store), "enterprise", [enterprise], np.array([as_of], np.int64))
    raise UnknownId(
        f"enterprise {enterprise!r} was closed by {date_of(as_of)}, and lists name only those that live; "
        "ask for a week in which it lived"
    )


@dataclass(frozen=True)
class Asked:
    """What both commands ask for: a week of a source for a target, and what the plan needs besides."""

    source: str
    data: str | None
    target: str
    week: str
    seed: str
    minutes: int | None


def planned(asked: Asked, *, retrospective: bool) -> tuple[Store, Made]:
    """Return a source's store and its plan of a week, by rules and lottery alone where the ledger halts the model."""
    from features.calendar import day_of
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from models.bundle.champions import ModelKey
    from models.policy.week import Halt, check_not_before_training, made, week_of
    from serving.ledger.model_halt import standing_halt
    from serving.scoring.promoted_models import promoted

    day = day_of(asked.week)
    declared = find_source(asked.source, asked.data)
    bundle = promoted(home() / "bundles", ModelKey(declared.name, asked.target))
    store = open_own_store(declared)
    week = week_of(store, day, asked.seed, asked.minutes)
    if not retrospective:
        check_not_before_training(bundle, week)
    standing = standing_halt(home() / "ledger.db", declared.name, asked.target)
    halt = None
    if standing is not None:
        halt = Halt(standing.record_id, standing.as_of, standing.zh, standing.en)
    return store, made(store, bundle, week, halt)
