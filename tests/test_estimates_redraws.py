"""Laws of estimates over redraws of whole plans: the draw alone is unbiased; whom a plan visits beside it is no census."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from features.calendar import day_of
from models.policy.lottery import Draw
from models.policy.plan import plan
from models.policy.plan_unit import PlanUnit
from models.policy.policy import policy_on
from models.policy.policy_status import Facts, standing_of
from training.evaluation.lottery import Drawn, hajek, horvitz_thompson

MONDAY = day_of("2015-07-06")
POLICY = policy_on(MONDAY)
CELLS, IN_CELL, REDRAWS = 20, 30, 200
MINUTES = 2_400
# five standard errors, so that the seeds of a later version hardly ever fail by chance
FAR = 5


@dataclass(frozen=True)
class Redraws:
    """Over redraws (n,): a total by expansion, and with the complaints as a census down to the last that was not drawn."""

    truth: float
    expansion: np.ndarray
    with_census: np.ndarray

    def apart(self, totals: np.ndarray) -> float:
        """Return how many standard errors the mean of totals is above the truth."""
        error = totals.std() / np.sqrt(len(totals))
        return float((totals.mean() - self.truth) / error)


def is_complained_of(number: int) -> bool:
    return number % 3 == 0


def firm(number: int) -> PlanUnit:
    """Return a firm; every third waits with a complaint."""
    lodged = (MONDAY - 10 - number % 7,) if is_complained_of(number) else ()
    standing = standing_of(Facts(complaints=lodged), POLICY, MONDAY)
    return PlanUnit(f"{number:04d}", f"c{number // IN_CELL:02d}", 5, 0.0, standing, False)


@pytest.fixture(scope="module")
def redraws() -> Redraws:
    firms = [firm(number) for number in range(CELLS * IN_CELL)]
    generator = np.random.default_rng(3)
    risk = np.array([0.8 if is_complained_of(number) else 0.2 for number in range(len(firms))])
    guilty = (generator.random(len(firms)) < risk).astype(np.float64)
    capacity = {f"c{cell:02d}": MINUTES for cell in range(CELLS)}
    expansion, with_census = [], []
    for seed in range(REDRAWS):
        chance = np.zeros(len(firms))
        drawn = np.zeros(len(firms), np.bool_)
        certain = np.zeros(len(firms), np.bool_)
        for cell, listed in enumerate(plan(firms, POLICY, capacity, Draw(str(seed), "s")).cells):
            chance[cell * IN_CELL : (cell + 1) * IN_CELL] = float(listed.probability)
            drawn[[int(name) for name in listed.drawn]] = True
            queue = [int(each.unit.name) for each in listed.visits if each.why == "complaint"]
            undrawn = [place for place, number in enumerate(queue) if not drawn[number]]
            certain[queue[: max(undrawn, default=-1) + 1]] = True
        rest = drawn & ~certain
        expansion.append(horvitz_thompson(Drawn(guilty[drawn], chance[drawn])).value)
        of_rest = hajek(Drawn(guilty[rest], chance[rest]), float((~certain).sum()))
        with_census.append(guilty[certain].sum() + of_rest.value)
    return Redraws(float(guilty.sum()), np.array(expansion), np.array(with_census))


def test_the_draw_of_a_whole_plan_tells_the_truth_on_average(redraws: Redraws) -> None:
    assert abs(redraws.apart(redraws.expansion)) < FAR


def test_a_census_of_the_complaints_that_a_plan_visits_would_count_too_many(
    redraws: Redraws,
) -> None:
    assert redraws.apart(redraws.with_census) > FAR
    assert redraws.with_census.mean() > 1.05 * redraws.truth
