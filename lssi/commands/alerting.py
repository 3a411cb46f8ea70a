"""The command that alerts the responsible teams."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from features.home import home
from lssi.clock import now
from lssi.options import AsOf, Data, Json, Source
from lssi.output import loading, say, say_lines

if TYPE_CHECKING:
    from models.bundle.bundle import Bundle

On = Annotated[
    str | None,
    typer.Option(help="签发日 / day on which they are issued; today if left out"),
]


def alerts_command(
    source: Source,
    as_of: AsOf,
    *,
    data: Data = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """签发预警。Alert the team of each cell where new rows or scores cross a declared rule; each alert
    is issued once.
    """
    from features.calendar import day_of
    from features.errors import TargetError
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from serving.alerts.alert_text import alert_lines
    from serving.alerts.delivered import answered
    from serving.alerts.issue import Issue, issue_day
    from serving.loop.act_once import open_day
    from serving.scoring.promoted_models import all_promoted

    as_of_day = day_of(as_of)
    stated_day = None if on is None else day_of(on)
    declared = find_source(source, data)
    with loading() as count:
        store = open_own_store(declared, progress=count)
    bundles: dict[str, Bundle] = {}
    # without any model in use, rules that rest on matches still alert
    with suppress(TargetError):
        bundles = all_promoted(home() / "bundles", declared.name, declared.targets)
    moment = now()
    issue = Issue(as_of_day, open_day(store, moment, stated_day), moment)
    issued = issue_day(home(), store, bundles, issue)
    answers = answered(home() / "journal" / store.source.name)
    if as_json:
        say({"source": declared.name, "as_of": as_of, "issued": issued, "all": answers})
        return
    for alert in issued:
        say_lines(alert_lines(alert))
    print(
        f"{len(issued)} 条新预警 new | 共 {answers['issued']} 条 in all | "
        f"{answers['acknowledged']} 已签收 acknowledged | {answers['with_outcome']} 有结果 with an outcome"
    )
