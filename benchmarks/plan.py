"""What a week's plan of the whole city costs once its scores are there: 433,193 units in 396 cells, made up.

Beside it a floor in the same run: one sort of the same units by cell, worth and name, which any plan needs. BENCH_UNITS=N and
BENCH_CELLS=N set another size.
"""

from __future__ import annotations

import os
import resource
import time

import numpy as np

from features.calendar import day_of
from models.policy.lottery import Draw
from models.policy.plan import Plan, plan
from models.policy.plan_unit import PlanUnit
from models.policy.policy import Policy, policy_on
from models.policy.policy_status import Facts, standing_of

UNITS = int(os.environ.get("BENCH_UNITS", "433193"))
CELLS = int(os.environ.get("BENCH_CELLS", "396"))
MINUTES = 880
MONDAY = day_of("2015-06-29")


def made_up(policy: Policy) -> list[PlanUnit]:
    """Return the units of a city: few large, some rural, complained of, with a medal, exposed, resting or dormant."""
    chance = np.random.default_rng(1)
    staff = chance.lognormal(1.8, 1.2, UNITS).astype(int)
    benefit = chance.gamma(0.3, 2.0, UNITS)
    is_complained_of, is_waived, is_exposed = (
        chance.random(UNITS) < share for share in (0.002, 0.0013, 0.0002)
    )
    is_resting, is_dormant, is_rural = (chance.random(UNITS) < share for share in (0.03, 0.2, 0.35))
    # a cell is some kilometres wide
    east, north = chance.normal(0, 0.02, (2, UNITS))
    units = []
    for number in range(UNITS):
        facts = Facts(
            complaints=(MONDAY - 9,) if is_complained_of[number] else (),
            medal=(MONDAY - 99, None) if is_waived[number] else None,
            exposure=(MONDAY - 99, None) if is_exposed[number] else None,
            visited=MONDAY - 50 if is_resting[number] else None,
        )
        unit = PlanUnit(
            name=f"E{number:07d}",
            cell=f"C{number % CELLS:03d}",
            staff=int(staff[number]),
            benefit=float(benefit[number]),
            standing=standing_of(facts, policy, MONDAY),
            dormant=bool(is_dormant[number]),
            rural=bool(is_rural[number]),
            place=(120 + float(east[number]), 36 + float(north[number])),
        )
        units.append(unit)
    return units


def seconds_of_floor(units: list[PlanUnit]) -> float:
    """Return the processor's seconds of one sort of all units."""
    began = time.process_time()
    sorted(units, key=lambda unit: (unit.cell, -unit.benefit, unit.name))
    return time.process_time() - began


def main() -> None:
    """Print seconds of processor and clock, their ratio to the floor, the peak of memory, and how good the plan is."""
    policy = policy_on(MONDAY)
    units = made_up(policy)
    capacity = {f"C{number:03d}": MINUTES for number in range(CELLS)}
    floor = seconds_of_floor(units)
    clock, spent = time.perf_counter(), time.process_time()
    made = plan(units, policy, capacity, Draw("1", "seed"))
    spent = time.process_time() - spent
    clock = time.perf_counter() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(units)} units, {len(made.cells)} lists, {visits_of(made)}")
    print(
        f"{spent:.1f} cpu s, {clock:.1f} s of the clock, {spent / floor:.1f} floors of {floor:.2f} cpu s"
    )
    print(f"peak {peak:.2f} GB")
    print(f"gap {100 * made.choice.gap:.4f} % of the bound {made.choice.bound:.1f}")
    for each in made.floors:
        print(f"floor {each.group}: asked {each.asked}, planned {each.planned}")
    print(f"price of the floors {made.choice.floors_cost:.1f}")


def visits_of(made: Plan) -> str:
    """Return how many visits a plan has by why."""
    whys = [visit.why for cell in made.cells for visit in cell.visits]
    by_why = ", ".join(f"{whys.count(why)} {why}" for why in sorted(set(whys)))
    return f"{len(whys)} visits: {by_why}"


if __name__ == "__main__":
    main()
