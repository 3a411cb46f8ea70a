"""Which cases of a law `make test` tries: a seeded sample with every kind; `make test-slow` tries the others."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest

SEED = 13
"""One seed for every sample, so that a run can be repeated; `pytest` prints it at the head of a run."""


def shuffled(number: int) -> list[int]:
    """Return the places 0 .. number - 1 in the seeded order."""
    return [int(place) for place in np.random.default_rng(SEED).permutation(number)]


def one_of_each_kind(kinds: Sequence[Iterable[Hashable]]) -> list[int]:
    """Return in the seeded order the places whose kinds are not all among those of earlier places."""
    seen: set[Hashable] = set()
    places = []
    for place in shuffled(len(kinds)):
        fresh = set(kinds[place]) - seen
        if fresh:
            seen |= fresh
            places.append(place)
    return places


def sampled(cases: Iterable[Any], kind: Callable[[Any], Hashable] = bool) -> list[Any]:
    """Return the cases of a parametrized test, all but one of each kind marked `slow`; without `kind`, all but one."""
    listed = list(cases)
    quick = set(one_of_each_kind([(kind(case),) for case in listed]))
    return [case if place in quick else slow(case) for place, case in enumerate(listed)]


def slow(case: Any) -> Any:
    """Return a case that only `make test-slow` tries."""
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)


def full(case: Any) -> Any:
    """Return a case that only `make test-full` tries: a count that takes many minutes by itself."""
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=(pytest.mark.slow, pytest.mark.full))
