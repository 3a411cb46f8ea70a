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
from features.ingest.source import find_source
from features.store.opening import open_own_store
from models.bundle.bundle import Bundle
from models.bundle.generation import Generation, generation_file, publish_models, read_generation
from models.explain.explain import EXPLAINER
from models.explain.reasons import FORM
from serving.answers import PRIORITY_ONLY
from serving.day.scored_day import PublishedDay, ScoredDay
from serving.errors import DayUnusable
from serving.scoring.promoted_models import all_in_use
from serving.scoring.ranks import Ranks, file_name, kept_ranks, ranks_of
from serving.scoring.scorer import Scorer
from serving.settings import Settings

LOG = logging.getLogger("lssi.day")


def open_scorer(settings: Settings) -> Scorer:
    """Return the scorer of a source's history and of what is in use; the first opening of a day computes its ranks."""
    check_home(settings.home)
    store = open_own_store(settings.source, settings.data)
    engine = engine_of(store)
    name, folder = store.source.name, settings.home / "bundles"
    generation = read_generation(folder, name) or publish_models(folder, name)
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


def publish_promoted(settings: Settings) -> None:
    """Let what is promoted be in use before any worker opens it; a promotion that was stopped half-way is carried on."""
    source = find_source(settings.source, settings.data)
    publish_models(settings.home / "bundles", source.name)


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
    words = None if scorer.dormancy is None else scorer.dormancy.words
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
    return kept_ranks(folder / name, computed_ranks)
