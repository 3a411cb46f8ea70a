"""What a visit that a cell's list lacks would have to be worth to be on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from models.optimum.city_model import CityChoice, CityModel, best_choice
from models.optimum.city_rules import Solver
from models.optimum.shortlist import Candidate, shortlist

EXACT_PERCENT = 1e-6
"""The gap of the two searches that are compared, because their difference is far smaller than either."""


def least_value(
    candidates: Sequence[Candidate],
    minutes: int,
    visit: Candidate,
    chosen: frozenset[str],
    solver: Solver,
) -> float | None:
    """Return the value from which on a best list of the cell holds a visit; None where it is longer than the minutes.

    Compared are the best list without the visit and the best one around it, with as many visits of each group as the cell has
    now. Where the visit leaves no room for these, floors are left out of the comparison.
    """
    if visit.minutes > minutes:
        return None
    others = [candidate for candidate in candidates if candidate.unit != visit.unit]
    counts = Counter(group for one in candidates if one.unit in chosen for group in one.groups)
    rest = {group: visits - (group in visit.groups) for group, visits in counts.items()}
    around = _best(others, minutes - visit.minutes, rest, solver)
    if around.missing:
        around = _best(others, minutes - visit.minutes, {}, solver)
        counts = Counter()
    without = _best(others, minutes, counts, solver)
    return max(0.0, without.value - around.value)


def _best(
    candidates: Sequence[Candidate], minutes: int, needs: Mapping[str, int], solver: Solver
) -> CityChoice:
    """Return the best list of one cell."""
    needed = shortlist(candidates, minutes)
    exact = solver.model_copy(update={"gap_percent": EXACT_PERCENT})
    return best_choice(CityModel({"": needed}, {"": minutes}, needs), exact)
