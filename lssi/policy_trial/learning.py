"""How an arm learns: a model from all that its store knows, as a training would make it, without its test and certificate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from features.calendar import date_of
from features.files import write_text
from features.ingest.source import Source, Split
from features.store.store import Store
from lssi.policy_trial.arms import TARGET
from lssi.policy_trial.stage import store_of
from models.bundle.bundle import Bundle, load_bundle, write_bundle
from training.data.dataset import dataset, target_of
from training.data.recipe import recipe_of
from training.estimates.period_visits import period_in
from training.estimates.report import estimate_report
from training.models.learn import lesson_of
from training.runs.learned_parts import learned_from, learned_parts

LATEST = "latest.json"
"""The file that names the bundle that a folder was written for, last of all."""


def learned_bundle(source: Source, folder: Path) -> Bundle:
    """Return the model that everything known teaches, written to a folder; where it stands there, it is read."""
    if not (folder / LATEST).exists():
        name = _learned(source, folder).name
        write_text(folder / LATEST, json.dumps({"bundle": name}) + "\n")
    return load_bundle(folder / json.loads((folder / LATEST).read_text("utf-8"))["bundle"])


def _learned(source: Source, folder: Path) -> Path:
    """Write the model that everything known teaches, and return its folder."""
    complete_to = store_of(source).complete_to
    store = store_of(learning_until(source, complete_to))
    recipe = recipe_of(target_of(store, TARGET).fit, target=TARGET)
    whole = dataset(store, TARGET, seed=recipe.seed, bystanders=recipe.bystanders)
    learned = learned_from(whole, lesson_of(whole, recipe), recipe)
    origin = {"source": source.name, "fingerprint": store.fingerprint}
    return write_bundle(folder, learned_parts(whole, learned, origin, metrics={}))


def learning_until(source: Source, day: int) -> Source:
    """Return a source whose target trains on all days up to one; the days of the test lie after what is known."""
    target = source.targets[TARGET]
    split = Split(train_until=date_of(day), test_from=date_of(day + 1), test_until=date_of(day + 1))
    targets = {TARGET: target.model_copy(update={"split": split})}
    return replace(source, declaration=source.declaration.model_copy(update={"target": targets}))


def lottery_estimate(store: Store, bundle: Bundle, first: int) -> dict[str, float] | str:
    """Return what the lottery's visits since a day say of the workers without cover, or why they say nothing."""
    period = period_in(store, first, store.complete_to)
    estimate: dict[str, float] | str = estimate_report(store, bundle, period)["number"]["hajek"]
    return estimate
