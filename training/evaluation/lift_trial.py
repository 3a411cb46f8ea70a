"""The trial of a list: its live visits against the lottery's, judged at any time, and halted where no lift is shown.

The rule. A list has a trial of so many visits to show that it finds more than the lottery does. It is `shown` as soon
as the evidence suffices, and halted when the trial ends without, or earlier where it is shown to find less. Judging
after every week that is over costs nothing: the chance that a list without lift is ever shown is at most `LiftTrial.error`.

A unit that was drawn is a lottery visit, whether it was on the list or not: drawn units of the list leave what it finds
on average as it is, and counting them on both sides would hide a difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from features.errors import TargetError
from training.evaluation.estimate import Estimate, Told, too_few

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
GO_ON, SHOWN, HALT = "go on", "shown", "halt"
LIFTS = np.geomspace(0.05, 20, 241)
"""Lifts that a confidence sequence tells apart: steps of 2.5 %, far below what a trial can tell; a choice."""
STAKES = np.array([0.05, 0.1, 0.2, 0.4, 0.8])
"""Shares of the largest stake without ruin; a mixture of all is as good as the best of them but for a factor of five."""
ERROR = 0.05
"""Chance that a confidence sequence ever misses, so that it is of 95 %."""


@dataclass(frozen=True, slots=True)
class LiftTrial:
    """How many visits a list has to show a lift, the chance that one without is shown, and the largest `weight` there is.

    A largest weight of 1 says that all units have one inclusion probability. With an error of .06 both figures asked of
    the rule hold with room: a lift of 1.01 is halted in 90 % of trials and one of 1.5 in less than 5 %, at base rates of
    20 and 48 % with a tenth of the visits drawn (`python -m benchmarks lottery`).
    """

    visits: int = 2_500
    error: float = 0.06
    largest_weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LiveVisits:
    """Visits with an outcome in the order in which they became known, one value each, (n,).

    `hit` is 1 or 0; `drawn` says whom the lottery drew, on the list or not; `period` numbers the weeks, ascending;
    `weight` of a drawn visit is the mean inclusion probability of all units over its own, 1 where all are equal.
    """

    hit: Floats
    drawn: Flags
    period: NDArray[np.int64]
    weight: Floats

    def __post_init__(self) -> None:
        """Raise TargetError where a visit has no outcome, or weeks do not ascend."""
        if not np.isin(self.hit, (0.0, 1.0)).all():
            raise TargetError("a live visit should have found a violation (1) or not (0)")
        if (np.diff(self.period) < 0).any():
            raise TargetError("live visits should stand in the order of their weeks")

    def first(self, number: int) -> LiveVisits:
        """Return the first visits, so many."""
        return LiveVisits(
            self.hit[:number], self.drawn[:number], self.period[:number], self.weight[:number]
        )


@dataclass(frozen=True, slots=True)
class TrialVerdict:
    """`go on`, `shown` or `halt`, the visit after which it fell or the last, and the lift with its confidence sequence."""

    word: str
    visits: int
    lottery_visits: int
    lift: Told


def trial_verdict(visits: LiveVisits, trial: LiftTrial) -> TrialVerdict:
    """Return the verdict on a list after its visits so far; what was decided earlier in the trial stands."""
    word, after = decided(visits, trial)
    within = visits.first(trial.visits)
    lottery_visits = int(within.drawn[:after].sum())
    return TrialVerdict(word, after, lottery_visits, lift_so_far(within, trial))


def decided(visits: LiveVisits, trial: LiftTrial) -> tuple[str, int]:
    """Return the word of a trial and after how many visits it fell, or how many there are."""
    within = visits.first(trial.visits)
    _check_weights(within, trial)
    number = len(within.hit)
    shown = _shown(within, trial)
    worse = worse_after(within, trial)
    if shown and (worse is None or shown <= worse):
        return SHOWN, shown
    if worse:
        return HALT, worse
    return (HALT if number >= trial.visits else GO_ON), number


def _check_weights(visits: LiveVisits, trial: LiftTrial) -> None:
    """Raise TargetError where a drawn visit weighs more than the trial allows, since bets on it could ruin."""
    weight = visits.weight[visits.drawn]
    wrong = weight[~((weight > 0) & (weight <= trial.largest_weight))]
    if len(wrong):
        raise TargetError(
            f"a drawn visit should weigh above 0 and at most {trial.largest_weight:g}; got {wrong[0]:g}; "
            f"state the largest weight of the lottery"
        )


def _shown(visits: LiveVisits, trial: LiftTrial) -> int | None:
    """Return after how many visits a lift was shown, by the test that the drawn visits' weights allow."""
    if trial.largest_weight == 1:
        return shown_after(visits, trial)
    return shown_by_stakes(visits, trial)


@dataclass(frozen=True, slots=True)
class WeekOfTrial:
    """What one week tells: its visits and those drawn, the hits of all and of the drawn, and all visits until its end."""

    visits: int
    drawn: int
    hits: int
    drawn_hits: int
    until: int


def weeks_of(visits: LiveVisits) -> Iterator[WeekOfTrial]:
    """Yield the weeks of a trial in order."""
    _, starts = np.unique(visits.period, return_index=True)
    ends = [*starts[1:].tolist(), len(visits.period)]
    for start, end in zip(starts.tolist(), ends, strict=True):
        hit = visits.hit[start:end]
        drawn = visits.drawn[start:end]
        drawn_hits = int(hit[drawn].sum())
        yield WeekOfTrial(end - start, int(drawn.sum()), int(hit.sum()), drawn_hits, end)


def shown_after(visits: LiveVisits, trial: LiftTrial) -> int | None:
    """Return after how many visits the lottery has too few hits for a list without lift; None where it has not.

    Without lift the hits of a week fall on its drawn visits as by lot, whatever the base rate of that week: so the law
    of the lottery's hits so far is known exactly, and of that law no more than the error is spent, little of it early.
    It asks that what a visit finds does not depend on what earlier drawn visits found. Sources: the exact test of
    Fisher (1935); spending of the error, Lan and DeMets (1983), Biometrika 70, 659-663.
    """
    law = np.ones(1)
    lottery_hits = 0
    spent = 0.0
    for week in weeks_of(visits):
        law = np.convolve(law, _by_lot(week))
        lottery_hits += week.drawn_hits
        unspent = error_spent(week.until / trial.visits, trial.error) - spent
        few = int((np.cumsum(law) <= unspent).sum())
        if lottery_hits < few:
            return week.until
        # who had so few hits is out, so that the law is of lists not shown before
        spent += float(law[:few].sum())
        law[:few] = 0.0
    return None


def _by_lot(week: WeekOfTrial) -> Floats:
    """Return the chance of each number of hits among the drawn visits of a week, were its hits dealt by lot."""
    misses = week.visits - week.hits
    ways = [comb(week.hits, n) * comb(misses, week.drawn - n) for n in range(week.drawn + 1)]
    return np.array(ways, np.float64) / comb(week.visits, week.drawn)


def error_spent(share: float, error: float) -> float:
    """Return how much of the error may be spent by a share of the trial, in the manner of O'Brien and Fleming.

    >>> [round(error_spent(share, 0.06), 4) for share in (0.25, 0.5, 1.0)]
    [0.0002, 0.0078, 0.06]
    """
    return float(2 * ndtr(ndtri(error / 2) / sqrt(share)))


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Each drawn visit beside list visits of its week that no other has: its weighted hit, their mean, visits until then."""

    drawn: Floats
    listed: Floats
    until: NDArray[np.int64]

    def gap(self, lifts: Floats) -> Floats:
        """Return lift times the drawn hit minus the list's, (pairs, lifts): zero on average where a lift is the true one."""
        return self.drawn[:, None] * lifts - self.listed[:, None]


def pairs_of(visits: LiveVisits) -> Pairs:
    """Deal the list visits of each week in order among its drawn ones; a week without either gives none."""
    drawn: list[float] = []
    listed: list[float] = []
    until: list[int] = []
    weighted_hit = visits.hit * visits.weight
    for week in weeks_of(visits):
        span = slice(week.until - week.visits, week.until)
        is_drawn = visits.drawn[span]
        of_list = visits.hit[span][~is_drawn]
        number = min(week.drawn, len(of_list))
        of_drawn = weighted_hit[span][is_drawn][:number]
        drawn.extend(of_drawn.tolist())
        listed.extend(_dealt(of_list, number))
        until.extend([week.until] * number)
    return Pairs(np.array(drawn), np.array(listed), np.array(until, np.int64))


def _dealt(hits: Floats, number: int) -> list[float]:
    """Return the mean hit of each of so many hands, dealt in order."""
    dealt_to = np.arange(len(hits)) % max(number, 1)
    of_hand = np.bincount(dealt_to, hits, minlength=number)
    in_hand = np.bincount(dealt_to, minlength=number)
    means = of_hand[:number] / in_hand[:number]
    return [float(mean) for mean in means]


def capital_of(gap: Floats, most: Floats) -> Floats:
    """Return the capital after each pair of who bets that the gap is below zero, (pairs, lifts), by a mixture of stakes.

    If the gap is not below zero, the chance that the capital ever reaches 1 / a is at most a. `most` (lifts,) is the largest
    gap that can be. Source: betting on bounded means, Waudby-Smith and Ramdas (2024), Journal of the Royal Statistical
    Society B 86, 1-27; the bound is Ville's (1939).
    """
    stakes = STAKES[:, None, None] / most
    capital = np.cumprod(1 - stakes * gap, axis=1)
    return np.asarray(capital.mean(axis=0))


def _against(pairs: Pairs, lifts: Floats, weight: float) -> tuple[Floats, Floats]:
    """Return the evidence that the lift is above, and that it is below, each of some lifts, both (pairs, lifts)."""
    gap = pairs.gap(lifts)
    above = capital_of(gap, lifts * weight)
    # turned round, the largest gap is that of a week in which every list visit hits
    below = capital_of(-gap, np.ones(len(lifts)))
    return above, below


def shown_by_stakes(visits: LiveVisits, trial: LiftTrial) -> int | None:
    """Return after how many visits bets show a lift above 1, where drawn visits weigh unequally; None where they do not.

    Valid at any time and whatever earlier visits found, but later than `shown_after`.
    """
    pairs = pairs_of(visits)
    above, _ = _against(pairs, np.ones(1), trial.largest_weight)
    return _first(pairs, above[:, 0] >= 1 / trial.error)


def worse_after(visits: LiveVisits, trial: LiftTrial) -> int | None:
    """Return after how many visits bets show a lift below 1; None where they do not."""
    pairs = pairs_of(visits)
    _, below = _against(pairs, np.ones(1), trial.largest_weight)
    return _first(pairs, below[:, 0] >= 1 / trial.error)


def _first(pairs: Pairs, reached: Flags) -> int | None:
    return int(pairs.until[reached.argmax()]) if reached.any() else None


def lift_so_far(visits: LiveVisits, trial: LiftTrial) -> Told:
    """Return the lift with a 95 % confidence sequence: it holds after every visit at once, for a lift that stays.

    Source: as `capital_of`, one side each with half the error; the limits never widen again.
    """
    if reason := too_few(int(visits.drawn.sum())):
        return reason
    pairs = pairs_of(visits)
    above, below = _against(pairs, LIFTS, trial.largest_weight)
    excluded_below = (above >= 2 / ERROR).any(axis=0)
    excluded_above = (below >= 2 / ERROR).any(axis=0)
    low = LIFTS[excluded_below].max(initial=0.0)
    high = LIFTS[excluded_above].min(initial=np.inf)
    return Estimate(_lift(visits), float(low), float(high))


def _lift(visits: LiveVisits) -> float:
    """Return the share of hits on the list over the weighted share among the drawn; infinite where these have none."""
    drawn = visits.drawn
    base = float(np.average(visits.hit[drawn], weights=visits.weight[drawn]))
    of_list = float(visits.hit[~drawn].mean()) if (~drawn).any() else 0.0
    return of_list / base if base else np.inf
