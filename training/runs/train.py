"""Training: from a history to a judged bundle, logged and registered; what it returns is the JSON of `lssi train`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from features.calendar import date_of
from features.catalogue.roles import of_scored
from features.errors import BundleError, CertificateError
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Parts, load_bundle, write_bundle
from models.bundle.champions import ModelKey
from models.bundle.score import score
from training.certificate.certify import QUICK, certify, first_telling_day
from training.certificate.text import leaks_of
from training.data.cases import part_size
from training.data.dataset import Dataset, dataset, target_of
from training.data.recipe import Recipe, recipe_of
from training.data.unit_folds import folds_by_unit, in_fold
from training.data.untested import check_test
from training.evaluation.answers import Answers
from training.evaluation.evaluate import judged_cases
from training.groups.values import Partition
from training.models.fit import Lesson
from training.models.learn import Learned, lesson_of
from training.models.promote import BASELINE, INSTEAD
from training.models.registry import Logged, TrainingRun, log_run, tag_version
from training.runs.contender import Contender, TestedModel
from training.runs.contest import Contested, contested_training
from training.runs.families import without_family
from training.runs.flat import numbers
from training.runs.group_audit import group_audit, groups_of_test
from training.runs.learned_parts import learned_from, learned_parts
from training.runs.proxies import proxies
from training.runs.scorecard_run import registered_card
from training.runs.tested import tested_metrics
from training.runs.training_check import training_faults
from training.runs.training_report import report_of
from training.runs.unasked_audit import unasked_audit

BRIEF = ("verdict", "as_of", "certificate_digest", "catalogue_digest", "cpu_seconds")


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A target's data set, what its lesson taught by which recipe, how that did on the test, and how the test met it."""

    dataset: Dataset
    recipe: Recipe
    lesson: Lesson
    learned: Learned
    metrics: dict[str, Any]
    model: TestedModel


def train(store: Store, name: str, *, home: Path, without: str = "") -> dict[str, Any]:
    """Train, judge, write, log and register a model of a declared target; return the plain values that `lssi train` prints.

    The bundle stands under `home`/bundles; the same history gives the same `model_digest`. Nothing is promoted. With a
    family of features to do `without`, the model that knows them all is trained too, and told as `beside`.
    Raises TargetError when the target is not declared or has too few labels, and CertificateError, with nothing written,
    where the certificate is not clean.
    """
    audited = _audited(store, name, without)
    trained = audited.trained
    certificate = certified(store, trained)
    check_clean(certificate)
    origin = _origin(store, trained, certificate)
    contender = _contender(audited)
    contested = contested_training(store, contender)
    parts = bundle_parts(trained, origin)
    bundle = write_bundle(home / "bundles", parts)
    unasked = unasked_audit(store, trained.dataset, load_bundle(bundle), trained.model.capacity)
    tables = {"certificate": certificate, "unasked": unasked}
    run = _run(bundle, audited, parts, contested, tables)
    judged = {
        **run_report(trained, origin),
        "model_digest": run.digest,
        "bundle": run.bundle.name,
        "groups": audited.groups,
        "unasked": unasked,
        "baselines": contested.report.plain,
    }
    run = replace(run, pages={"report.html": report_of(store, name, judged)})
    logged = log_run(home, run)
    card = None
    if contested.report.verdict.better == BASELINE:
        card = registered_card(home, store, contender, parts, run)
    if card is not None:
        tag_version(home, run.key, logged.version, {INSTEAD: str(card.version)})
    return {
        **judged,
        "mlflow": _registered(logged),
        "certified": brief(certificate),
        "proxies": proxies(store, trained.dataset, trained.recipe.seed),
        "scorecard": None if card is None else asdict(card),
        "without": without or None,
        "beside": audited.beside,
    }


def _run(
    bundle: Path,
    audited: _AuditedTraining,
    parts: Parts,
    contested: Contested,
    tables: Mapping[str, Mapping[str, Any]],
) -> TrainingRun:
    """Return what a training leaves in the registry once its bundle is written, with further tables."""
    trained = audited.trained
    chosen = choices(trained)
    if audited.without:
        chosen["without"] = audited.without
    report = contested.report
    return TrainingRun(
        key=ModelKey(parts.origin["source"], trained.dataset.name),
        bundle=bundle,
        digest=_checked(bundle, trained),
        choices=chosen,
        metrics={**numbers(trained.metrics), **report.numbers()},
        tags={**parts.origin, **report.verdict.tags()},
        tables={**tables, "groups": audited.groups, "baselines": report.plain},
        units=contested.units,
    )


def _origin(store: Store, trained: Trained, certificate: Mapping[str, Any]) -> dict[str, str]:
    """Return on what a model rests, as its bundle and its run keep it."""
    return {
        "source": store.source.name,
        "fingerprint": store.fingerprint,
        "dataset": dataset_digest(trained.dataset),
        "certificate": str(certificate["certificate_digest"]),
        "certificate_verdict": str(certificate["verdict"]),
        "calibrated_on": trained.learned.population.basis,
    }


def _contender(audited: _AuditedTraining) -> Contender:
    """Return a trained model as it is judged beside the baselines."""
    trained = audited.trained
    return Contender(
        dataset=trained.dataset,
        recipe=trained.recipe,
        lesson=trained.lesson,
        fit=trained.learned.any,
        calibration=trained.learned.calibration,
        count=trained.learned.count,
        tested=trained.model,
        falls=audited.falls,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _AuditedTraining:
    """A training with its audit by groups, and what the report says of the model of all features beside it, if any.

    `falls` is how the test cases fall into groups, `without` the family of features that it does without, "" for none.
    """

    trained: Trained
    falls: Sequence[Partition]
    groups: dict[str, Any]
    beside: dict[str, Any] | None
    without: str


def _audited(store: Store, name: str, without: str) -> _AuditedTraining:
    """Return the training of a declared target, `without` a family of features where one is named, with its audit."""
    whole, recipe = data_and_recipe(store, name)
    # a group may be read from features of the family, so the groups are read before it is left out
    falls = groups_of_test(store, whole)
    beside = None
    if without:
        fewer = without_family(whole, without)
        beside = _beside(store, trained_from(whole, recipe), falls)
        whole = fewer
    trained = trained_from(whole, recipe)
    groups = group_audit(store, whole, trained.model, falls)
    return _AuditedTraining(trained, falls, groups, beside, without)


def _beside(store: Store, trained: Trained, falls: Sequence[Partition]) -> dict[str, Any]:
    """Return what the report of a model without a family says of the model that knows all features."""
    return {
        "features": len(trained.dataset.matrix.names),
        "metrics": trained.metrics,
        "groups": group_audit(store, trained.dataset, trained.model, falls),
    }


def certified(store: Store, trained: Trained) -> dict[str, Any]:
    """Return the certificate of what a model was trained on, and of the last day that it looked from, over an excerpt.

    Where most tables begin after that day, it is of the first day on which half of them have rows: features of a day on
    which the tables are empty would prove little, and the history has no later day to train from.
    """
    whole = trained.dataset
    days = whole.cases.as_of[whole.taught()]
    faults = training_faults(store, whole, trained.recipe, parts_learned)
    return certify(
        store, max(int(days.max()), first_telling_day(store) or 0), QUICK, training=faults
    )


def parts_learned(whole: Dataset, recipe: Recipe) -> Parts:
    """Return what a bundle would keep of a data set, made in the very way in which a bundle is."""
    return bundle_parts(trained_from(whole, recipe), {})


def check_clean(certificate: Mapping[str, Any]) -> None:
    """Raise CertificateError where a certificate is not clean: it says what leaks."""
    if certificate["verdict"] != "clean":
        source = certificate["source"]
        day = certificate["as_of"]
        leaks = "; ".join(leaks_of(certificate))
        raise CertificateError(
            f"the certificate of {source!r} as of {day} is not clean, so no model was written: {leaks}; "
            f"`lssi certify` says more, mend the source or the features that it names and train again"
        )


def brief(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a certificate a training says; all of it lies beside the model in the registry."""
    return {name: certificate[name] for name in BRIEF}


def trained_on(store: Store, name: str) -> Trained:
    """Return the model of a declared target and its metrics on the test, with nothing written."""
    return trained_from(*data_and_recipe(store, name))


def data_and_recipe(store: Store, name: str) -> tuple[Dataset, Recipe]:
    """Return the data set of a declared target that can be tested, and the recipe by which it trains."""
    target = target_of(store, name)
    recipe = recipe_of(target.fit, target=name)
    whole = dataset(store, name, seed=recipe.seed, bystanders=recipe.bystanders)
    check_test(store, whole)
    return whole, recipe


def trained_from(whole: Dataset, recipe: Recipe) -> Trained:
    """Return the model that the training cases of a data set teach, and its metrics on the test."""
    lesson = lesson_of(whole, recipe)
    learned = learned_from(whole, lesson, recipe)
    tested = whole.tested()
    matrix = whole.matrix.take(tested)
    cases = whole.cases.take(tested)
    is_in_folds = whole.in_folds().any()
    answers = answers_by_fold(whole, recipe) if is_in_folds else answers_of(learned, matrix)
    judged = judged_cases(matrix, cases, answers, recipe)
    capacity = whole.target.capacity or recipe.capacity
    model = TestedModel(answers, judged, capacity, learned.any.text, recipe.seed)
    metrics = tested_metrics(whole, matrix, model)
    metrics["directions"] = _directions(learned)
    metrics["selection"] = _selection(lesson, learned)
    metrics["population"] = asdict(learned.population)
    return Trained(whole, recipe, lesson, learned, metrics, model)


def answers_of(learned: Learned, matrix: Matrix) -> Answers:
    """Return what was learned says of a matrix with the training columns."""
    raw = learned.raw(matrix)
    number = None if learned.count is None else learned.count.number
    return Answers(raw, learned.calibration(raw), learned.expected(matrix), number)


def answers_by_fold(whole: Dataset, recipe: Recipe) -> Answers:
    """Return what models say of all cases in folds, each of cases whose units it has not seen; no interval of a number.

    An expected number is there only where every fold had finds enough to learn one.
    """
    raw = np.full(len(whole.cases), np.nan)
    probability = raw.copy()
    expected = raw.copy()
    for fold in folds_by_unit(whole, recipe):
        of_fold = in_fold(whole, fold)
        learned = learned_from(of_fold, lesson_of(of_fold, recipe), recipe)
        answers = answers_of(learned, whole.matrix.take(fold.held))
        raw[fold.held] = answers.raw
        probability[fold.held] = answers.probability
        if answers.expected is not None:
            expected[fold.held] = answers.expected
    has_numbers = not np.isnan(expected).any()
    return Answers(raw, probability, expected if has_numbers else None)


def bundle_parts(trained: Trained, origin: Mapping[str, str]) -> Parts:
    """Return what the bundle keeps."""
    return learned_parts(trained.dataset, trained.learned, origin, metrics=trained.metrics)


def _checked(bundle: Path, trained: Trained) -> str:
    """Return the written bundle's digest once it scores the test cases to the same bits as what was judged."""
    written = load_bundle(bundle)
    matrix = trained.dataset.matrix.take(trained.dataset.tested())
    judged = trained.learned.raw(matrix)
    if score(written, matrix).raw.tobytes() != judged.tobytes():
        raise BundleError(
            f"{bundle.name} scores differently from the model that was judged; train again"
        )
    return written.digest


def dataset_digest(whole: Dataset) -> str:
    """Return the SHA-256 of a data set: features, cases and labels, to the bit."""
    matrix = whole.matrix
    cases = whole.cases
    names = (whole.name, matrix.names, sorted(matrix.categories.items()))
    total = hashlib.sha256(repr(names).encode())
    arrays = (matrix.values, matrix.as_of, cases.part, cases.label, cases.count, cases.inclusion)
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    identifiers = [*matrix.keys.tolist(), *cases.ids.tolist()]
    if whole.bystanders is not None:
        beside = whole.bystanders
        for array in (beside.matrix.values, beside.matrix.as_of, beside.cases.weight):
            total.update(np.ascontiguousarray(array).tobytes())
        identifiers += beside.matrix.keys.tolist()
    total.update("\n".join(identifiers).encode())
    return total.hexdigest()


def choices(trained: Trained) -> dict[str, str]:
    """Return what was chosen for a training run, as the texts that the registry keeps."""
    target = trained.dataset.target.model_dump(
        mode="json", exclude={"zh", "en", "fit"}, exclude_none=True
    )
    recipe = trained.recipe.model_dump(mode="json")
    chosen = {**target, **recipe, **_fitted(trained)}
    return {name: str(value) for name, value in chosen.items()}


def _directions(learned: Learned) -> dict[str, Any] | None:
    """Return whether the declared directions bind the model, and the loss of unseen cases with them and without."""
    directions = learned.any.directions
    return None if directions is None else asdict(directions)


def _selection(lesson: Lesson, learned: Learned) -> dict[str, Any] | None:
    """Return how far the labelled cases speak for all, the way that they teach, and the losses; None where all were looked at."""
    if lesson.selection is None or learned.any.way is None:
        return None
    overlap = asdict(lesson.selection.overlap)
    # JSON has no NaN
    facts = {name: None if np.isnan(value) else value for name, value in overlap.items()}
    return {**facts, **asdict(learned.any.way)}


def _fitted(trained: Trained) -> dict[str, Any]:
    learned = trained.learned
    count = learned.count
    return {
        "rounds": learned.any.rounds,
        "leaves": learned.any.shape.leaves,
        "extra": learned.any.shape.extra,
        "smallest_leaf": trained.recipe.leaf_of(learned.any.shape),
        "category_smoothing": trained.recipe.smoothing_of(learned.any.shape),
        "loss_unseen": learned.any.loss,
        "rounds_of_count": None if count is None else count.rounds,
        "calibration": learned.calibrated.kind,
        "calibration_losses": dict(learned.calibrated.losses),
        "form_of_count": None if count is None else count.form,
        "losses_of_count": None if count is None else count.losses,
    }


def run_report(trained: Trained, origin: Mapping[str, str]) -> dict[str, Any]:
    """Return the plain values that say what was trained on what, and how it did."""
    whole = trained.dataset
    target = whole.target
    taught = whole.cases.take(whole.taught())
    tested = whole.cases.take(whole.tested())
    last_day = int(taught.as_of.max())
    return {
        "target": whole.name,
        "unit": target.unit,
        "label": target.label,
        "horizon": target.horizon,
        "entity": whole.matrix.entity,
        "as_of": date_of(last_day).isoformat(),
        "train": part_size(taught),
        "test": part_size(tested),
        "judged": judged_by(whole, trained.recipe),
        "set_aside": dict(whole.set_aside),
        "metrics": trained.metrics,
        "features": len(whole.matrix.names),
        "left_out": dict(whole.catalogue.left_out),
        "attributes_left_out": of_scored(whole.catalogue.unread),
        "fit": _fitted(trained),
        **origin,
    }


def judged_by(whole: Dataset, recipe: Recipe) -> dict[str, Any]:
    """Return how a model was judged: by cases of later days, or by groups of units where no order of time is known."""
    judged = whole.target.judged
    if judged is None:
        return {"by": "time", "folds": None, "because": None}
    folds = len(folds_by_unit(whole, recipe))
    return {"by": judged.by, "folds": folds, "because": judged.because}


def _registered(logged: Logged) -> dict[str, Any]:
    return {"run_id": logged.run_id, "model": logged.model, "version": logged.version}
