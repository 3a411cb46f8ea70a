"""Letters before a visit: some employers register staff on one, and some who have a successor close early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.dynamics.phoenix import Phoenix, brought_forward
from simulation.dynamics.state import State
from simulation.ground.draws import happens
from simulation.ground.parameters import parameters
from simulation.ground.setting import Flags, Ints, Turn
from simulation.labour.firms import Firms
from simulation.labour.late_registration import uncovered
from simulation.labour.staff import Jobs

P = parameters("""
answers | .3 | share | assumed | employers with staff left out who register staff on a letter
registers | .7 | share | assumed | of the staff left out, those whom such an employer registers
flees | .5 | share | assumed | units with a planned successor that close early after a letter
within | 20 | days | assumed | days from a letter until the last of these registrations
""")
NO_LETTERS = np.zeros(0, dtype=np.int64)
"""The letters of a month in which none is sent."""


def lettered(state: State, turn: Turn, letters: Ints) -> State:
    """Return the state after letters to some enterprises at the beginning of a month; without letters, the same."""
    if not len(letters):
        return state
    chance = turn.stream("letters")
    jobs = _registered_on_letter(turn, chance, state.jobs, letters)
    firms = _alarmed(turn, chance, state.firms, phoenix=state.phoenix, letters=letters)
    return replace(state, jobs=jobs, firms=firms)


def _registered_on_letter(
    turn: Turn, chance: np.random.Generator, jobs: Jobs, letters: Ints
) -> Jobs:
    """Return the jobs with cover for those whom employers register within days of a letter."""
    answers = letters[happens(chance, P["answers"], len(letters))]
    is_out: Flags = uncovered(jobs, turn.day) & np.isin(jobs.firm, answers)
    candidates = np.flatnonzero(is_out)
    chosen = candidates[happens(chance, P["registers"], len(candidates))]
    cover = jobs.cover.copy()
    cover[chosen] = turn.day + 1 + chance.integers(0, int(P["within"]), len(chosen))
    return replace(jobs, cover=cover)


def _alarmed(
    turn: Turn, chance: np.random.Generator, firms: Firms, *, phoenix: Phoenix, letters: Ints
) -> Firms:
    """Return the enterprises with the successions that letters bring forward."""
    flees = happens(chance, P["flees"], len(letters))
    elders = letters[flees & (phoenix.heir[letters] >= 0)]
    soon = turn.day + chance.integers(3, 15, len(elders))
    return brought_forward(firms, phoenix, elders=elders, soon=soon)
