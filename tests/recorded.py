"""A home with everything that one recorded score rests on: history, model and ledger, small and all real."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import lightgbm
import numpy as np

from features.engine import catalogue_of
from features.engine import matrix as matrix_of_day
from features.matrix import Matrix
from features.store import Store, open_store
from features.trace import Fact, trace
from models.bundle import Bundle, Parts, load_bundle, write_bundle
from models.calibration import Calibration
from models.explain import EXPLAINER, explain
from models.manifest import frozen_features
from models.reasons import Reason, leads, reasons_of
from models.score import score
from serving.ledger import Ledger
from serving.record import Case, Record, Rows, entry_of, vector_of
from tests.random_history import LAST, write_history

AT = "2015-07-01T08:02:11.482+08:00"
DAYS = (0, 45, 90, 170)


@dataclass(frozen=True)
class Home:
    """What was recorded, and where."""

    path: Path
    store: Store
    bundle: Bundle
    record: Record
    record_id: str


def home_of(folder: Path) -> Home:
    """Return a home in which one score was recorded; $LSSI_HOME must be `folder / "home"`."""
    store = open_store(write_history(folder / "source", seed=11))
    matrix = together([matrix_of_day(store, "enterprise", LAST - back) for back in DAYS])
    bundle = load_bundle(write_bundle(folder / "home" / "bundles", parts_of(store, matrix)))
    record = record_of_city(store, bundle, matrix)
    ids = [recorded(folder / "home", record) for _ in range(5)]
    return Home(folder / "home", store, bundle, record, ids[3])


def together(days: list[Matrix]) -> Matrix:
    """Return the matrices of several days as one."""
    keys, as_of = np.concatenate([day.keys for day in days]), np.concatenate([day.as_of for day in days])
    values = np.concatenate([day.values for day in days])
    return Matrix("enterprise", keys, as_of, days[0].names, values, days[0].categories)


def parts_of(store: Store, matrix: Matrix) -> Parts:
    """Train a small model on labels that follow a few of the features."""
    signal = np.nan_to_num(matrix.values, nan=0.0)
    signal = (signal - signal.mean(axis=0)) / np.where(signal.std(axis=0) > 0, signal.std(axis=0), 1.0)
    label = signal @ np.random.default_rng(5).normal(size=signal.shape[1]) > 0
    choices = {
        "num_leaves": 7,
        "min_data_in_leaf": 3,
        "verbosity": -1,
        "num_threads": 1,
        "seed": 1,
        "deterministic": True,
        "force_row_wise": True,
        "min_data_per_group": 2,
        "feature_pre_filter": False,
    }
    table = lightgbm.Dataset(matrix.values, label, feature_name=list(matrix.names), categorical_feature=[*matrix.categories])
    text = lightgbm.train({**choices, "objective": "binary"}, table, 30).model_to_string()
    declared = catalogue_of(store).features("enterprise")
    line = Calibration((-4.0, 0.0, 4.0), (0.05, 0.4, 0.95))
    features = frozen_features(declared, matrix)
    return Parts("undeclared_workers", "2015-06-30", features, line, text, None, matrix, {"source": "random"}, {})


def record_of_city(store: Store, bundle: Bundle, matrix: Matrix) -> Record:
    """Return the record of the three highest units of the last day."""
    today = matrix.take(matrix.as_of == LAST)
    order = np.argsort(-score(bundle, today).raw, kind="stable")
    chosen = today.take(order[:3])
    explained = explain(bundle, chosen)
    names = bundle.manifest.names
    return Record(
        kind="score",
        at=AT,
        caller="idhrss",
        request="cd" * 32,
        store=f"{store.summary['name']}-{store.fingerprint}",
        target=bundle.target,
        entity="enterprise",
        as_of=LAST,
        complete_to=LAST,
        bundle=bundle.digest,
        explainer=EXPLAINER,
        base=explained.base,
        features=names,
        categories=tuple(feature.name for feature in bundle.features if feature.categories is not None),
        cases=tuple(case_of(store, bundle, chosen.row(row), row + 1) for row in range(len(chosen))),
        answer={"units": len(chosen)},
    )


def case_of(store: Store, bundle: Bundle, row: Matrix, rank: int) -> Case:
    """Return one scored unit with the facts of its four strongest leads."""
    scores, explained = score(bundle, row), explain(bundle, row)
    values, texts = vector_of(row, 0, bundle.manifest.names)
    facts: dict[str, list[Fact]] = {}
    for lead in leads(bundle, explained.contributions[0])[:4]:
        for name in lead.members[:2]:
            facts[name] = list(trace(store, "enterprise", str(row.keys[0]), as_of=LAST, feature=name))
    reasons = reasons_of(bundle, row, explained.contributions[0], facts)
    return Case(
        key=str(row.keys[0]),
        as_of=LAST,
        values=values,
        texts=texts,
        raw=float(scores.raw[0]),
        probability=float(scores.probability[0]),
        expected=None,
        contributions=explained.contributions[0],
        facts={name: [plain_fact(fact) for fact in found] for name, found in facts.items()},
        reasons=[plain_reason(reason) for reason in reasons],
        rank=rank,
        of=len(store.texts("enterprise")),
    )


def plain_fact(fact: Fact) -> dict[str, object]:
    plain = asdict(fact)
    return {**plain, "rows": plain.pop("n_rows")}


def plain_reason(reason: Reason) -> dict[str, object]:
    return {
        "feature": reason.feature,
        "contribution": reason.contribution,
        "zh": reason.zh,
        "en": reason.en,
        "facts": [plain_fact(fact) for fact in reason.facts],
    }


def recorded(home: Path, record: Record, keep_until: int = LAST + 1_096) -> str:
    """Write a record and return its id."""
    with Ledger(home / "ledger.db") as ledger:
        return ledger.append(entry_of(record, keep_until)).result(10).record_id


__all__ = ["AT", "LAST", "Home", "Rows", "home_of", "recorded"]
