"""What the inspectorate and the employers remember of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.ground.setting import NEVER, Ints


@dataclass(frozen=True, slots=True)
class Memory:
    """Per enterprise: days of the last visit and finding, counts, days until which rules hold, open complaints."""

    visited: Ints
    visits: Ints
    found: Ints
    findings: Ints
    in_violation: Ints
    owed: Ints
    exposed_until: Ints
    medal_until: Ints
    complained: Ints
    gap: Ints


def begin_memory(count: int) -> Memory:
    """Return a memory of nothing."""
    long_ago = np.full(count, -NEVER)
    none = np.zeros(count, dtype=np.int64)
    return Memory(
        visited=long_ago,
        visits=none,
        found=long_ago,
        findings=none,
        in_violation=none,
        owed=none,
        exposed_until=long_ago,
        medal_until=long_ago,
        complained=none,
        gap=none,
    )
