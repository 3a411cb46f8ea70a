"""`lssi lottery`: the week's draw, committed before a public value is known, drawn with it, verified by anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from features.home import home
from lssi.clock import now
from lssi.options import Data, Json, Source
from lssi.output import say, say_lines

if TYPE_CHECKING:
    from features.store.store import Store
    from models.bundle.bundle import Bundle
    from serving.lottery.commitment import WeekLottery
    from serving.lottery.steps import Clerk

LotteryWeek = Annotated[
    str, typer.Option("--week", help="抽签周内任一天 / any day of the week of the lottery")
]
LotteryTarget = Annotated[
    str, typer.Option("--target", help="目标，其分数定分层 / target whose scores make the strata")
]
PublicName = Annotated[
    str,
    typer.Option(
        help="何种公开值，任何人可核对 / which public value, so that anybody can check it"
    ),
]
PublicAt = Annotated[
    str,
    typer.Option(help="公开值何时公布 / from when it is public, such as 2026-12-04T15:00+08:00"),
]
Public = Annotated[str, typer.Option(help="公开值，照公布的原样 / the public value as published")]
CellMinutes = Annotated[
    int | None,
    typer.Option(
        "--minutes",
        min=0,
        help="每份清单的人·分钟 / person-minutes of every list, where the source holds no teams",
    ),
]

DEFAULT_TARGET = "undeclared_workers"

group = typer.Typer(no_args_is_help=True, help="抽签。The lottery of a week.")


@group.command("commit")
def commit_lottery(
    source: Source,
    week: LotteryWeek,
    public_name: PublicName,
    public_at: PublicAt,
    *,
    data: Data = None,
    target: LotteryTarget = DEFAULT_TARGET,
    minutes: CellMinutes = None,
    as_json: Json = False,
) -> None:
    """事先承诺。Write the unit list, the rule and the digest of a secret seed into the ledger, once, before
    the public value is known.
    """
    from models.policy.week import week_of
    from models.reviews.review_week import week_units
    from serving.ledger.act import Seen
    from serving.lottery.commitment import RuleOfDraw, UnitList, public_value, unsealed
    from serving.lottery.lines import commitment_as_json, commitment_lines
    from serving.lottery.steps import commit, refuse_begun_week

    public = public_value(public_name, public_at)
    store, bundle = _opened(source, data, target)
    planned_week = week_of(store, _day(week), "", minutes)
    lottery = _lottery(store.source.name, target, week)
    refuse_begun_week(lottery, store.complete_to)
    listed = week_units(store, bundle, planned_week)
    policy = listed.policy
    rule = RuleOfDraw(policy.rule, policy.digest, policy.lottery.percent)
    commitment = unsealed(lottery, UnitList(planned_week.as_of, listed.tickets()), rule, public)
    seen = Seen(planned_week.as_of, store.complete_to, bundle.digest)
    record = commit(_clerk(), commitment, seen)
    if as_json:
        say(commitment_as_json(record))
    else:
        say_lines(commitment_lines(record))


@group.command("draw")
def draw_week(
    source: Source,
    week: LotteryWeek,
    public: Public,
    *,
    data: Data = None,
    target: LotteryTarget = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """抽签。Draw a committed lottery with the public value, reveal its seed and record both; it is drawn
    once.
    """
    from features.ingest.source import find_source
    from serving.lottery.lines import drawing_as_json, drawing_lines
    from serving.lottery.steps import draw_lottery

    lottery = _lottery(find_source(source, data).name, target, week)
    record = draw_lottery(_clerk(), lottery, public)
    if as_json:
        say(drawing_as_json(record))
    else:
        say_lines(drawing_lines(record))


@group.command("verify")
def verify_draw(
    source: Source,
    week: LotteryWeek,
    *,
    data: Data = None,
    target: LotteryTarget = DEFAULT_TARGET,
    as_json: Json = False,
) -> None:
    """核对抽签。Compute a draw and its inclusion probabilities again from the ledger alone, and say identical
    or what differs (exit code 1 if anything does).
    """
    from features.ingest.source import find_source
    from serving.lottery.lines import lottery_verdict_as_json, lottery_verdict_lines
    from serving.lottery.verification import verify_lottery

    lottery = _lottery(find_source(source, data).name, target, week)
    verdict = verify_lottery(_clerk().ledger, lottery)
    if as_json:
        say(lottery_verdict_as_json(verdict))
    else:
        say_lines(lottery_verdict_lines(verdict))
    if not verdict.identical:
        raise typer.Exit(1)


@group.command("price")
def price_lottery(
    source: Source,
    week: LotteryWeek,
    *,
    data: Data = None,
    target: LotteryTarget = DEFAULT_TARGET,
    minutes: CellMinutes = None,
    as_json: Json = False,
) -> None:
    """抽签的代价。Say what each share of the lottery, 0 to 30 %, costs of what a week's plan is expected to
    find.
    """
    from dataclasses import asdict

    from models.policy.week import week_of
    from models.policy.week_lottery import share_prices
    from models.reviews.review_week import week_units

    store, bundle = _opened(source, data, target)
    planned_week = week_of(store, _day(week), "", minutes)
    prices = share_prices(week_units(store, bundle, planned_week))
    unit = bundle.manifest.unit_expected
    if as_json:
        say({"unit_expected": unit, "shares": [asdict(price) for price in prices]})
        return
    print(f"份额 share | 预计查出 expected ({unit or 'violators'}) | 代价 cost | 抽中 drawn")
    for price in prices:
        cost = "-" if price.cost is None else f"{price.cost:.1%}"
        print(f"{price.percent:3d} % | {price.expected:.1f} | {cost} | {price.drawn:.1f}")


def _opened(source: str, data: str | None, target: str) -> tuple[Store, Bundle]:
    """Return the store of a source and the model of a target in use for it."""
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from models.bundle.champions import ModelKey
    from serving.scoring.promoted_models import promoted

    declared = find_source(source, data)
    bundle = promoted(home() / "bundles", ModelKey(declared.name, target))
    return open_own_store(declared), bundle


def _day(week: str) -> int:
    from features.calendar import day_of

    return day_of(week)


def _lottery(source: str, target: str, week: str) -> WeekLottery:
    """Return the lottery of a source, a target and the week in which a day lies; TargetError for no such target."""
    from models.bundle.champions import ModelKey
    from models.policy.capacity import monday_of
    from serving.lottery.commitment import WeekLottery

    named = ModelKey(source, target)
    return WeekLottery(named.source, named.target, monday_of(_day(week)))


def _clerk() -> Clerk:
    """Return who writes this command's step, at this moment."""
    from serving.lottery.steps import Clerk
    from serving.scoring.transcript import KEPT_DAYS

    return Clerk(home(), now(), KEPT_DAYS)
