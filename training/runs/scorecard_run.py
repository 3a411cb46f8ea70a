"""The run of a scorecard: where it is the better choice, it is written, logged and registered as models are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from features.errors import BundleError
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Parts, load_bundle, write_bundle
from models.bundle.score import score
from training.baselines.card_training import LearnedCard, trained_card
from training.baselines.declared import baseline_table
from training.models.registry import TrainingRun, log_run
from training.runs.contender import Contender, TestedModel
from training.runs.flat import numbers
from training.runs.group_audit import group_audit
from training.runs.tested import tested_metrics
from training.runs.unasked_audit import unasked_audit


@dataclass(frozen=True, slots=True)
class RegisteredCard:
    """A registered scorecard: its bundle, digest and version, how it did on the test, and its points."""

    bundle: str
    model_digest: str
    version: int
    metrics: Mapping[str, Any]
    card: Mapping[str, Any]


def registered_card(
    home: Path, store: Store, contender: Contender, parts: Parts, of_model: TrainingRun
) -> RegisteredCard | None:
    """Write, log and register the scorecard of a data set beside its model; None where no feature tells anything.

    `parts` are those of the model's bundle: features, number, rows to probe with and origin are the same.
    """
    whole = contender.dataset
    label = whole.cases.label[whole.taught()]
    choices = baseline_table().scorecard
    card = trained_card(contender.lesson, label, contender.recipe, choices)
    if card is None:
        return None
    matrix = whole.matrix.take(whole.tested())
    tested = _tested(contender, card, matrix)
    metrics = tested_metrics(whole, matrix, tested)
    bundle = write_bundle(home / "bundles", _parts(parts, card, numbers(metrics)))
    digest = _checked(bundle, matrix, tested)
    tables = {
        "groups": group_audit(store, whole, tested, contender.falls),
        "unasked": unasked_audit(store, whole, load_bundle(bundle), tested.capacity),
    }
    run = replace(
        of_model,
        bundle=bundle,
        digest=digest,
        choices={"kind": "scorecard"},
        metrics=numbers(metrics),
        tags=_origin(parts, card),
        tables={**of_model.tables, **tables},
    )
    logged = log_run(home, run)
    points = card.card.model_dump(mode="json")
    return RegisteredCard(bundle.name, digest, logged.version, metrics, points)


def _parts(parts: Parts, card: LearnedCard, metrics: Mapping[str, float]) -> Parts:
    """Return what the bundle of a scorecard keeps."""
    return replace(
        parts,
        calibration=card.calibration,
        any_text=card.text,
        card=card.card,
        origin=_origin(parts, card),
        metrics=metrics,
    )


def _origin(parts: Parts, card: LearnedCard) -> dict[str, str]:
    return {**parts.origin, "calibrated_on": card.population.basis}


def _tested(contender: Contender, card: LearnedCard, matrix: Matrix) -> TestedModel:
    """Return a scorecard as the test met it; the number expected is that of the model of the number."""
    raw = card.raw(matrix)
    of_model = contender.tested
    answers = replace(of_model.answers, raw=raw, probability=card.calibration(raw))
    return replace(
        of_model,
        answers=answers,
        judged=replace(of_model.judged, score=raw),
        text=card.text,
    )


def _checked(bundle: Path, matrix: Matrix, tested: TestedModel) -> str:
    """Return the written bundle's digest once it scores the test cases to the same bits as what was judged."""
    written = load_bundle(bundle)
    if score(written, matrix).raw.tobytes() != tested.answers.raw.tobytes():
        raise BundleError(f"{bundle.name} scores differently from the scorecard that was judged")
    return written.digest
