"""Commands by which people's acts come back: outcomes, decisions on a list, acknowledgements, appeals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.home import home
from lssi.administration import loop_of_store
from lssi.clock import now
from lssi.options import AsOf, Data, Json, Source
from lssi.output import say, say_lines

if TYPE_CHECKING:
    from pydantic import BaseModel

    from models.bundle.bundle import Bundle
    from serving.ledger.entries import Receipt
    from serving.loop.act_once import Doer, Loop
    from serving.requests import PostedOutcome, PostedReview

OutcomeFile = Annotated[
    Path,
    typer.Option("--file", help="JSON 或 CSV 文件 / a file of outcomes, JSON or CSV"),
]
By = Annotated[str, typer.Option(help="经办人 / who acts, as the ledger will name them")]
Team = Annotated[
    str | None,
    typer.Option(
        help="所属队伍；不写则不核对 / the team that acts; not checked where it is left out"
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        help="幂等键；不写则取内容摘要 / idempotency key; a digest of the content if left out"
    ),
]
On = Annotated[
    str | None,
    typer.Option(help="入库日 / day on which it becomes known; today if left out"),
]
PlanNumber = Annotated[str, typer.Option(help="计划编号 / number of the plan")]
OptionalEnterprise = Annotated[str | None, typer.Option(help="企业编号 / enterprise number")]
OptionalClaim = Annotated[str | None, typer.Option(help="申领编号 / claim number")]
OptionalProvider = Annotated[str | None, typer.Option(help="机构编号 / provider number")]
Decision = Annotated[str, typer.Option(help="override | accept")]
Reason = Annotated[
    str,
    typer.Option(
        help="recent_visit | closed_down | known_to_team | no_access | workload | own_information | agrees | other"
    ),
]
Alert = Annotated[str, typer.Option(help="预警编号 / number of the alert")]
AppealNumber = Annotated[str, typer.Option(help="申诉编号 / number of the appeal")]
Table = Annotated[str, typer.Option(help="所涉数据表 / table of the row it is about")]
RowNumber = Annotated[str, typer.Option(help="所涉行编号 / number of that row (row_id)")]
Lodged = Annotated[str, typer.Option(help="申诉日期 / day lodged")]
Decided = Annotated[str | None, typer.Option(help="决定日期 / day decided")]
Upheld = Annotated[
    bool | None,
    typer.Option(help="是否支持 / whether it was upheld"),
]
Correct = Annotated[
    list[str] | None,
    typer.Option(
        help="更正后的值 列=值，可多次 / the true value COLUMN=VALUE of an upheld appeal, repeatable"
    ),
]
DecidedTarget = Annotated[str, typer.Option(help="目标 / target")]
Post = Callable[["Loop", Any, "Doer"], "Receipt"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who acts by a command: the name, the team where it is to be checked, the key and the day where they are given."""

    by: str
    team: str | None
    key: str | None
    on: str | None


def outcome_command(
    source: Source,
    file: OutcomeFile,
    *,
    data: Data = None,
    by: By = "operator",
    team: Team = None,
    key: Key = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """回传检查或核查结果。Post what visits found and what reviews of claims concluded; each must have been ordered
    by a plan, a draw or an alert.
    """
    from serving.loop.sent_outcomes import distinct_subjects, read_outcomes

    outcomes = read_outcomes(file)
    distinct_subjects(outcomes)
    whose = Sender(by, team, key, on)
    say_acts(acts_of(source, data, whose, _post_any, outcomes), as_json=as_json)


def _post_any(loop: Loop, outcome: PostedOutcome | PostedReview, doer: Doer) -> Receipt:
    """Post an outcome of a visit or of a review."""
    from serving.loop.outcomes import post_outcome
    from serving.loop.reviews import post_review
    from serving.requests import PostedReview

    if isinstance(outcome, PostedReview):
        return post_review(loop, outcome, doer)
    return post_outcome(loop, outcome, doer)


def override_command(
    source: Source,
    plan: PlanNumber,
    decision: Decision,
    reason: Reason,
    *,
    enterprise: OptionalEnterprise = None,
    claim: OptionalClaim = None,
    provider: OptionalProvider = None,
    data: Data = None,
    by: By = "operator",
    team: Team = None,
    key: Key = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """调整或认可计划中的一行。Override or accept a line of a plan of enterprises, claims or providers, with a reason."""
    from serving.loop.decisions import decide_line
    from serving.loop.sent_outcomes import filled_form
    from serving.requests import DecidedLine

    line = {
        "plan": plan,
        "enterprise": enterprise,
        "claim": claim,
        "provider": provider,
        "decision": decision,
        "reason": reason,
    }
    form = filled_form(DecidedLine, line, "the decision")
    whose = Sender(by, team, key, on)
    say_acts(acts_of(source, data, whose, decide_line, [form]), as_json=as_json)


def acknowledge_command(
    source: Source,
    alert: Alert,
    *,
    data: Data = None,
    by: By = "operator",
    team: Team = None,
    key: Key = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """签收预警。Acknowledge an alert; only the team to which it was issued can."""
    from serving.loop.decisions import acknowledge_alert
    from serving.loop.sent_outcomes import filled_form
    from serving.requests import AcknowledgedAlert

    form = filled_form(AcknowledgedAlert, {"alert": alert}, "the acknowledgement")
    whose = Sender(by, team, key, on)
    say_acts(acts_of(source, data, whose, acknowledge_alert, [form]), as_json=as_json)


def appeal_command(
    source: Source,
    appeal: AppealNumber,
    table: Table,
    row: RowNumber,
    lodged: Lodged,
    *,
    enterprise: OptionalEnterprise = None,
    claim: OptionalClaim = None,
    provider: OptionalProvider = None,
    decided: Decided = None,
    upheld: Upheld = None,
    correct: Correct = None,
    data: Data = None,
    by: By = "operator",
    team: Team = None,
    key: Key = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """登记申诉及其决定。Record an appeal against a row, or its decision; an upheld one takes the row back or corrects its values,
    the case is scored again, and the other cases, scores, alerts and lists that rest on the row are named.
    """
    from serving.loop.appeal_effects import appeal_effects, effect_lines
    from serving.loop.appeals import lodge_appeal
    from serving.loop.sent_outcomes import filled_form
    from serving.requests import LodgedAppeal

    fields = {
        "appeal": appeal,
        "enterprise": enterprise,
        "claim": claim,
        "provider": provider,
        "table": table,
        "row_id": row,
        "lodged": lodged,
        "decided_on": decided,
        "upheld": upheld,
        "corrected": _values(correct),
    }
    form = filled_form(LodgedAppeal, fields, "the appeal")
    whose = Sender(by, team, key, on)
    with opened_loop(source, data) as loop:
        doer = doer_of(loop, whose, form)
        receipt = lodge_appeal(loop, form, doer)
        effects = appeal_effects(loop, _models(loop), form, appealed=receipt, doer=doer)
    if as_json:
        say({**plain_receipt(receipt), **effects.as_json()})
    else:
        say_lines([receipt_line(receipt), *effect_lines(effects)])


def _values(given: list[str] | None) -> dict[str, str | int] | None:
    """Return the corrected values by column, None where there are none; RequestError where one is not COLUMN=VALUE."""
    from features.errors import RequestError

    if not given:
        return None
    values: dict[str, str | int] = {}
    for one in given:
        column, sign, value = one.partition("=")
        if not sign or column in values:
            raise RequestError("--correct should be COLUMN=VALUE, each column once")
        is_whole = value.isascii() and value.removeprefix("-").isdecimal()
        values[column] = int(value) if is_whole else value
    return values


def _models(loop: Loop) -> dict[str, Bundle]:
    """Return the models in use, none where there is none: then nothing is scored again."""
    from features.errors import TargetError
    from serving.scoring.promoted_models import all_promoted

    with suppress(TargetError):
        return all_promoted(home() / "bundles", loop.source, loop.store.source.target)
    return {}


def overrides_command(
    source: Source,
    as_of: AsOf,
    *,
    data: Data = None,
    target: DecidedTarget = "undeclared_workers",
    as_json: Json = False,
) -> None:
    """人工调整的事后评价。Score overrides and acceptances against the list by what visits found since."""
    from features.calendar import day_of
    from features.engine.population import check_day
    from features.store.opening import open_own_store
    from serving.loop.decided_lines import decided_as_json, decided_group_lines, decided_groups

    day = day_of(as_of)
    store = open_own_store(source, data)
    check_day(store, day)
    groups = decided_groups(store, target, day)
    if as_json:
        say(
            {"source": store.source.name, "as_of": as_of, "target": target}
            | decided_as_json(groups)
        )
    else:
        say_lines(decided_group_lines(groups))


@contextmanager
def opened_loop(source: str, data: str | None) -> Iterator[Loop]:
    """Yield the loop of a source: its store, its journal and the ledger, which is closed afterwards."""
    from features.store.opening import open_own_store

    with loop_of_store(open_own_store(source, data)) as loop:
        yield loop


def acts_of(
    source: str, data: str | None, whose: Sender, post: Post, forms: Sequence[BaseModel]
) -> list[Receipt]:
    """Record acts one by one, each under a key of its own, and return their receipts."""
    receipts: list[Receipt] = []
    with opened_loop(source, data) as loop:
        for number, form in enumerate(forms, 1):
            own_key = whose.key
            if own_key is not None and len(forms) > 1:
                own_key = f"{own_key}-{number}"
            doer = doer_of(loop, replace(whose, key=own_key), form)
            receipts.append(post(loop, form, doer))
    return receipts


def doer_of(loop: Loop, whose: Sender, form: BaseModel) -> Doer:
    """Return who acts: without a key the content is the key, and without a day it is the first day that is open."""
    from features.calendar import day_of
    from serving.ledger.act import subject_digest
    from serving.loop.act_once import Doer, check_names, open_day

    day = None if whose.on is None else day_of(whose.on)
    key = whose.key
    if key is None:
        key = subject_digest(form.model_dump(mode="json"))
    check_names(whose.by, key)
    moment = now()
    return Doer(
        who=whose.by,
        team=whose.team,
        key=key,
        moment=moment,
        day=open_day(loop.store, moment, day),
    )


def plain_receipt(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as plain values."""
    return {"record_id": receipt.record_id, "first": receipt.first}


def receipt_line(receipt: Receipt) -> str:
    """Return a receipt as a line."""
    again = "" if receipt.first else "（重复，仍为原记录 again: the first record）"
    return f"{receipt.record_id} 已记入账本 is in the ledger{again}"


def say_acts(receipts: list[Receipt], *, as_json: bool) -> None:
    """Print the receipts of some acts."""
    if as_json:
        say({"acts": [plain_receipt(receipt) for receipt in receipts]})
    else:
        say_lines(map(receipt_line, receipts))
