"""One arm of one seed, month by month: what is known, what is ordered, what the city does, and what it came to.

The orders of a month are written before the city carries them out, and the outcome after its rows are fed. A run that was
stopped reads what was ordered, lets the city live it again, and goes on: it ends with the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.calendar import first_day
from features.files import write_text
from features.ingest.source import Source
from features.store.append import feed
from lssi.policy_trial.arms import Arm
from lssi.policy_trial.carrying_out import block_orders
from lssi.policy_trial.choosing import month_orders
from lssi.policy_trial.month_units import month_units
from lssi.policy_trial.orders import MonthOrders, Plain, orders_in
from lssi.policy_trial.outcome import (
    letter_watch,
    month_outcome,
    registered_on_letters,
)
from lssi.policy_trial.stage import Stage, store_of
from models.bundle.bundle import Bundle
from simulation.month import Truth
from simulation.stepped import SteppedCity, next_month

MonthDone = Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class ArmRun:
    """An arm on the stage of a seed, and the folder of what it leaves."""

    stage: Stage
    seed: int
    name: str
    arm: Arm
    folder: Path

    def bundle_of(self, source: Source, months_lived: int) -> Bundle:
        """Return the model by which a month is planned: the latest training before it, made where it is not there."""
        if not self.arm.retrain or months_lived < self.arm.retrain:
            return self.stage.bundle
        number = months_lived // self.arm.retrain
        return self.stage.methods.learn(source, self.folder / "models" / str(number))


def arm_outcome(run: ArmRun, months: int, month_done: MonthDone) -> Plain:
    """Return what an arm came to in so many months, made or gone on with."""
    source = run.stage.copied(run.folder)
    city = run.stage.city
    first = city.month + 1
    every_order, outcomes = [], []
    before: Sequence[Truth] = ()
    for lived in range(months):
        orders = _orders(run, source, first + lived, lived)
        place = run.folder / f"outcome-{lived:03d}.json"
        is_new = not place.exists()
        rows = run.folder / "rows" / str(lived)
        city, truths = next_month(city, block_orders(city, orders), rows if is_new else None)
        if is_new:
            feed(source, city.eve, rows)
            write_json(place, _outcome(run, source, orders, truths, before))
        outcomes.append(json.loads(place.read_text("utf-8")))
        every_order.append(orders)
        before = truths
        month_done()
    return {
        "arm": run.name,
        "seed": run.seed,
        "months": outcomes,
        "first_model_tells_numbers": run.stage.bundle.count_model is not None,
        **_watch(run, city, every_order),
    }


def _orders(run: ArmRun, source: Source, month: int, lived: int) -> MonthOrders:
    """Return what is ordered of a month: what was written down, or what the arm makes of what is known before it."""
    place = run.folder / f"orders-{lived:03d}.json"
    if not place.exists():
        bundle = run.bundle_of(source, lived)
        units = month_units(store_of(source), bundle, run.arm, month)
        write_json(place, month_orders(units, run.arm, run.seed).plain())
    return orders_in(json.loads(place.read_text("utf-8")))


def _outcome(
    run: ArmRun,
    source: Source,
    orders: MonthOrders,
    truths: Sequence[Truth],
    before: Sequence[Truth],
) -> Plain:
    """Return what a month came to, with what the lottery so far says of the whole city."""
    outcome = month_outcome(orders, truths)
    begun = first_day(run.stage.city.month + 1)
    estimate = run.stage.methods.estimate
    outcome["estimate"] = estimate(store_of(source), run.stage.bundle, begun)
    if run.arm.letters and before:
        outcome["letters"] = registered_on_letters(before, truths, orders)
    return outcome


def _watch(run: ArmRun, city: SteppedCity, orders: Sequence[MonthOrders]) -> Plain:
    """Return what became of firms with letters and without, where the arm sends any."""
    return {"watch": letter_watch(city, orders)} if run.arm.letters else {}


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole or not at all, the same bytes for the same value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    write_text(path, text + "\n")
