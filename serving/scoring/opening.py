"""Opening the service: history, models and ranks are loaded and checked before the first request is taken."""

from __future__ import annotations

from pathlib import Path

from features.engine.dormancy import dormancy
from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix
from features.store.opening import open_own_store
from models.bundle.bundle import Bundle
from serving.scoring.promoted_models import all_promoted
from serving.scoring.ranks import Ranks, file_name, kept_ranks, ranks_of
from serving.scoring.scorer import Scorer
from serving.settings import Settings


def open_scorer(settings: Settings) -> Scorer:
    """Return the scorer of a source's history and promoted models; the first opening of a day computes its ranks."""
    store = open_own_store(settings.source, settings.data)
    engine = engine_of(store)
    bundles = all_promoted(settings.home / "bundles", store.source.name, store.source.target)
    ranks = {
        target: _ranks(settings.home / "ranks", engine, bundle)
        for target, bundle in bundles.items()
    }
    scored_entities = {bundle.entity for bundle in bundles.values()}
    asleep = None
    if "enterprise" in scored_entities:
        asleep = dormancy(engine, store.complete_to)
    return Scorer(engine, bundles, ranks, asleep)


def _ranks(folder: Path, engine: Engine, bundle: Bundle) -> Ranks:
    day = engine.store.complete_to

    def computed_ranks() -> Ranks:
        living = matrix(engine, bundle.entity, day)
        return ranks_of(bundle, living)

    name = file_name(engine.store.fingerprint, day, bundle, engine.catalogue)
    return kept_ranks(folder / name, computed_ranks)
