"""What a week's plan of the whole city costs once its scores are there: 433,193 units in 396 cells, median of 5."""

from __future__ import annotations

import resource
import statistics
import time

import numpy as np

from features.calendar import day_of
from models.policy.lottery import Draw
from models.policy.plan import plan
from models.policy.plan_unit import PlanUnit
from models.policy.policy import policy_on
from models.policy.policy_status import Facts, standing_of

UNITS, CELLS, MINUTES, ROUNDS = 433_193, 396, 880, 5
MONDAY = day_of("2015-06-29")


def main() -> None:
    """Print seconds of the processor and the peak of memory."""
    policy, chance = policy_on(MONDAY), np.random.default_rng(1)
    staff, benefit = chance.lognormal(1.8, 1.2, UNITS).astype(int), chance.gamma(0.3, 2.0, UNITS)
    complaints = chance.random(UNITS) < 0.002
    units = [
        PlanUnit(
            f"E{n:07d}",
            f"C{n % CELLS:03d}",
            int(staff[n]),
            float(benefit[n]),
            standing_of(Facts(complaints=(MONDAY - 9,) if complaints[n] else ()), policy, MONDAY),
        )
        for n in range(UNITS)
    ]
    capacity = {f"C{n:03d}": MINUTES for n in range(CELLS)}
    spent = []
    for number in range(ROUNDS):
        began = time.process_time()
        lists = plan(units, policy, capacity, Draw(str(number), "seed"))
        spent.append(time.process_time() - began)
    visits = sum(len(cell.visits) for cell in lists.cells)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{UNITS} units, {CELLS} lists, {visits} visits: {statistics.median(spent):.1f} cpu s, peak {peak:.2f} GB"
    )


if __name__ == "__main__":
    main()
