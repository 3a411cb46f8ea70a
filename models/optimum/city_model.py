"""The plan as one model of the whole city: which visits to choose by score, solved with HiGHS, with its bound.

Each cell takes one of its best lists; each floor asks for a number of visits to its group in the whole city, and only floors
join the cells. What is maximised is the value of the visits. In a cell whose minutes allow too many lists, each visit is
chosen by itself. The bound is that of the linear program, in which a cell may mix its lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint
from scipy.sparse import csr_array, hstack, vstack

from features.errors import PolicyError
from models.optimum.cell_lists import CellList, best_lists
from models.optimum.city_rules import Solver
from models.optimum.duty_rules import UNLIMITED
from models.optimum.quiet import quiet_milp
from models.optimum.shortlist import Candidate

Floats = NDArray[np.float64]
Alike = tuple[int, float, tuple[str, ...], int]
"""What candidates have in common that the plan cannot tell apart: minutes, value, groups and duty."""


@dataclass(frozen=True, slots=True)
class CityModel:
    """By cell its candidates and the minutes that it has for them; by group the visits that its floor still needs.

    `inspectors` are the minutes of inspectors among those of a cell; a cell that it does not name has enough of them.
    """

    candidates: Mapping[str, Sequence[Candidate]]
    minutes: Mapping[str, int]
    needs: Mapping[str, int]
    inspectors: Mapping[str, int] = field(default_factory=dict)

    def inspectors_of(self, cell: str) -> int:
        """Return the minutes of inspectors that a cell has for its candidates."""
        return self.inspectors.get(cell, UNLIMITED)


@dataclass(frozen=True, slots=True)
class CityChoice:
    """The units chosen and what they are worth; no choice can be worth more than `bound`.

    `floors_cost` is by how much the floors lower the bound, `missing` the visits by which a group's floor was relaxed.
    """

    units: frozenset[str]
    value: float
    bound: float
    floors_cost: float
    missing: Mapping[str, int]

    @property
    def gap(self) -> float:
        """The share of the bound that the choice misses."""
        return (self.bound - self.value) / self.bound if self.bound else 0.0


@dataclass(frozen=True, slots=True)
class Option:
    """A list or a single visit that a cell can take, how much of the cell's room it needs, and of a visit the inspectors'
    minutes, which a list keeps by itself.
    """

    cell: str
    room: int
    list: CellList
    inspector: int = 0


@dataclass(frozen=True, slots=True)
class CityProgram:
    """The options of all cells, the room of each cell (1 where it takes one list, else minutes), and the groups with floors.

    `inspectors` has the minutes of inspectors of the cells that choose visit by visit and are short of them.
    """

    options: tuple[Option, ...]
    room: Mapping[str, int]
    groups: tuple[str, ...]
    inspectors: Mapping[str, int]

    @property
    def values(self) -> Floats:
        """What each option is worth, (n,)."""
        return np.array([option.list.value for option in self.options])

    def rows_of_cells(self) -> csr_array:
        """Return the room of each option in the row of its cell, then the inspectors' minutes of each, (rows, n)."""
        of_rooms = _rows(self.room, [(option.cell, option.room) for option in self.options])
        if not self.inspectors:
            return of_rooms
        of_inspectors = [(option.cell, option.inspector) for option in self.options]
        return vstack([of_rooms, _rows(self.inspectors, of_inspectors)])

    def rows_of_groups(self) -> csr_array:
        """Return the visits of each group that an option has, (groups, n)."""
        counts = [option.list.counts for option in self.options]
        return csr_array(np.array(counts, np.float64).reshape(len(counts), len(self.groups)).T)

    def bounds(self, needs: Sequence[int]) -> tuple[Floats, Floats]:
        """Return the least and the most of each row, cells first."""
        room = np.array([*self.room.values(), *self.inspectors.values()], np.float64)
        no_least = np.full(len(room), -np.inf)
        no_most = np.full(len(needs), np.inf)
        return np.concatenate([no_least, needs]), np.concatenate([room, no_most])


def _rows(cells: Iterable[str], parts: Sequence[tuple[str, int]]) -> csr_array:
    """Return what each option needs in the row of its cell, (cells, n); nothing where the cell has no row."""
    row_of = {cell: row for row, cell in enumerate(cells)}
    placed = [
        (row_of[cell], place, float(part))
        for place, (cell, part) in enumerate(parts)
        if cell in row_of
    ]
    rows, places, needed = zip(*placed, strict=True) if placed else ((), (), ())
    return csr_array((needed, (rows, places)), shape=(len(row_of), len(parts)))


def best_choice(model: CityModel, solver: Solver) -> CityChoice:
    """Return a choice as near its bound as the rule set declares; a floor that cannot hold is relaxed by as little as can be.

    The same model gives the same choice: cells go in by name, and HiGHS is stopped by steps and not by the clock.
    """
    groups = tuple(sorted(group for group, visits in model.needs.items() if visits > 0))
    program = program_of(model, groups)
    declared_needs = [model.needs[group] for group in groups]
    if not program.options:
        missing = dict(zip(groups, declared_needs, strict=True))
        return CityChoice(frozenset(), 0.0, 0.0, 0.0, missing)
    needs = declared_needs
    answer = _solved(program, needs, solver)
    if answer.x is None:
        needs = _possible_needs(program, needs, solver)
        answer = _solved(program, needs, solver)
    if answer.x is None:
        raise PolicyError(
            f"no plan was found within {solver.nodes} steps ({answer.message}); raise solver.nodes in the rule set"
        )
    visits = _visits(model, program, answer.x)
    value = float(sum(candidate.value for candidate in visits))
    bound = _linear_bound(program, needs)
    lacks = [wish - need for wish, need in zip(declared_needs, needs, strict=True)]
    return CityChoice(
        units=frozenset(candidate.unit for candidate in visits),
        value=value,
        # sums in another order differ in their last digits, by which no bound lies below the value
        bound=max(value, bound),
        floors_cost=max(0.0, _linear_bound(program, [0] * len(needs)) - bound),
        missing={group: lack for group, lack in zip(groups, lacks, strict=True) if lack},
    )


def program_of(model: CityModel, groups: tuple[str, ...]) -> CityProgram:
    """Return the options of every cell: its best lists, or each visit where these are too many."""
    options: list[Option] = []
    room: dict[str, int] = {}
    inspectors: dict[str, int] = {}
    for cell in sorted(model.candidates):
        candidates = sorted(model.candidates[cell], key=lambda one: one.unit)
        if not candidates:
            continue
        scarce = model.inspectors_of(cell)
        lists = best_lists(candidates, model.minutes[cell], groups, scarce)
        if lists is None:
            room[cell] = model.minutes[cell]
            options += [_single(candidate, groups) for candidate in candidates]
            if sum(candidate.inspector for candidate in candidates) > scarce:
                inspectors[cell] = scarce
        else:
            room[cell] = 1
            options += [Option(cell, 1, one) for one in lists]
    return CityProgram(tuple(options), room, groups, inspectors)


def _single(candidate: Candidate, groups: tuple[str, ...]) -> Option:
    """Return one visit as an option of its cell."""
    counts = tuple(int(group in candidate.groups) for group in groups)
    alone = CellList((candidate,), candidate.value, counts)
    return Option(candidate.cell, candidate.minutes, alone, candidate.inspector)


def _solved(program: CityProgram, needs: Sequence[int], solver: Solver) -> Any:
    """Return what HiGHS says of a program under these floors."""
    values = program.values
    least, most = program.bounds(needs)
    rows = vstack([program.rows_of_cells(), program.rows_of_groups()])
    return quiet_milp(
        -values,
        integrality=np.ones(len(values)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows, least, most),
        options={"mip_rel_gap": solver.gap_percent / 100, "node_limit": solver.nodes},
    )


def _linear_bound(program: CityProgram, needs: Sequence[int]) -> float:
    """Return the most value that any mixture of options has."""
    least, most = program.bounds(needs)
    rows = vstack([program.rows_of_cells(), program.rows_of_groups()])
    answer = quiet_milp(
        -program.values, bounds=Bounds(0, 1), constraints=LinearConstraint(rows, least, most)
    )
    return -float(answer.fun)


def _possible_needs(program: CityProgram, needs: Sequence[int], solver: Solver) -> list[int]:
    """Return the floors lowered by as few visits as possible, so that a choice fulfils them."""
    size = len(program.options)
    floors = len(needs)
    # after the options a variable for each floor: the visits that it lacks
    cells = program.rows_of_cells()
    of_cells = hstack([cells, csr_array((cells.shape[0], floors))])
    of_groups = hstack([program.rows_of_groups(), csr_array(np.eye(floors))])
    least, most = program.bounds(needs)
    answer = quiet_milp(
        np.concatenate([np.zeros(size), np.ones(floors)]),
        integrality=np.ones(size + floors),
        bounds=Bounds(0, np.concatenate([np.ones(size), needs])),
        constraints=LinearConstraint(vstack([of_cells, of_groups]), least, most),
        options={"node_limit": solver.nodes},
    )
    if answer.x is None:
        return [0] * floors
    lacks = np.round(answer.x[size:]).astype(int).tolist()
    return [need - lack for need, lack in zip(needs, lacks, strict=True)]


def _visits(model: CityModel, program: CityProgram, parts: Floats) -> list[Candidate]:
    """Return the visits of the options taken, equal ones by name, and those that the minutes left allow."""
    taken_units: set[str] = set()
    for option, part in zip(program.options, parts.tolist(), strict=True):
        # the parts are whole numbers up to the solver's tolerance
        if part > 0.5:
            taken_units |= {candidate.unit for candidate in option.list.visits}
    visits: list[Candidate] = []
    for cell in sorted(model.candidates):
        candidates = sorted(model.candidates[cell], key=lambda one: one.unit)
        chosen = _first_by_name(candidates, taken_units)
        visits += filled_up(chosen, candidates, model.minutes[cell], model.inspectors_of(cell))
    return visits


def _first_by_name(candidates: Sequence[Candidate], taken: set[str]) -> list[Candidate]:
    """Return as many of each kind of equal candidates of a cell as were taken, the first by name."""
    alike: dict[Alike, list[Candidate]] = {}
    number_of: Counter[Alike] = Counter()
    for candidate in candidates:
        kind = (
            candidate.minutes,
            candidate.value,
            candidate.groups,
            candidate.inspector_percent,
        )
        alike.setdefault(kind, []).append(candidate)
        number_of[kind] += candidate.unit in taken
    chosen: list[Candidate] = []
    for kind, members in alike.items():
        chosen += members[: number_of[kind]]
    return chosen


def filled_up(
    chosen: Sequence[Candidate],
    candidates: Sequence[Candidate],
    minutes: int,
    inspectors: int = UNLIMITED,
) -> list[Candidate]:
    """Return the chosen visits and those that still fit: within the gap HiGHS may leave minutes that one could use."""
    minutes_left = minutes - sum(candidate.minutes for candidate in chosen)
    inspectors_left = inspectors - sum(candidate.inspector for candidate in chosen)
    units = {candidate.unit for candidate in chosen}
    others = [candidate for candidate in candidates if candidate.unit not in units]
    visits = list(chosen)
    for candidate in sorted(others, key=lambda one: (-one.value, one.unit)):
        if candidate.minutes <= minutes_left and candidate.inspector <= inspectors_left:
            minutes_left -= candidate.minutes
            inspectors_left -= candidate.inspector
            visits.append(candidate)
    return visits
