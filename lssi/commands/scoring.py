"""Commands that score with promoted models: a service over HTTP, and a batch of all units."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from features.home import home
from lssi.clock import now
from lssi.options import Data, Json, Source, Target
from lssi.output import say
from lssi.signals import restore_defaults

Host = Annotated[str, typer.Option(help="监听地址 / address to listen on")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="端口 / port")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="进程数 / worker processes")]
StaleAfter = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="DAYS",
        envvar="LSSI_STALE_AFTER",
        help="最近已结日超过几天即未就绪 / not ready once the last closed day is more days old than this",
    ),
]


def serve_command(
    source: Source,
    data: Data = None,
    *,
    host: Host = "127.0.0.1",
    port: Port = 3000,
    workers: Workers = 1,
    stale_after: StaleAfter = None,
) -> None:
    """启动评分服务。Serve the promoted models over HTTP (docs/api.md) until it is stopped."""
    from serving.api.start import serve
    from serving.database.place import VARIABLE
    from serving.settings import Settings

    restore_defaults()  # the server ends its workers itself
    settings = Settings(
        home(),
        source,
        data,
        ledger_address=os.environ.get(VARIABLE) or None,
        stale_after=stale_after,
    )
    serve(settings, host=host, port=port, workers=workers)


def batch_command(target: Target, source: Source, data: Data = None, as_json: Json = False) -> None:
    """整批评分，一条记录。Score every living unit of the last closed day under one record,
    each row with its proof.
    """
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from models.bundle.champions import ModelKey
    from serving.scoring.promoted_models import promoted
    from serving.scoring.score_day import roll

    declared = find_source(source, data)
    bundle = promoted(home() / "bundles", ModelKey(declared.name, target))
    store = open_own_store(declared)
    summary = roll(home(), store, bundle, caller="lssi batch", moment=now())
    if as_json:
        say(summary)
    else:
        print_batch(summary)


def print_batch(summary: dict[str, Any]) -> None:
    """Print the record of a batch, the dormant firms that it counts, and the first units."""
    from features.engine.dormancy import dormancy_line
    from models.bundle.interval import number_line

    record, day, rows = summary["record_id"], summary["as_of"], summary["rows"]
    print(f"{record} | {day} | {rows} 行 rows | {summary['priority_only']['zh']}")
    if "dormant" in summary:
        print(dormancy_line(summary["dormant"]))
    for unit in summary["top"]:
        score = f"  {unit['rank']} | {unit['id']} | {unit['score']:.3f}"
        number = " ".join(number_line(unit, summary["unit_expected"]))
        print(f"{score} | {number}" if number else score)
