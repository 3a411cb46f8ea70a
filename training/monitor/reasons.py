"""Reasons of a verdict: what each part of a monitor's report calls for, as the limits declare it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from features.calendar import date_of
from training.evaluation.estimate import Estimate, NotEstimable, Told
from training.evaluation.lift_trial import HALT, SHOWN
from training.monitor.calibration_drift import CalibrationDrift
from training.monitor.causes import MovedTable
from training.monitor.feeds import STOPPED, THIN, Feed
from training.monitor.judged_list import JudgedList
from training.monitor.limits import MonitorLimits, Word
from training.monitor.score_drift import ScoreDrift
from training.monitor.verdict import VerdictReason
from training.monitor.watched_features import NeverSeen, WatchedFeatures

NAMED = 5
"""Features, texts or groups that a reason names; a choice: `--json` has all."""
BROKEN = (STOPPED, THIN)


def feed_reasons(
    feeds: Sequence[Feed], features: WatchedFeatures, limits: MonitorLimits
) -> Iterator[VerdictReason]:
    """Yield a reason for each table that stopped or runs thin: one, however many features rest on it."""
    called_for = {STOPPED: limits.word.feed_stopped, THIN: limits.word.feed_thin}
    for feed in feeds:
        if feed.word not in BROKEN:
            continue
        table, rows, least, days = feed.table, feed.rows, feed.least, limits.feed_days
        resting = features.resting_on(table)
        last = "-" if feed.last_day is None else date_of(feed.last_day).isoformat()
        yield VerdictReason(
            about=f"table {table}",
            word=called_for[feed.word],
            zh=f"表 {table} {days} 天内只来 {rows} 行（训练前至少 {least} 行），最近一行在 {last}；{resting} 个特征依赖它",
            en=f"table {table} brought {rows} rows in {days} days (before training at least {least}), the last on "
            f"{last}; {resting} features rest on it",
        )


def feature_reasons(
    features: WatchedFeatures, feeds: Sequence[Feed], limits: MonitorLimits
) -> Iterator[VerdictReason]:
    """Yield a reason for each table that moved and is not told as a feed, for what moved alone, and for new texts."""
    broken = {feed.table for feed in feeds if feed.word in BROKEN}
    for moved in features.tables:
        if moved.table not in broken:
            yield _table_reason(moved, limits)
    if features.alone:
        yield _alone_reason(features.alone, limits)
    for new in features.never_seen:
        yield _new_texts_reason(new, limits)


def _table_reason(moved: MovedTable, limits: MonitorLimits) -> VerdictReason:
    number = len(moved.moved)
    table, features = moved.table, moved.features
    return VerdictReason(
        about=f"table {table}",
        word=limits.word.table_moved,
        zh=f"依赖表 {table} 的 {features} 个特征中 {number} 个的分布已变",
        en=f"{number} of {features} features that rest on table {table} have moved",
    )


def _alone_reason(names: Sequence[str], limits: MonitorLimits) -> VerdictReason:
    number = len(names)
    shown = _some(names)
    return VerdictReason(
        about="features",
        word=limits.word.features_moved,
        zh=f"{number} 个特征各自变动：{shown}",
        en=f"{number} features have moved by themselves: {shown}",
    )


def _new_texts_reason(new: NeverSeen, limits: MonitorLimits) -> VerdictReason:
    name, units = new.feature, new.units
    texts = _some(new.texts)
    return VerdictReason(
        about=f"feature {name}",
        word=limits.word.never_seen,
        zh=f"{name} 有训练时未见的类别：{texts}（{units} 个单位）",
        en=f"{name} has categories that training never saw: {texts} ({units} units)",
    )


def _some(names: Sequence[str]) -> str:
    """Return the first names of some, and a sign where there are more."""
    shown = ", ".join(names[:NAMED])
    return f"{shown} …" if len(names) > NAMED else shown


def score_reasons(scores: ScoreDrift, limits: MonitorLimits) -> Iterator[VerdictReason]:
    """Yield the reason that the scores have moved, where they have."""
    if not scores.shift.has_moved(limits):
        return
    psi = scores.shift.psi
    before = float(scores.then.mean())
    after = float(scores.now.mean())
    yield VerdictReason(
        about="scores",
        word=limits.word.scores_moved,
        zh=f"分数分布已变（PSI {psi:.2f}），平均概率由 {before:.3f} 变为 {after:.3f}",
        en=f"the scores have moved (PSI {psi:.2f}), the mean probability from {before:.3f} to {after:.3f}",
    )


def calibration_reasons(
    calibration: CalibrationDrift, limits: MonitorLimits
) -> Iterator[VerdictReason]:
    """Yield the reason that findings are not what was told, where the confidence sequence excludes it."""
    excess = calibration.excess
    # as long as 0 lies within the sequence, what was found may be what was told
    if isinstance(excess, NotEstimable) or not excess.excludes(0.0):
        return
    is_far = excess.excludes(limits.far_off)
    word = limits.word.calibration_far_off if is_far else limits.word.calibration_off
    cases = calibration.cases
    if excess.steady:
        shown = _signed(Estimate(excess.value, excess.above, excess.below))
        zh = f"每次检查查出减所说为 {shown}，共 {cases} 例"
        en = f"a visit finds {shown} above what was told, of {cases} cases"
    else:
        shown = f"{excess.above:+.3f}, {excess.below:+.3f}"
        zh = f"查出减所说前后不一：有时高于、有时低于 {shown}，共 {cases} 例"
        en = (
            f"found less told has changed: at times above, at times below {shown}, of {cases} cases"
        )
    yield VerdictReason("calibration", word, zh, en)


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} ({estimate.low:+.3f} … {estimate.high:+.3f})"


def lift_reasons(judged: JudgedList, limits: MonitorLimits) -> Iterator[VerdictReason]:
    """Yield how the trial of the list stands."""
    trial = judged.verdict
    words: dict[str, tuple[Word, str, str]] = {
        HALT: (
            limits.word.lift_halted,
            "未见清单优于抽签",
            "ended without a lift over the lottery",
        ),
        SHOWN: ("go on", "已证明优于抽签", "a lift was shown"),
    }
    word, zh, en = words.get(trial.word, ("go on", "尚未分晓", "not decided yet"))
    visits, most, drawn = trial.visits, judged.of_visits, trial.lottery_visits
    lift = _lift(trial.lift)
    yield VerdictReason(
        about="lift",
        word=word,
        zh=f"清单对抽签的检验：{visits}/{most} 次检查，其中抽签 {drawn} 次，{zh}，倍数 {lift}",
        en=f"trial of the list: {visits} of {most} visits, {drawn} by lottery, {en}; lift {lift}",
    )


def _lift(lift: Told) -> str:
    if not isinstance(lift, Estimate):
        return lift.plain()
    return f"{lift.value:.2f} ({lift.low:.2f} … {lift.high:.2f})"


def group_reasons(
    pairs: Sequence[dict[str, Any]], limits: MonitorLimits
) -> Iterator[VerdictReason]:
    """Yield a reason for each attribute of which some pair of groups is apart: that of its widest pair."""
    widest: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        if not pair["apart"]:
            continue
        attribute = pair["attribute"]
        # one reason for an attribute, or one moved group would fill the verdict with its pairs
        before = widest.get(attribute, pair)
        widest[attribute] = max(before, pair, key=_width)
    for attribute, pair in widest.items():
        yield _gap_reason(attribute, pair, limits)


def _width(pair: dict[str, Any]) -> tuple[bool, float]:
    return pair["far_apart"], abs(pair["value"])


def _gap_reason(attribute: str, pair: dict[str, Any], limits: MonitorLimits) -> VerdictReason:
    is_far = pair["far_apart"]
    word = limits.word.groups_far_apart if is_far else limits.word.groups_apart
    first = pair["group"]
    second = pair["other"]
    gap = _signed(Estimate(pair["value"], pair["low"], pair["high"]))
    return VerdictReason(
        about=f"group {attribute}",
        word=word,
        zh=f"{attribute}：{first} 的查出减所说比 {second} 高 {gap}",
        en=f"{attribute}: found less told is higher for {first} than for {second} by {gap}",
    )
