"""The shortlist: of a cell's units those that a best plan can need, the others proven to be dominated."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass

from models.optimum.duty_rules import inspector_minutes


@dataclass(frozen=True, slots=True)
class Candidate:
    """A visit that the plan may choose by score: its minutes, what it is worth in the plan, and the groups of its unit.

    `inspector_percent` is the part of its minutes that only an inspector may give.
    """

    unit: str
    cell: str
    minutes: int
    value: float
    groups: tuple[str, ...]
    inspector_percent: int = 0

    @property
    def inspector(self) -> int:
        """The minutes that only an inspector may give."""
        return inspector_minutes(self.minutes, self.inspector_percent)


def shortlist(candidates: Iterable[Candidate], minutes: int) -> list[Candidate]:
    """Return the candidates of one cell that some best plan of so many minutes needs, in the order of their units.

    A candidate is left out if others of the same groups and duty that take no longer and are worth no less fill the cell by
    themselves: in any plan with the candidate one of them is absent, and takes its place without loss. That holds for
    parts of visits too, so a bound of the shortlist is a bound of all, and for floors, which count visits by group.
    """
    shortest_first = sorted(candidates, key=lambda one: (one.minutes, -one.value, one.unit))
    best_of: dict[tuple[tuple[str, ...], int], list[tuple[float, str, Candidate]]] = {}
    for candidate in shortest_first:
        # of one duty a shorter visit needs no more of an inspector
        alike = (candidate.groups, candidate.inspector_percent)
        best = best_of.setdefault(alike, [])
        if candidate.minutes <= minutes and not _is_filled(best, candidate, minutes):
            # most value first; the unit's name settles equal values, so candidates are never compared
            insort(best, (-candidate.value, candidate.unit, candidate))
    needed = [candidate for best in best_of.values() for *_, candidate in best]
    return sorted(needed, key=lambda one: one.unit)


def _is_filled(
    best: list[tuple[float, str, Candidate]], candidate: Candidate, minutes: int
) -> bool:
    """Tell whether the visits worth no less than a candidate take all minutes of the cell."""
    total = 0
    for value, _, other in best:
        if -value < candidate.value:
            return False
        total += other.minutes
        if total >= minutes:
            return True
    return False
