"""The command that lists the units whose histories are unlike those of their peers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lssi.options import AsOf, Data, Json, Source
from lssi.output import loading, say

Entity = Annotated[str, typer.Option(help="enterprise | claim | provider")]
Top = Annotated[int, typer.Option(min=1, help="列出多少个 / how many to list")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="随机种子 / seed of the forest")]
QueueFile = Annotated[
    Path | None,
    typer.Option(help="写到 .parquet 或 .csv / write the queue to a .parquet or .csv"),
]


def novelty_command(
    source: Source,
    as_of: AsOf,
    *,
    entity: Entity = "enterprise",
    top: Top = 50,
    seed: Seed = 1,
    data: Data = None,
    out: QueueFile = None,
    as_json: Json = False,
) -> None:
    """异常队列。List the units most unlike their peers, for acts that no label tells of yet:
    no score, and part of none.
    """
    from features.matches.write import writer_for
    from features.store.opening import open_store
    from training.runs.novelty import queue_as_json, queue_lines, queue_of, write_queue

    if out is not None:
        writer_for(out)  # a wrong ending is refused before anything is computed
    with loading() as count:
        store = open_store(source, data, count)
    queue = queue_of(store, entity, as_of, top=top, seed=seed)
    if out is not None:
        print(f"{out}: {write_queue(queue, out)}")
    elif as_json:
        heading = {"source": store.source.name, "entity": entity, "as_of": as_of}
        say(heading | queue_as_json(queue))
    else:
        for line in queue_lines(queue):
            print(line)
