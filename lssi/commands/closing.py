"""The command that closes a day: loaded, scored, published, alerted and sealed by a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import RequestError
from features.home import home
from lssi.administration import signed_checkpoint
from lssi.clock import now
from lssi.options import Data, Json, OptionalOut, Source
from lssi.output import loading, say, say_lines

ClosedDay = Annotated[
    str | None,
    typer.Option(
        "--day",
        help="要关闭的日；不给则只评最近已结日 / day to close; without it the last closed day is scored",
    ),
]
DayRows = Annotated[
    Path | None,
    typer.Option("--rows", help="只含当日行的文件夹 / folder with the day's rows only"),
]


def day_command(
    source: Source,
    *,
    day: ClosedDay = None,
    rows: DayRows = None,
    data: Data = None,
    out: OptionalOut = None,
    as_json: Json = False,
) -> None:
    """关闭一日。Load a day, score it with every model in use, publish it whole, issue its alerts and make a
    checkpoint. A run that was stopped is gone on with by the same command; until the day is whole, the former one serves.
    """
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from serving.alerts.issue import Issue, issue_day
    from serving.loop.act_once import open_day
    from serving.scoring.promoted_models import all_promoted
    from serving.scoring.whole_day import publish_whole_day

    if rows is not None and day is None:
        raise RequestError(
            "--rows holds the rows of a day, and no day was named: add --day, such as --day 2015-07-01"
        )
    declared = find_source(source, data)
    bundles = all_promoted(home() / "bundles", declared.name, declared.targets)
    loaded = None if day is None else loaded_day(declared, day, rows)
    with loading() as count:
        store = open_own_store(declared, progress=count)
    published = publish_whole_day(home(), store, bundles, now())
    moment = now()
    issue = Issue(store.complete_to, open_day(store, moment, None), moment)
    result = {
        "source": declared.name,
        "complete_to": store.summary["complete_to"],
        "load": loaded,
        "scored": [
            {
                "target": one.target,
                "record_id": one.record_id,
                "units": one.units,
                "was_there": one.was_there,
            }
            for one in published.scored
        ],
        "generation": published.generation.name,
        "alerts": len(issue_day(home(), store, bundles, issue)),
        "checkpoint": checkpoint_text(out),
    }
    if as_json:
        say(result)
    else:
        say_lines(day_lines(result))


def loaded_day(declared: Any, day: str, rows: Path | None) -> str:
    """Append the rows of a day, and return whether that made the store, loaded the day or changed nothing."""
    from features.calendar import day_of
    from features.store.append import feed

    with loading() as count:
        return feed(declared, day_of(day), rows, count).state


def checkpoint_text(out: Path | None) -> str:
    """Return the ledger's signed checkpoint, which also goes to a file if one is named."""
    from features.files import write_text

    text = signed_checkpoint()
    if out is not None:
        write_text(out, text)
    return text


def day_lines(result: dict[str, Any]) -> list[str]:
    """Return what was done as lines."""
    lines = [
        f"{result['source']} · 截至 complete to {result['complete_to']} · {result['generation']}"
    ]
    for one in result["scored"]:
        repeated = " · 此前已评 scored before" if one["was_there"] else ""
        lines.append(f"  {one['target']} | {one['units']} 户 units | {one['record_id']}{repeated}")
    lines.append(f"  {result['alerts']} 条新预警 new alerts")
    return [*lines, *result["checkpoint"].splitlines()]
