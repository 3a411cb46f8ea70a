"""Laws of a list as it lives: its trial, its calibration and its groups are judged by whole weeks, at any time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.bundle.score import Scores
from training.data.cases import BOTH, TargetCases, unlabelled
from training.data.events import marks
from training.evaluation.estimate import NotEstimable
from training.evaluation.lift_trial import GO_ON, HALT, SHOWN
from training.groups.rates import Audited
from training.groups.table import AuditAttribute, AuditGroup
from training.groups.values import Partition
from training.monitor.calibration_drift import bands, calibration_drift, excesses, week_of_days
from training.monitor.group_gaps import group_gaps
from training.monitor.judged_list import JudgedList, few_drawn, judged_list
from training.monitor.limits import monitor_limits
from training.monitor.live_visits import PlannedUnits, planned_cases
from training.monitor.reasons import calibration_reasons, group_reasons, lift_reasons
from training.monitor.sequences import Excesses, MeanExcess, mean_excess
from training.monitor.verdict import MILDEST_FIRST, NOTHING_SEEN, VerdictReason, verdict

LIMITS = monitor_limits()
MONDAY = 16_615
"""2015-06-29."""
A_WEEK = 50
LONG_AFTER = MONDAY + 7 * 100


def weeks_of_visits(base: float, lift: float, weeks: int, seed: int) -> TargetCases:
    """Fifty visits a week, each to a unit of its own, the first five of a week drawn; all known at its end."""
    number = A_WEEK * weeks
    subject = np.arange(number)
    opened = MONDAY + 7 * (subject // A_WEEK) + 2
    ids = np.array([f"v{place:05d}" for place in subject], np.str_)
    cases = unlabelled(subject, opened - 1, opened, ids, np.full(number, BOTH, np.int8))
    chance = np.where(is_drawn(subject), base, base * lift)
    hit = np.random.default_rng(seed).random(number) < chance
    return replace(cases, label=hit.astype(np.float64), known=opened + 2)


def is_drawn(subject: np.ndarray) -> np.ndarray:
    return subject % A_WEEK < 5


def named(cases: TargetCases, **other: np.ndarray) -> PlannedUnits:
    """Return the plans of those weeks."""
    monday = cases.day - 2
    columns = {
        "mark": marks(cases.subject, monday),
        "monday": monday,
        "by_score": ~is_drawn(cases.subject),
        "drawn": is_drawn(cases.subject),
        "weight": np.ones(len(cases)),
    }
    return PlannedUnits(**{**columns, **other}, largest=1.0)


def judged(cases: TargetCases, units: PlannedUnits, today: int = LONG_AFTER) -> JudgedList:
    trial = judged_list(planned_cases(units, cases, today, LIMITS), cases)
    assert trial is not None
    return trial


def test_a_list_that_finds_no_more_than_the_lottery_is_halted_and_a_good_one_is_shown() -> None:
    flat = weeks_of_visits(0.3, 1.0, weeks=50, seed=2)
    trial = judged(flat, named(flat))
    assert (trial.verdict.word, trial.verdict.visits) == (HALT, 2_500)
    [reason] = lift_reasons(trial, LIMITS)
    assert reason.word == "halt"
    good = weeks_of_visits(0.2, 2.5, weeks=50, seed=2)
    assert judged(good, named(good)).verdict.word == SHOWN
    short = flat.take(np.arange(500))
    assert judged(short, named(short)).verdict.word == GO_ON


def test_the_order_of_cases_and_plans_changes_no_verdict() -> None:
    cases = weeks_of_visits(0.2, 2.5, weeks=20, seed=3)
    trial = judged(cases, named(cases))
    turned = cases.take(np.arange(len(cases))[::-1])
    assert judged(turned, named(cases)) == trial


def test_a_week_that_is_not_over_is_not_judged() -> None:
    cases = weeks_of_visits(0.3, 1.0, weeks=10, seed=1)
    until_sunday = MONDAY + 7 * 5 - 1
    planned = planned_cases(named(cases), cases, until_sunday, LIMITS)
    assert len(planned.place) == 5 * A_WEEK
    assert len(planned_cases(named(cases), cases, until_sunday - 1, LIMITS).place) == 4 * A_WEEK


def test_visits_for_complaints_late_ones_and_second_ones_are_none_of_the_list() -> None:
    cases = weeks_of_visits(0.3, 1.0, weeks=1, seed=1)
    complaint = np.arange(A_WEEK) == 40
    units = named(cases, by_score=~is_drawn(cases.subject) & ~complaint)
    assert 40 not in planned_cases(units, cases, LONG_AFTER, LIMITS).place
    in_time, late = (replace(cases, day=cases.day - 2 + days) for days in (27, 28))
    assert len(planned_cases(named(cases), in_time, LONG_AFTER, LIMITS).place) == A_WEEK
    assert len(planned_cases(named(cases), late, LONG_AFTER, LIMITS).place) == 0
    first = cases.take(np.array([10]))
    second = replace(first, day=first.day + 1, ids=np.array(["w"], np.str_))
    both = TargetCases(
        *(
            np.concatenate((getattr(second, name), getattr(first, name)))
            for name in TargetCases.__slots__
        )
    )
    [place] = planned_cases(named(cases), both, LONG_AFTER, LIMITS).place
    assert both.ids[place] == first.ids[0]


def test_drawn_units_without_an_outcome_are_counted_once_their_time_is_over() -> None:
    cases = weeks_of_visits(0.3, 1.0, weeks=4, seed=1)
    units = named(cases)
    visited = cases.take(np.flatnonzero(cases.subject != 0))
    assert planned_cases(units, visited, MONDAY + 27, LIMITS).without_outcome == 0
    assert planned_cases(units, visited, MONDAY + 28, LIMITS).without_outcome == 1


def test_without_a_lottery_nothing_is_judged_and_few_drawn_visits_are_told() -> None:
    cases = weeks_of_visits(0.3, 1.0, weeks=60, seed=1)
    units = named(cases, drawn=np.zeros(len(cases), np.bool_))
    assert judged_list(planned_cases(units, cases, LONG_AFTER, LIMITS), cases) is None
    few = few_drawn(planned_cases(units, cases, LONG_AFTER, LIMITS))
    assert few is not None and "no lottery visit" in few.en
    enough = named(cases)
    assert few_drawn(planned_cases(enough, cases, LONG_AFTER, LIMITS)) is None
    some = few_drawn(planned_cases(enough, cases, MONDAY + 13, LIMITS))
    assert some is not None and "10 lottery visits, at least 30 needed" in some.en
    short = cases.take(np.arange(A_WEEK))
    assert isinstance(judged(short, named(short)).verdict.lift, NotEstimable)


def scores_of(probability: np.ndarray) -> Scores:
    return Scores(probability, probability, None)


def as_told(number: int, off: float, seed: int) -> tuple[TargetCases, np.ndarray]:
    """Cases of which so much more is found than told, of whatever probability."""
    draw = np.random.default_rng(seed)
    cases = weeks_of_visits(0.3, 1.0, weeks=number // A_WEEK, seed=seed)
    probability = draw.uniform(0.1, 0.6, len(cases))
    label = draw.random(len(cases)) < probability + off
    return replace(cases, label=label.astype(np.float64)), probability


def test_true_probabilities_are_hardly_ever_told_as_off_whenever_one_looks() -> None:
    redraws = 100
    false = 0
    for seed in range(redraws):
        cases, probability = as_told(500, 0.0, seed)
        every = np.ones(len(cases), np.bool_)
        told = mean_excess(
            excesses(cases, probability, LONG_AFTER, every), error=LIMITS.error, least=30
        )
        assert isinstance(told, MeanExcess)
        false += told.excludes(0.0)
    assert false <= LIMITS.error * redraws


@pytest.mark.parametrize(("off", "word"), [(0.0, None), (-0.09, "watch"), (0.3, "halt")])
def test_calibration_that_is_off_is_watched_and_far_off_halts(off: float, word: str | None) -> None:
    cases, probability = as_told(2_000, off, 1)
    drift = calibration_drift(cases, scores_of(probability), LONG_AFTER, LIMITS)
    assert [reason.word for reason in calibration_reasons(drift, LIMITS)] == [word] * bool(word)
    assert drift.basis == "all" and sum(band["cases"] for band in drift.bands) == 2_000


def test_an_excess_that_turns_is_told_as_changed_and_not_as_a_mean() -> None:
    first, probability = as_told(1_000, 0.3, 1)
    turned = replace(first, label=np.where(first.subject < 300, first.label, 0.0))
    drift = calibration_drift(turned, scores_of(probability), LONG_AFTER, LIMITS)
    assert isinstance(drift.excess, MeanExcess) and not drift.excess.steady
    [reason] = calibration_reasons(drift, LIMITS)
    assert "has changed" in reason.en and drift.plain()["excess"]["steady"] is False


def test_calibration_is_judged_by_the_lottery_where_it_has_visits_enough() -> None:
    cases, probability = as_told(1_000, 0.4, 1)
    drawn = is_drawn(cases.subject)
    fair = np.random.default_rng(1).random(len(cases)) < probability
    label = np.where(drawn, fair, cases.label)
    both = replace(cases, label=label, random_label=np.where(drawn, label, np.nan))
    drift = calibration_drift(both, scores_of(probability), LONG_AFTER, LIMITS)
    assert (drift.basis, drift.cases) == ("lottery", int(drawn.sum()))
    assert list(calibration_reasons(drift, LIMITS)) == []


def test_few_labels_are_told_not_guessed() -> None:
    cases, probability = as_told(50, 0.0, 1)
    few = cases.take(np.arange(12))
    drift = calibration_drift(few, scores_of(probability[:12]), LONG_AFTER, LIMITS)
    assert drift.excess == NotEstimable("12 outcomes of weeks that are over, at least 30 needed")
    none = calibration_drift(few.take(np.arange(0)), scores_of(probability[:0]), MONDAY, LIMITS)
    assert (none.cases, none.bands) == (0, ())
    assert isinstance(none.excess, NotEstimable)


def test_a_band_says_its_interval_and_bands_add_up() -> None:
    cases, probability = as_told(500, 0.0, 5)
    rows = bands(cases.label, probability, LIMITS)
    found = sum(row["cases"] * row["observed"]["value"] for row in rows)
    assert found == pytest.approx(cases.label.sum())
    assert all(row["observed"]["low"] < row["observed"]["high"] for row in rows)


SIZES = AuditAttribute(name="size", zh="规模", en="size")
HALVES = (
    AuditGroup(name="small", zh="小", en="small"),
    AuditGroup(name="large", zh="大", en="large"),
)


def gaps_of(
    cases: TargetCases, probability: np.ndarray, member: np.ndarray, *others: Partition
) -> dict:
    ones = np.ones(len(cases))
    visits = Audited(
        ids=cases.ids,
        unit=cases.subject,
        listed=ones > 0,
        label=cases.label,
        probability=probability,
        chance=ones,
        weight=ones,
        days=np.full(len(cases), np.nan),
    )
    partition = Partition(SIZES, HALVES, member)
    every = [partition, *others]
    return group_gaps(visits, week_of_days(cases.known), every, LIMITS)


@pytest.mark.parametrize(("gap", "word"), [(0.0, None), (-0.2, "watch"), (-0.5, "halt")])
def test_a_list_that_errs_more_for_a_group_is_watched_or_halted(
    gap: float, word: str | None
) -> None:
    cases, probability = as_told(2_500, 0.0, 4)
    member = cases.subject % 2
    fewer = np.random.default_rng(9).random(len(cases)) < np.maximum(probability + 0.4 + gap, 0)
    as_before = np.random.default_rng(8).random(len(cases)) < probability + 0.4
    label = np.where(member == 1, fewer, as_before).astype(np.float64)
    gaps = gaps_of(replace(cases, label=label), probability + 0.4, member)
    assert [reason.word for reason in group_reasons(gaps["pairs"], LIMITS)] == [word] * bool(word)
    turned = np.arange(len(cases))[::-1]
    assert gaps == gaps_of(
        replace(cases, label=label).take(turned), (probability + 0.4)[turned], member[turned]
    )


def test_groups_that_appear_later_take_nothing_back_of_what_was_said_of_others() -> None:
    cases, probability = as_told(2_500, 0.0, 4)
    appear = np.where(np.arange(2_500) < 500, 0, np.arange(2_500) % 20)
    names = tuple(AuditGroup(name=f"t{n}", zh="某", en="some") for n in range(20))

    def limits_after(visits: int) -> list[list[float]]:
        late = Partition(SIZES, names, appear[:visits])
        place = np.arange(visits)
        told = probability[:visits]
        rows = gaps_of(cases.take(place), told, cases.subject[:visits] % 2, late)["groups"][:2]
        return [[row["excess"]["low"], row["excess"]["high"]] for row in rows]

    # one error is shared by every look, so a limit that was told once never widens
    for before, after in zip(limits_after(500), limits_after(750), strict=True):
        assert before[0] <= after[0] and after[1] <= before[1]


def test_a_group_of_three_is_hidden_and_so_is_the_one_beside_it() -> None:
    cases, probability = as_told(500, 0.0, 4)
    rows = gaps_of(cases, probability, (cases.subject < 3).astype(np.int64))
    assert [row["visits"] for row in rows["groups"]] == [None, None] and rows["pairs"] == []


def test_limits_never_widen_again() -> None:
    draw = np.random.default_rng(3)
    whole = Excesses(draw.choice([-0.2, 0.8], 400), np.arange(400) // 20)
    earlier = None
    for until in (100, 200, 400):
        now = mean_excess(whole.take(np.arange(400) < until), error=0.05, least=30)
        assert isinstance(now, MeanExcess)
        if earlier is not None:
            assert earlier.above <= now.above and now.below <= earlier.below
        earlier = now


def test_the_gravest_reason_is_the_verdict_and_nothing_seen_is_go_on() -> None:
    reasons = [VerdictReason("x", word, "某", "some") for word in MILDEST_FIRST]
    assert verdict(reasons, [])["word"] == "halt"
    assert verdict(reasons[:2], [])["word"] == "watch"
    assert verdict([], [])["reasons"] == [NOTHING_SEEN.plain()]
