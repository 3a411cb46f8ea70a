"""Commands for whoever connects a database: the contract, and a source's check, days and name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import RequestError
from lssi.options import Data, Json, Source
from lssi.output import loading, say, say_lines

Day = Annotated[
    str | None,
    typer.Option(help="要关闭的日 / the day to close, such as 2015-07-01"),
]
Rows = Annotated[
    Path | None,
    typer.Option(help="只含当日行的文件夹 / folder with the day's rows only"),
]
Compact = Annotated[
    bool,
    typer.Option("--compact", help="把各日并入新基底 / merge the days"),
]


def contract_command(as_json: Json = False) -> None:
    """数据合同。Print the data contract: tables, keys, columns, types, units and meanings."""
    from features.contract.tables import contract_as_json

    tables = contract_as_json()
    if as_json:
        say(tables)
        return
    for table in tables:
        name = table["table"]
        key = ", ".join(table["key"])
        print(f"\n{name} | {table['zh']} | {table['en']} | {key}")
        for column in table["columns"]:
            print(column_line(column))


def column_line(column: dict[str, Any]) -> str:
    """Return the line of a column: name, type and values (`?`: may be empty), both meanings."""
    type_words = [column["type"]]
    type_words += column["values"] or []
    if column["optional"]:
        type_words.append("?")
    # the law behind a column follows its meaning where there is one
    zh = "；".join(filter(None, (column["zh"], column["law_zh"])))
    en = "; ".join(filter(None, (column["en"], column["law_en"])))
    return f"  {column['name']} | {' '.join(type_words)} | {zh} | {en}"


def check_command(source: Source, data: Data = None, as_json: Json = False) -> None:
    """装载并校验数据源。Load a source; say which rows are accepted, which are refused and why, and
    which cases its targets set aside (exit code 1 if a table has rows and none is accepted).
    """
    from features.check.load_report import check_lines, summary_of
    from features.store.opening import open_store
    from training.data.dataset import every_set_aside
    from training.data.set_aside import set_aside_lines

    with loading() as count:
        store = open_store(source, data, count)
    summary = summary_of(store)
    summary["set_aside"] = every_set_aside(store)
    if as_json:
        say(summary)
    else:
        lines = check_lines(summary)
        for target, counts in summary["set_aside"].items():
            lines += set_aside_lines(target, counts)
        say_lines(lines)
    if summary["refused_whole"]:
        raise typer.Exit(1)


def load_command(
    source: Source,
    *,
    day: Day = None,
    rows: Rows = None,
    data: Data = None,
    as_json: Json = False,
    merge: Compact = False,
) -> None:
    """装载一日。Append a day's rows and close the day; refused rows are written to files.
    The first load makes the store.
    """
    if (day is None) != merge:
        raise RequestError(
            "name the day to close with --day, such as --day 2015-07-01, "
            "or merge the days with --compact alone"
        )
    if merge and rows is not None:
        raise RequestError(
            "--compact merges days that are loaded and takes no rows; load those of --rows with --day first"
        )
    if day is None:
        merge_days(source, data, as_json)
    else:
        append_day(source, data, day, rows, as_json)


def merge_days(source: str, data: str | None, as_json: bool) -> None:
    """Merge the days of a source's store into a new base, and say where it lies."""
    from features.ingest.source import find_source
    from features.store.compaction import compact

    folder = compact(find_source(source, data))
    if as_json:
        say({"compacted": str(folder)})
    else:
        print(folder)


def append_day(
    source: str,
    data: str | None,
    day: str,
    rows: Path | None,
    as_json: bool,
) -> None:
    """Append the rows of a day, which may lie in a folder of their own, and say what was taken."""
    from features.calendar import day_of
    from features.check.day_report import load_as_json, load_lines
    from features.ingest.source import find_source
    from features.store.append import feed

    declared = find_source(source, data)
    with loading() as count:
        report = feed(declared, day_of(day), rows, count)
    if as_json:
        say(load_as_json(report))
    else:
        say_lines(load_lines(report))


def adopt_command(source: Source, data: Data = None) -> None:
    """沿用名称。Let a source that has moved, or a new dump of it, keep its name,
    with the models and journal of that name.
    """
    from features.ingest.source import find_source
    from features.store.source_names import adopt, place_text

    declared = find_source(source, data)
    former = adopt(declared)
    before = ""
    if former and former.place != declared.place:
        before = f" (先前 before: {place_text(former.place)})"
    print(f"{declared.name}: {place_text(declared.place)}{before}")
