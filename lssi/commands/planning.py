"""The command that plans a week of inspections."""

from __future__ import annotations

from typing import Annotated

import typer

from features.home import home
from lssi.options import Data, Json, Source
from lssi.output import say

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


def plan_command(
    source: Source,
    week: Week,
    *,
    data: Data = None,
    target: PlannedTarget = "undeclared_workers",
    seed: PublishedSeed = "0",
    minutes: Minutes = None,
    as_json: Json = False,
) -> None:
    """制定周检查计划。Plan a week: one list for each cell within its team's minutes; the lottery is
    recorded in the journal.
    """
    from features.calendar import day_of
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from models.bundle.champions import ModelKey
    from models.policy.plan_text import plan_as_json, plan_as_text, write_journal
    from models.policy.week import made, week_of
    from serving.scoring.promoted_models import promoted

    day = day_of(week)
    declared = find_source(source, data)
    bundle = promoted(home() / "bundles", ModelKey(declared.name, target))
    store = open_own_store(declared)
    weekly_plan = made(store, bundle, week_of(store, day, seed, minutes))
    write_journal(weekly_plan, home() / "journal" / store.source.name)
    if as_json:
        say(plan_as_json(weekly_plan))
    else:
        print(plan_as_text(weekly_plan))
