"""The command that says how a whole city stands, from what the lottery's visits found."""

from __future__ import annotations

from typing import Annotated

import typer

from features.home import home
from lssi.options import Data, Json, Source
from lssi.output import loading, progress, say, say_lines

EstimatedTarget = Annotated[str, typer.Option("--target", help="目标 / target")]
FirstDay = Annotated[str, typer.Option("--from", help="首日 / first day, such as 2014-07-01")]
LastDay = Annotated[str, typer.Option("--to", help="末日 / last day, such as 2015-06-30")]
By = Annotated[
    str | None,
    typer.Option("--by", help="按组 / by group: district | sector | size | rural"),
]


def estimate_command(
    source: Source,
    target: EstimatedTarget,
    first: FirstDay,
    last: LastDay,
    *,
    by: By = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """全市估计。Say how many enterprises violate and how many workers lack cover in the whole city, with
    intervals, and what lists found beyond the lottery.
    """
    from features.calendar import day_of
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from models.bundle.champions import ModelKey
    from serving.scoring.promoted_models import promoted
    from training.estimates.lines import estimate_lines
    from training.estimates.period_visits import period_in
    from training.estimates.report import estimate_report

    days = day_of(first), day_of(last)
    declared = find_source(source, data)
    bundle = promoted(home() / "bundles", ModelKey(declared.name, target))
    with loading() as count:
        store = open_own_store(declared, progress=count)
    with progress("估计 estimating"):
        report = estimate_report(store, bundle, period_in(store, *days), by)
    if as_json:
        say(report)
    else:
        say_lines(estimate_lines(report))
