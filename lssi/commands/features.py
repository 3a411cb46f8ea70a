"""Commands about features: their values as a file, and what each of them means."""

from __future__ import annotations

from typing import Annotated

import typer

from lssi.options import Data, Json, Out, Source
from lssi.output import loading, progress, say

Entity = Annotated[str, typer.Option(help="enterprise | claim | provider")]
AsOfDays = Annotated[
    list[str],
    typer.Option(
        help="截至日，可重复；known：每笔申领以其入库日为准"
        " / the as-of day; may be repeated; known: each claim's own"
    ),
]
OptionalSource = Annotated[
    str | None,
    typer.Argument(help="数据源；不写则列全部 / without it: the whole"),
]


def features_command(
    source: Source,
    entity: Entity,
    as_of: AsOfDays,
    out: Out,
    data: Data = None,
) -> None:
    """写出特征矩阵。Write the features of all living units as Parquet, as of one day or of several;
    the key and the day are the first columns.
    """
    from features.engine.batches import check_asked, feature_batches
    from features.engine.id_order import write_ordered
    from features.store.opening import open_store

    check_asked(entity, as_of)
    with loading() as count:
        store = open_store(source, data, count)
    with progress("特征 features"):
        rows, columns = write_ordered(feature_batches(store, entity, as_of), out)
    print(f"{out}: {rows} × {columns}")


def dictionary_command(
    source: OptionalSource = None,
    *,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """输出特征字典。Print every feature with meaning, formula, tables, windows and legal basis;
    for a source, say which of them it can compute.
    """
    from features.catalogue.document import catalogue_as_json, catalogue_page, whole_catalogue
    from features.engine.matrices import catalogue_of
    from features.store.opening import open_store

    if source is None:
        catalogue = whole_catalogue()
        name = None
    else:
        with loading() as count:
            store = open_store(source, data, count)
        catalogue = catalogue_of(store)
        name = store.source.name
    if as_json:
        say(catalogue_as_json(catalogue, name))
    else:
        print(catalogue_page(catalogue, name), end="")
