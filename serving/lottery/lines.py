"""What the commands of the lottery say: plain values, and lines in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from serving.lottery.commitment import commitment_of
from serving.lottery.drawing import drawing_of
from serving.lottery.steps import StepRecord
from serving.lottery.verification import LotteryVerdict

Plain = dict[str, Any]


def commitment_as_json(record: StepRecord) -> Plain:
    """Return a commitment as plain values, without its units."""
    commitment = commitment_of(record.act)
    return {
        "record_id": record.record_id,
        **commitment.lottery.plain(),
        "at": record.at.isoformat(),
        "as_of": record.act.content["as_of"],
        "policy": commitment.rule.policy,
        "policy_digest": commitment.rule.policy_digest,
        "percent": commitment.rule.percent,
        "units": commitment.units,
        "out_of_reach": commitment.out_of_reach,
        "expected_draws": commitment.expected_draws,
        "root": commitment.root,
        "seed_digest": commitment.seed_digest,
        "public": commitment.public.name,
        "public_at": commitment.public.public_at.isoformat(),
    }


def commitment_lines(record: StepRecord) -> Iterator[str]:
    """Yield what a commitment fixes, and what comes next."""
    shown = commitment_as_json(record)
    yield f"{shown['record_id']} 已承诺 committed | {shown['week']} {shown['target']} | 截至 as of {shown['as_of']}"
    yield (
        f"  {shown['units']} 个单位 units（{shown['out_of_reach']} 个不可抽 out of reach），"
        f"预计抽中 expected draws {shown['expected_draws']:.2f}"
    )
    yield f"  名单 list {shown['root']}"
    yield f"  种子 seed {shown['seed_digest']}"
    yield f"  {shown['public_at']} 起以公开值抽签 draw with the public value from then on: {shown['public']}"


def drawing_as_json(record: StepRecord) -> Plain:
    """Return a draw as plain values."""
    drawing = drawing_of(record.act)
    return {
        "record_id": record.record_id,
        **drawing.lottery.plain(),
        "at": record.at.isoformat(),
        "commitment": drawing.commitment,
        "draw": drawing.number,
        "public_value": drawing.public_value,
        "seed": drawing.seed,
        "mixed_seed": drawing.mixed_seed,
        "drawn": {cell: list(units) for cell, units in drawing.drawn.items()},
    }


def drawing_lines(record: StepRecord) -> Iterator[str]:
    """Yield whom a draw took, a line a cell."""
    drawing = drawing_of(record.act)
    yield f"{record.record_id} 已抽签 drawn | {drawing.lottery.week} {drawing.lottery.target} | {drawing.number}"
    for cell, units in drawing.drawn.items():
        yield f"  {cell or '-'}: {' '.join(units)}"
    yield f"  种子 seed {drawing.seed}"
    yield f"  混合种子 mixed seed {drawing.mixed_seed}，该周计划采用 which the week's plan takes"


def lottery_verdict_as_json(verdict: LotteryVerdict) -> Plain:
    """Return a verdict as plain values."""
    commitment = verdict.commitment
    departures = [{"name": each.name, "zh": each.zh, "en": each.en} for each in verdict.departures]
    return {
        **commitment.lottery.plain(),
        "identical": verdict.identical,
        "departures": departures,
        "commitment": verdict.committed.record_id,
        "draw_record": verdict.drawn.record_id,
        "policy": commitment.rule.policy,
        "policy_digest": commitment.rule.policy_digest,
        "root": commitment.root,
        "units": commitment.units,
        "draw": verdict.drawing.number,
        "drawn": verdict.drawing.units,
    }


def lottery_verdict_lines(verdict: LotteryVerdict) -> Iterator[str]:
    """Yield a verdict: identical, or each point in which the draw is not what was committed."""
    word = "一致 identical" if verdict.identical else "不一致 differs"
    commitment = verdict.commitment
    yield (
        f"{word} | {commitment.lottery.week} {commitment.lottery.target} | "
        f"{commitment.units} 个单位 units, {verdict.drawing.units} 个抽中 drawn"
    )
    for each in verdict.departures:
        yield f"  {each.zh} {each.en}"
