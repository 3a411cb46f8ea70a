"""The stage of a seed: a city after months of habit, its store and the first model, which all arms start from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from features.calendar import date_of
from features.files import built, write_text
from features.ingest.source import Source, find_source
from features.store.append import feed
from features.store.current import agreed, live_folder
from features.store.store import Store
from models.bundle.bundle import Bundle
from simulation.ground.setting import Setting, setting_of
from simulation.stepped import SteppedCity, begun_city

HABIT_MONTHS = 24
"""Months under the inspectors' habit before the arms begin: enough visits to learn from; a choice."""


Learn = Callable[[Source, Path], Bundle]
"""What makes a model of all that a source knows, in a folder."""
Estimate = Callable[[Store, Bundle, int], dict[str, float] | str]
"""What says from a store what the lottery's visits since a day tell of the whole city."""


@dataclass(frozen=True, slots=True)
class Methods:
    """How a trial learns and estimates; the command line hands them in, as it joins the city to the plan."""

    learn: Learn
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class TrialCity:
    """What a trial is asked: so many enterprises, months under the arms, the last day, and where it is written."""

    out: Path
    enterprises: int
    months: int
    until: str

    def setting(self, seed: int) -> Setting:
        """Return the city of a seed, with the months of habit before the others."""
        return setting_of(self.enterprises, HABIT_MONTHS + self.months, until=self.until, seed=seed)


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A city before the arms begin: its folder, its source with the store that was loaded from it, the first model."""

    methods: Methods
    folder: Path
    source: Source
    city: SteppedCity
    bundle: Bundle

    def copied(self, folder: Path) -> Source:
        """Return the source with a copy of the store in a folder, so that what an arm feeds to it is its own."""
        stores = folder / "stores"
        if not stores.exists():
            with built(stores) as unfinished:
                shutil.copytree(self.source.stores, unfinished, dirs_exist_ok=True)
        return replace(self.source, apart=stores)


def stage_of(asked: TrialCity, seed: int, methods: Methods) -> Stage:
    """Return the stage of a seed, built where it does not stand yet."""
    folder = asked.out / f"seed-{seed}" / "stage"
    setting = asked.setting(seed)
    if not (folder / "stage.json").exists():
        _build(folder, setting, methods.learn)
    source = _source_in(folder)
    return Stage(
        methods=methods,
        folder=folder,
        source=source,
        city=begun_city(setting, HABIT_MONTHS, None),
        bundle=methods.learn(source, folder / "bundles"),
    )


def _source_in(folder: Path) -> Source:
    """Return the source of a stage with stores of its own: no name of the home is taken."""
    return replace(find_source(folder / "city"), apart=folder / "stores", place=())


def _build(folder: Path, setting: Setting, learn: Learn) -> None:
    """Write a stage; what a run that was stopped left of it is written again."""
    for part in ("city", "stores", "bundles"):
        shutil.rmtree(folder / part, ignore_errors=True)
    city = begun_city(setting, HABIT_MONTHS, folder / "city")
    source = _source_in(folder)
    feed(source, city.eve)
    bundle = learn(source, folder / "bundles")
    facts = {"model": bundle.digest, "eve": str(date_of(city.eve))}
    write_text(folder / "stage.json", json.dumps(facts, indent=1) + "\n")


def store_of(source: Source) -> Store:
    """Return the store that a source was fed to."""
    folder = live_folder(source)
    assert folder is not None
    return Store(agreed(source, folder))
