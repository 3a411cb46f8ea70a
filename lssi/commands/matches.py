"""The command that finds discrepancies between databases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lssi.options import AsOf, Data, Json, Source
from lssi.output import loading, say

Kind = Annotated[
    str | None,
    typer.Option(help="只查一种 / one kind only, such as two_full_time"),
]
MatchesFile = Annotated[
    Path | None,
    typer.Option(help="写到 .parquet 或 .csv / write them to a .parquet or .csv"),
]


def matches_command(
    source: Source,
    as_of: AsOf,
    *,
    data: Data = None,
    kind: Kind = None,
    out: MatchesFile = None,
    as_json: Json = False,
) -> None:
    """列出数据比对线索。List discrepancies between databases with their rows: facts to verify,
    which no score uses.
    """
    from features.calendar import day_of
    from features.matches.find import matches
    from features.matches.write import match_lines, matches_as_json, write_matches
    from features.store.opening import open_store

    with loading() as count:
        store = open_store(source, data, count)
    found_matches = matches(store, day_of(as_of), kind)
    if out is not None:
        print(f"{out}: {write_matches(found_matches, out)}")
    elif as_json:
        heading = {"source": store.source.name, "as_of": as_of}
        say(heading | matches_as_json(store, found_matches))
    else:
        for line in match_lines(store, found_matches):
            print(line)
