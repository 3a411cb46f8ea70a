"""Commands that score with promoted models: a service over HTTP, and a batch of all units."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.errors import RequestError
from features.home import home
from lssi.clock import now
from lssi.options import Data, Json, Source, Target
from lssi.output import say
from lssi.signals import restore_defaults

if TYPE_CHECKING:
    from serving.scoring.living_scores import LivingScoring

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
Spark = Annotated[
    str | None,
    typer.Option(
        metavar="MASTER",
        help="在 Spark 上评分，例如 local[2] / score on this Spark master, such as local[2]",
    ),
]
Shared = Annotated[
    Path | None,
    typer.Option(
        help="Spark 各节点都能读写的文件夹 / folder that every worker of Spark reads and writes"
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


def batch_command(
    target: Target,
    source: Source,
    data: Data = None,
    as_json: Json = False,
    *,
    spark: Spark = None,
    shared: Shared = None,
) -> None:
    """整批评分，一条记录。Score every living unit of the last closed day under one record,
    each row with its proof.
    """
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from models.bundle.champions import ModelKey
    from models.bundle.generation import pointer_of
    from serving.scoring.promoted_models import pointed_at
    from serving.scoring.score_day import Rolling, published_roll

    check_spark_options(spark, shared)
    declared = find_source(source, data)
    key = ModelKey(declared.name, target)
    pointer = pointer_of(home() / "bundles", key)
    bundle = pointed_at(home() / "bundles", key, pointer)
    store = open_own_store(declared)
    with living_scoring(spark, shared, home() / "bundles" / pointer.bundle) as scoring:
        rolling = Rolling("lssi batch", now(), retry_key=None, scoring=scoring)
        summary = published_roll(home(), store, bundle, rolling)
    if as_json:
        say(summary)
    else:
        print_batch(summary)


def check_spark_options(master: str | None, shared: Path | None) -> None:
    """Raise RequestError where the options of Spark do not fit each other, or PySpark is not installed."""
    if master is None:
        if shared is not None:
            raise RequestError("--shared is for Spark; name a master with --spark, or leave it out")
        return
    if find_spec("pyspark") is None:
        raise RequestError("--spark needs PySpark, which is not installed; run `make extra`")
    if shared is None and not master.startswith("local"):
        raise RequestError(
            f"master {master!r} is not on this machine; name with --shared a folder that every worker reaches"
        )


@contextmanager
def living_scoring(
    master: str | None, shared: Path | None, bundle_folder: Path
) -> Iterator[LivingScoring]:
    """Yield the way to score the living units of a day: in this process, or on the Spark of a master."""
    from features.files import own_folder, private_folder
    from serving.scoring.living_scores import scored_here

    if master is None:
        yield scored_here
        return
    from features.sql.spark import session_on
    from serving.scoring.spark_day import scored_on_spark

    place = own_folder(home() / "spark")
    with private_folder(place) as scratch, session_on(master, scratch) as session:
        yield scored_on_spark(session, bundle_folder, shared or place)


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
