"""The commands of the compliance campaign: classes, medals and public exposure by dated rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lssi.administration import loop_of_store
from lssi.clock import now
from lssi.options import AsOf, Data, Json, Source
from lssi.output import loading, say, say_lines

if TYPE_CHECKING:
    from features.store.store import Store
    from models.campaign.sheet import Sheet
    from serving.ledger.entries import Receipt
    from serving.loop.act_once import Doer, Loop

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


Award = Annotated[
    list[str] | None,
    typer.Option(help="授予奖牌的企业，可多次 / an enterprise that gets a medal, repeatable"),
]
Publish = Annotated[
    list[str] | None,
    typer.Option(help="社会公布的企业，可多次 / an enterprise that is named in public, repeatable"),
]
Decide = Annotated[
    bool,
    typer.Option("--decide", help="记为评定结果 / record the classes as decided"),
]
By = Annotated[str, typer.Option(help="决定人 / who decides, as the ledger will name them")]
On = Annotated[
    str | None,
    typer.Option(help="入库日 / day from which the decision is known; today if left out"),
]


def appraise_command(
    source: Source,
    *,
    period: Year = None,
    as_of: KnownBy = None,
    rules: Rules = None,
    data: Data = None,
    out: SheetFile = None,
    decide: Decide = False,
    by: By = "operator",
    on: On = None,
    as_json: Json = False,
) -> None:
    """评定守法诚信等级。Appraise every living enterprise for a closed period, by facts and sanctions
    alone; no score changes a class. --decide records the classes.
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
    appraised = appraise(store, closed_period, known_by)

    def decided(loop: Loop, _: str, doer: Doer) -> Receipt:
        from serving.loop.campaign_acts import decide_appraisal

        return decide_appraisal(loop, appraised, doer)

    periods = [str(closed_period.year)] if decide else []
    receipts = _decided(store, decided, periods, Decider("appraisal", known_by, by, on))
    tell(appraisal_sheet(store, appraised), out, as_json=as_json, receipts=receipts)


def medals_command(
    source: Source,
    as_of: AsOf,
    *,
    rules: Rules = None,
    data: Data = None,
    out: SheetFile = None,
    award: Award = None,
    by: By = "operator",
    on: On = None,
    as_json: Json = False,
) -> None:
    """列出奖牌候选。List the candidates for compliance medals among the best of the last closed period,
    and who holds one; a medal waives routine visits only. --award records a medal.
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
    medal_list = medals(store, period, known_by)

    def decided(loop: Loop, enterprise: str, doer: Doer) -> Receipt:
        from serving.loop.campaign_acts import award_medal

        return award_medal(loop, medal_list, enterprise, doer)

    receipts = _decided(store, decided, award or [], Decider("medal", known_by, by, on))
    tell(medal_sheet(store, medal_list), out, as_json=as_json, receipts=receipts)


def exposures_command(
    source: Source,
    as_of: AsOf,
    *,
    rules: Rules = None,
    data: Data = None,
    out: SheetFile = None,
    publish: Publish = None,
    by: By = "operator",
    on: On = None,
    as_json: Json = False,
) -> None:
    """列出社会公布候选。List who may be named in public for adjudicated arrears, and who of those named
    has paid, by the next day or since. --publish records a publication.
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
    exposure_list = exposures(store, policy, day)

    def decided(loop: Loop, enterprise: str, doer: Doer) -> Receipt:
        from serving.loop.campaign_acts import publish_exposure

        return publish_exposure(loop, exposure_list, enterprise, doer)

    receipts = _decided(store, decided, publish or [], Decider("exposure", day, by, on))
    tell(exposure_sheet(store, exposure_list), out, as_json=as_json, receipts=receipts)


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


def tell(
    sheet: Sheet, out: Path | None, *, as_json: bool, receipts: Sequence[Receipt] = ()
) -> None:
    """Write a sheet to a file and say how many rows it has, or print it as JSON or as lines; then what was recorded."""
    from models.campaign.sheet import sheet_as_json, write_sheet

    recorded = [{"record_id": one.record_id, "first": one.first} for one in receipts]
    lines = [f"{one.record_id} 已记入账本 is in the ledger" for one in receipts]
    if out is not None:
        say_lines([f"{out}: {write_sheet(sheet, out)}", *lines])
    elif as_json:
        acts = {"acts": recorded} if recorded else {}
        say({**sheet_as_json(sheet), **acts})
    else:
        say_lines([*sheet.lines, *lines])


@dataclass(frozen=True, slots=True)
class Decider:
    """What is decided on the sheet of which day, by whom, and from which day it is known (None: today)."""

    what: str
    as_of: int
    by: str
    on: str | None


def _decided(
    store: Store,
    decide: Callable[[Loop, str, Doer], Receipt],
    subjects: Sequence[str],
    decider: Decider,
) -> list[Receipt]:
    """Record a decision on each subject, an act each, and return their receipts; the same one again gives the first."""
    from features.calendar import day_of
    from serving.ledger.act import subject_digest
    from serving.loop.act_once import Doer, check_names, open_day

    if not subjects:
        return []
    stated_day = None if decider.on is None else day_of(decider.on)
    receipts: list[Receipt] = []
    with loop_of_store(store) as loop:
        for subject in subjects:
            key = subject_digest({decider.what: subject, "as_of": decider.as_of})
            check_names(decider.by, key)
            moment = now()
            day = open_day(store, moment, stated_day)
            receipts.append(decide(loop, subject, Doer(decider.by, None, key, moment, day)))
    return receipts
