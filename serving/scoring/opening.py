"""Opening the service: history, models and ranks are loaded and checked before the first request is taken."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from features.catalogue.digest import catalogue_digest
from features.engine.dormancy import dormancy
from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix
from features.home_form import check_home
from features.ingest.source import Source, find_source
from features.store.opening import open_own_store, open_store_until
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.generation import (
    Generation,
    HistoryPointer,
    current_generation,
    generation_file,
    publish_days,
    publish_history,
    read_generation,
)
from models.explain.explain import EXPLAINER
from models.explain.reasons import FORM
from serving.answers import PRIORITY_ONLY
from serving.day.scored_day import PublishedDay, ScoredDay
from serving.errors import DayUnusable
from serving.scoring.promoted_models import all_in_use
from serving.scoring.ranks import Ranks, file_name, ranks_of, stored_ranks
from serving.scoring.scorer import Scorer
from serving.settings import Settings

LOG = logging.getLogger("lssi.day")


def open_scorer(settings: Settings) -> Scorer:
    """Return the scorer of a source's history and of what is in use; the first opening of a day computes its ranks."""
    check_home(settings.home)
    source = find_source(settings.source, settings.data)
    name, folder = source.name, settings.home / "bundles"
    generation = current_generation(folder, name)
    store = served_store(source, generation)
    engine = engine_of(store)
    bundles = all_in_use(folder, name, store.source.target, generation)
    ranks = {
        target: _ranks(settings.home / "ranks", engine, bundle)
        for target, bundle in bundles.items()
    }
    scored_entities = {bundle.entity for bundle in bundles.values()}
    asleep = None
    if "enterprise" in scored_entities:
        asleep = dormancy(engine, store.complete_to)
    scorer = Scorer(engine, bundles, ranks, asleep, generation=generation.name)
    return replace(scorer, days=_days(settings.home / "days", scorer, generation))


def served_store(source: Source, generation: Generation) -> Store:
    """Return the history that a generation names, whatever was loaded since; without one, what is loaded last."""
    history = generation.history
    if history is None:
        return open_own_store(source)
    return open_store_until(source, history.store, history.complete_to)


def publish_promoted(settings: Settings) -> None:
    """Let a loaded history be in use before any worker opens it, unless a day of another is published.

    A day that is loaded and not published is named in the log: the former one is served.
    """
    source = find_source(settings.source, settings.data)
    folder = settings.home / "bundles"
    loaded = history_of(open_own_store(source))
    before = read_generation(folder, source.name)
    if before and before.history and not (source.stores / before.history.store).is_dir():
        # its store was removed to be made again from the source: what is loaded now is all there is
        publish_days(folder, source.name, loaded, {})
    served = publish_history(folder, source.name, loaded).history
    if served is not None and served != loaded:
        LOG.warning(
            "%s is loaded and not published; %s is served until `lssi day` has scored it",
            loaded.complete_to,
            served.complete_to,
        )


def history_of(store: Store) -> HistoryPointer:
    """Return what names the history of a store as it is looked at."""
    return HistoryPointer(store=store.folder.name, complete_to=store.summary["complete_to"])


def in_use_file(settings: Settings) -> Path:
    """Return the file that says what is in use for the source served."""
    source = find_source(settings.source, settings.data)
    return generation_file(settings.home / "bundles", source.name)


def _days(folder: Path, scorer: Scorer, generation: Generation) -> dict[str, PublishedDay]:
    """Return the published days that are whole and say what this program would compute; the log names the others."""
    days = {}
    for target in scorer.bundles:
        pointer = generation.day(target)
        if pointer is None:
            continue
        try:
            day = ScoredDay(folder / pointer.folder, pointer.digest)
        except DayUnusable as error:
            LOG.warning("%s is scored from its rows: %s", target, error)
            continue
        if fits(scorer, target, day):
            days[target] = PublishedDay(day, pointer.batch)
        else:
            LOG.warning(
                "%s is scored from its rows: %s is of another history or version; run `lssi batch` again",
                target,
                pointer.folder,
            )
    return days


def fits(scorer: Scorer, target: str, day: ScoredDay) -> bool:
    """Tell whether a scored day says what this program would compute now: of this history, day, model and form of words."""
    manifest, bundle, store = day.manifest, scorer.bundles[target], scorer.store
    # of firms alone is told whether they are dormant
    asleep = scorer.dormancy if manifest.entity == "enterprise" else None
    words = None if asleep is None else asleep.words
    stated = (manifest.store, manifest.as_of, manifest.bundle, manifest.features)
    of_scorer = (
        f"{store.summary['name']}-{store.fingerprint}",
        scorer.day,
        bundle.digest,
        bundle.manifest.names,
    )
    forms = (manifest.explainer, manifest.reasons_form, manifest.catalogue)
    has_words = (manifest.priority_only, manifest.dormant_words) == (PRIORITY_ONLY, words)
    own_forms = (EXPLAINER, FORM, catalogue_digest(scorer.engine.catalogue))
    return stated == of_scorer and forms == own_forms and has_words


def _ranks(folder: Path, engine: Engine, bundle: Bundle) -> Ranks:
    day = engine.store.complete_to

    def computed_ranks() -> Ranks:
        living = matrix(engine, bundle.entity, day)
        return ranks_of(bundle, living)

    name = file_name(engine.store.fingerprint, day, bundle, engine.catalogue)
    return stored_ranks(folder / name, computed_ranks)
