"""One month of each arm in truth: `python -m benchmarks.policy_month [--enterprises N] [--seeds N] [--folder FOLDER]`.

After the months of habit every arm chooses visits of the same month by the same model. Each list is told by what its visits
find in expectation, from the true number of workers without cover: so chance in what a visit sees plays no part, and nobody
reacts. Two lists more are chosen by that truth itself, which says how much any model could gain under the same rules.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lssi.policy_trial.arms import Arm, arms_of
from lssi.policy_trial.carrying_out import KIND_OF
from lssi.policy_trial.choosing import month_orders
from lssi.policy_trial.learning import learned_bundle, lottery_estimate
from lssi.policy_trial.month_units import MonthUnits, month_units
from lssi.policy_trial.orders import MonthOrders
from lssi.policy_trial.stage import Methods, Stage, TrialCity, stage_of, store_of
from simulation.inspection.findings import P as FINDINGS
from simulation.inspection.visits import KINDS
from simulation.inspection.visits import P as VISITS
from simulation.stepped import BlockOrders, next_month, no_visits

ARMS = ("plan", "probability", "without_floors", "probability_without_floors", "random")
KNOWN = {"plan": "plan by the truth", "without_floors": "the same without floors"}
"""The arms that are tried again with the truth in place of what the model expects."""
DRAWS = 40
"""Draws of random visits whose mean is told: one month of a small city has some twenty visits; a choice."""
LAST_DAY, MONTHS = "2015-06-30", 2
"""The last day of a city, and its months after those of habit, of which the first is taken: May 2015; a choice."""


@dataclass(frozen=True, slots=True)
class MonthTruth:
    """Workers without cover by enterprise, in the month of the lists."""

    uncovered: Mapping[str, int]

    def found(self, orders: MonthOrders) -> tuple[float, float]:
        """Return the workers that visits find in expectation: all visits, and those by score alone."""
        by_why: dict[str, float] = {}
        for visit in orders.visits:
            kind = KINDS[KIND_OF[visit.why]]
            seen = FINDINGS["each"] * (1 - FINDINGS["missed"]) * (1 - FINDINGS["never"])
            seen *= VISITS[f"cover_{kind}"] * visit.share
            # a firm that closed finds nobody
            workers = self.uncovered.get(visit.enterprise, 0) * seen
            by_why[visit.why] = by_why.get(visit.why, 0.0) + workers
        return sum(by_why.values()), by_why.get("score", 0.0)

    def known_to(self, known: MonthUnits) -> MonthUnits:
        """Return the units with the truth in place of what is expected of them."""
        units = [
            replace(unit, benefit=float(self.uncovered.get(unit.name, 0))) for unit in known.units
        ]
        return replace(known, units=units)


def month_truth(stage: Stage) -> MonthTruth:
    """Return the truth of the month after a stage, in which nobody is visited."""
    nobody = [BlockOrders(no_visits()) for _ in stage.city.states]
    _, truths = next_month(stage.city, nobody, None)
    uncovered: dict[str, int] = {}
    for part in (truth.enterprises for truth in truths):
        names = [f"E{number:07d}" for number in part["enterprise"].tolist()]
        uncovered |= dict(zip(names, part["uncovered"].tolist(), strict=True))
    return MonthTruth(uncovered)


def found_by_list(stage: Stage, seed: int) -> dict[str, tuple[float, float]]:
    """Return by list what its visits find in expectation: all of them, and those by score alone."""
    truth = month_truth(stage)
    store = store_of(stage.source)
    found = {}
    for name, arm in arms_of([], ARMS).items():
        known = month_units(store, stage.bundle, arm, stage.city.month + 1)
        found[name] = _mean_found(truth, known, arm, range(DRAWS) if name == "random" else [seed])
        if name in KNOWN:
            found[KNOWN[name]] = truth.found(month_orders(truth.known_to(known), arm, seed))
    return found


def _mean_found(
    truth: MonthTruth, known: MonthUnits, arm: Arm, seeds: Sequence[int]
) -> tuple[float, float]:
    pairs = [truth.found(month_orders(known, arm, seed)) for seed in seeds]
    every, by_score = np.mean(pairs, axis=0).tolist()
    return every, by_score


def main() -> None:
    """Print by seed and list the workers found, and how many of them by score."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--enterprises", type=int, default=2_000)
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--folder", type=Path, default=Path(".lssi") / "policy_month")
    asked = words.parse_args()
    methods = Methods(learned_bundle, lottery_estimate)
    city = TrialCity(asked.folder / str(asked.enterprises), asked.enterprises, MONTHS, LAST_DAY)
    columns = []
    for seed in range(1, asked.seeds + 1):
        columns.append(found_by_list(stage_of(city, seed, methods), seed))
        print(f"seed {seed}", flush=True)
    print("workers found in one month, in expectation by the truth (of them by score)")
    for name in columns[0]:
        cells = [f"{of_seed[name][0]:.1f} ({of_seed[name][1]:.1f})" for of_seed in columns]
        total, by_score = np.sum([of_seed[name] for of_seed in columns], axis=0).tolist()
        print(f"| {name} | {' | '.join(cells)} | {total:.0f} ({by_score:.0f}) |")


if __name__ == "__main__":
    main()
