"""The command that searches better choices of training for one target."""

from __future__ import annotations

from typing import Annotated

import typer

from features.home import home
from lssi.options import Data, DeclaredTarget, Json, OptionalOut, Source
from lssi.output import loading, progress, say

Trials = Annotated[int, typer.Option(min=1, max=10_000, help="试验次数 / how many to try in all")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="搜索的种子 / seed of the search")]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="继续中断的搜索 / go on with a search that was stopped"),
]


def tune_command(
    target: DeclaredTarget,
    source: Source,
    *,
    trials: Trials = 50,
    seed: Seed = 1,
    resume: Resume = False,
    data: Data = None,
    out: OptionalOut = None,
    as_json: Json = False,
) -> None:
    """搜索训练选择。Search better choices of training on the training days, and say whether they beat
    the recipe; nothing is put into use: the table found is for you to copy into source.toml.
    """
    from features.files import write_text
    from features.store.opening import open_store
    from training.data.dataset import dataset, target_of
    from training.data.recipe import recipe_of
    from training.runs.tune import search_file, table_of, tuned, tuning_of

    with loading() as count:
        store = open_store(source, data, count)
    recipe = recipe_of(target_of(store, target).fit, target=target)
    tuning = tuning_of(dataset(store, target, seed=recipe.seed), recipe)
    file = search_file(home(), store.source.name, tuning, seed)
    with progress("搜索 tuning") as advance:
        report = tuned(tuning, file, trials=trials, resume=resume, advance=advance)
    if out is not None:
        write_text(out, table_of(report))
    if as_json:
        say({"source": store.source.name, **report})
    else:
        print(table_of(report), end="")
