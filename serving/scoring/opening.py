"""Opening the service: history, models and ranks are loaded and checked before the first request is taken."""

from __future__ import annotations

from pathlib import Path

from features.catalogue import Catalogue
from features.engine.dormancy import dormancy
from features.engine.matrices import catalogue_of, matrix
from features.store.store import Store, open_own_store
from models.bundle.bundle import Bundle
from serving.scoring.promoted_models import all_promoted
from serving.scoring.ranks import Ranks, file_name, kept_ranks, ranks_of
from serving.scoring.scorer import Scorer
from serving.settings import Settings


def open_scorer(settings: Settings) -> Scorer:
    """Return the scorer of a source's history and promoted models; the first opening of a day computes its ranks."""
    store = open_own_store(settings.source, settings.data)
    catalogue = catalogue_of(store)
    bundles = all_promoted(settings.home / "bundles", store.source.name, store.source.target)
    ranks = {
        target: _ranks(settings.home / "ranks", store, catalogue, bundle)
        for target, bundle in bundles.items()
    }
    enterprises = any(bundle.entity == "enterprise" for bundle in bundles.values())
    asleep = dormancy(store, catalogue, store.complete_to) if enterprises else None
    return Scorer(store, catalogue, bundles, ranks, asleep)


def _ranks(folder: Path, store: Store, catalogue: Catalogue, bundle: Bundle) -> Ranks:
    path = folder / file_name(store.fingerprint, store.complete_to, bundle, catalogue)
    return kept_ranks(
        path,
        lambda: ranks_of(bundle, matrix(store, bundle.entity, store.complete_to, None, catalogue)),
    )
