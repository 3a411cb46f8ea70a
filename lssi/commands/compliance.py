"""The commands of the compliance campaign: classes, medals and public exposure by dated rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lssi.options import AsOf, Data, Json, Source
from lssi.output import loading, say, say_lines

if TYPE_CHECKING:
    from models.campaign.sheet import Sheet

Year = Annotated[
    int | None,
    typer.Option(
        "--period",
        min=1900,
        max=2200,
        help="评价周期，以其最后一年命名 / the period, named by its last year, such as 2013",
    ),
]
KnownBy = Annotated[
    str | None,
    typer.Option(help="截至日 / the closed day whose knowledge counts, such as 2014-03-31"),
]
Rules = Annotated[
    Path | None,
    typer.Option(help="规则文件夹 / a folder of rule sets, in place of the published ones"),
]
SheetFile = Annotated[
    Path | None,
    typer.Option(help="写到 .parquet 或 .csv / write the list to a .parquet or .csv"),
]


def appraise_command(
    source: Source,
    *,
    period: Year = None,
    as_of: KnownBy = None,
    rules: Rules = None,
    data: Data = None,
    out: SheetFile = None,
    as_json: Json = False,
) -> None:
    """评定守法诚信等级。Appraise every living enterprise for a closed period, by facts and sanctions
    alone; no score changes a class.
    """
    from features.calendar import day_of
    from features.store.opening import open_store
    from models.campaign.appraisal import appraise
    from models.campaign.appraisal_sheet import appraisal_sheet
    from models.campaign.period import asked_period

    check_ending(out)
    day = None if as_of is None else day_of(as_of)
    with loading() as count:
        store = open_store(source, data, count)
    closed_period, known_by = asked_period(store, period, day, rules)
    sheet = appraisal_sheet(store, appraise(store, closed_period, known_by))
    tell(sheet, out, as_json=as_json)


def medals_command(
    source: Source,
    as_of: AsOf,
    *,
    rules: Rules = None,
    data: Data = None,
    out: SheetFile = None,
    as_json: Json = False,
) -> None:
    """列出奖牌候选。List the candidates for compliance medals among the best of the last closed period,
    and who holds one; a medal waives routine visits only.
    """
    from features.calendar import day_of
    from features.store.opening import open_store
    from models.campaign.medal_sheet import medal_sheet
    from models.campaign.medals import medals
    from models.campaign.period import asked_period

    check_ending(out)
    day = day_of(as_of)
    with loading() as count:
        store = open_store(source, data, count)
    period, known_by = asked_period(store, None, day, rules)
    sheet = medal_sheet(store, medals(store, period, known_by))
    tell(sheet, out, as_json=as_json)


def exposures_command(
    source: Source,
    as_of: AsOf,
    *,
    rules: Rules = None,
    data: Data = None,
    out: SheetFile = None,
    as_json: Json = False,
) -> None:
    """列出社会公布候选。List who may be named in public for adjudicated arrears, and who of those named
    has paid, by the next day or since.
    """
    from features.calendar import day_of
    from features.store.opening import open_store
    from models.campaign.exposure_sheet import exposure_sheet
    from models.campaign.exposures import exposures
    from models.policy.policy import policy_on

    check_ending(out)
    day = day_of(as_of)
    policy = policy_on(day, rules)
    with loading() as count:
        store = open_store(source, data, count)
    sheet = exposure_sheet(store, exposures(store, policy, day))
    tell(sheet, out, as_json=as_json)


def classify_command(
    source: Source,
    as_of: AsOf,
    *,
    rules: Rules = None,
    data: Data = None,
    out: SheetFile = None,
    as_json: Json = False,
) -> None:
    """按当日所知分类。Give every living enterprise its compliance category and level of inspection by the
    rules in force and what is known on the day.
    """
    from features.calendar import day_of
    from features.store.opening import open_store
    from models.campaign.classification import classified
    from models.campaign.classification_sheet import classification_sheet
    from models.policy.policy import policy_on

    check_ending(out)
    day = day_of(as_of)
    policy = policy_on(day, rules)
    with loading() as count:
        store = open_store(source, data, count)
    sheet = classification_sheet(store, classified(store, policy, day))
    tell(sheet, out, as_json=as_json)


def check_ending(out: Path | None) -> None:
    """Raise RequestError where a file's ending is none that can be written, before anything is computed."""
    from features.matches.write import writer_for

    if out is not None:
        writer_for(out)


def tell(sheet: Sheet, out: Path | None, *, as_json: bool) -> None:
    """Write a sheet to a file and say how many rows it has, or print it as JSON or as lines."""
    from models.campaign.sheet import sheet_as_json, write_sheet

    if out is not None:
        print(f"{out}: {write_sheet(sheet, out)}")
    elif as_json:
        say(sheet_as_json(sheet))
    else:
        say_lines(sheet.lines)
