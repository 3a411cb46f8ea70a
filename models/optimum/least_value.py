"""What a visit that a cell's list lacks would have to be worth to be on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.optimum.city_model import CityChoice, CityModel, best_choice
from models.optimum.city_rules import Solver
from models.optimum.duty_rules import UNLIMITED
from models.optimum.shortlist import Candidate, shortlist

EXACT_PERCENT = 1e-6
"""The gap of the two searches that are compared, because their difference is far smaller than either."""


@dataclass(frozen=True, slots=True)
class ListMinutes:
    """The minutes of a cell's list, and those of inspectors among them."""

    all: int
    inspectors: int = UNLIMITED

    def without(self, visit: Candidate) -> ListMinutes:
        """Return what a visit leaves."""
        return ListMinutes(self.all - visit.minutes, self.inspectors - visit.inspector)


def least_value(
    candidates: Sequence[Candidate],
    minutes: ListMinutes,
    visit: Candidate,
    chosen: frozenset[str],
    solver: Solver,
) -> float | None:
    """Return the value from which on a best list of the cell holds a visit; None where it needs more than the minutes.

    Compared are the best list without the visit and the best one around it, with as many visits of each group as the cell has
    now. Where the visit leaves no room for these, floors are left out of the comparison.
    """
    if visit.minutes > minutes.all or visit.inspector > minutes.inspectors:
        return None
    others = [candidate for candidate in candidates if candidate.unit != visit.unit]
    counts = Counter(group for one in candidates if one.unit in chosen for group in one.groups)
    other_visits = {group: visits - (group in visit.groups) for group, visits in counts.items()}
    around = _best(others, minutes.without(visit), other_visits, solver)
    if around.missing:
        around = _best(others, minutes.without(visit), {}, solver)
        counts = Counter()
    without = _best(others, minutes, counts, solver)
    return max(0.0, without.value - around.value)


def _best(
    candidates: Sequence[Candidate], minutes: ListMinutes, needs: Mapping[str, int], solver: Solver
) -> CityChoice:
    """Return the best list of one cell."""
    needed = shortlist(candidates, minutes.all)
    exact = solver.model_copy(update={"gap_percent": EXACT_PERCENT})
    model = CityModel({"": needed}, {"": minutes.all}, needs, {"": minutes.inspectors})
    return best_choice(model, exact)
