"""A home with everything that one recorded score rests on: history, model and ledger, small and all real."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from features.calendar import date_of
from features.contract.tables import contract
from features.engine.engine import engine_of
from features.engine.matrices import catalogue_of
from features.engine.matrices import matrix as matrix_of_day
from features.matrix import Matrix
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import frozen_features
from models.bundle.number import Correction, Number, Reach
from models.explain.explain import EXPLAINER
from models.explain.reasons import FORM
from serving.ledger.act import Act, Seen, act_entry, subject_digest
from serving.ledger.ledger import Ledger
from serving.ledger.record import Record, entry_of
from serving.ledger.retention import Expiry, expire
from serving.scoring.ranks import ranks_of
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import Scoring
from tests.once import made_once
from tests.random_history import LAST, write_history

AT = "2015-07-01T08:02:11.482+08:00"
DAYS = (0, 45, 90, 170)


@dataclass(frozen=True)
class Home:
    """What was recorded, and where."""

    path: Path
    scorer: Scorer
    record: Record
    record_id: str

    @property
    def store(self) -> Store:
        return self.scorer.store

    @property
    def bundle(self) -> Bundle:
        return self.scorer.bundle(self.record.target, "enterprise")


def home_of(folders: pytest.TempPathFactory) -> Home:
    """Return a home in which one score was recorded five times.

    A run makes it once; each caller has a copy, beside a copy of the source.
    """
    folder = folders.mktemp("recorded") / "copy"
    shutil.copytree(made_once(folders, "recorded", record_scores), folder)
    scorer = scorer_at(folder)
    ids = (folder / "ids").read_text("utf-8").split()
    return Home(folder / "home", scorer, record_at(scorer), ids[3])


def record_scores(folder: Path) -> None:
    """Write a history and a model of it, and record one score five times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(folder / "home"))
        store = open_store(write_history(folder / "source", seed=11))
        matrix = together([matrix_of_day(store, "enterprise", LAST - back) for back in DAYS])
        load_bundle(write_bundle(folder / "home" / "bundles", parts_of(store, matrix)))
    record = record_at(scorer_at(folder))
    ids = [recorded(folder / "home", record) for _ in range(5)]
    (folder / "ids").write_text("\n".join(ids), "utf-8")


def scorer_at(folder: Path) -> Scorer:
    """Return what scores the units of the last day of the history in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(folder / "home"))
        store = open_store(folder / "source")
        [path] = [path for path in (folder / "home" / "bundles").iterdir() if "-" in path.name]
        bundle = load_bundle(path)
        ranks = ranks_of(bundle, matrix_of_day(store, "enterprise", LAST))
        return Scorer(engine_of(store), {bundle.target: bundle}, {bundle.target: ranks})


def record_at(scorer: Scorer) -> Record:
    """Return the record of the three highest of the last day."""
    [(target, ranks)] = scorer.ranks.items()
    highest = np.argsort(-ranks.raw, kind="stable")[:3]
    keys = [str(ranks.keys[place]) for place in highest]
    return record_of(scorer, scorer.by_id(target, "enterprise", keys))


def together(days: list[Matrix]) -> Matrix:
    """Return the matrices of several days as one."""
    keys, as_of = (
        np.concatenate([day.keys for day in days]),
        np.concatenate([day.as_of for day in days]),
    )
    values = np.concatenate([day.values for day in days])
    return Matrix("enterprise", keys, as_of, days[0].names, values, days[0].categories)


def parts_of(store: Store, matrix: Matrix) -> Parts:
    """Train two small models, of labels and of shares of the staff that follow a few of the features."""
    signal = np.nan_to_num(matrix.values, nan=0.0)
    signal = (signal - signal.mean(axis=0)) / np.where(
        signal.std(axis=0) > 0, signal.std(axis=0), 1.0
    )
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
    table = lightgbm.Dataset(
        matrix.values,
        label,
        feature_name=list(matrix.names),
        categorical_feature=[*matrix.categories],
    )
    text = lightgbm.train({**choices, "objective": "binary"}, table, 30).model_to_string()
    share = lightgbm.Dataset(
        matrix.values,
        label * 0.25,
        feature_name=list(matrix.names),
        categorical_feature=[*matrix.categories],
    )
    objective = {**choices, "objective": "cross_entropy"}
    count_text = lightgbm.train(objective, share, 10).model_to_string()
    declared = catalogue_of(store).features("enterprise")
    line = Calibration((-4.0, 0.0, 4.0), (0.05, 0.4, 0.95))
    features = frozen_features(declared, matrix)
    return Parts(
        "undeclared_workers",
        "2015-06-30",
        features,
        line,
        text,
        count_text,
        matrix,
        {"source": "random"},
        {},
        number_of(matrix),
    )


def number_of(matrix: Matrix) -> Number:
    """Return how shares of the staff become numbers: corrected by size, with an interval of small firms alone."""
    staff = tuple(name for name in ("staff", "declared_last") if name in matrix.names)
    return Number(
        staff=staff,
        stake=staff,
        least=1.0,
        corrections=(Correction(staff=0.0, factor=1.5),),
        reaches=(Reach(up_to=9, spreads=1.5), Reach(up_to=None, spreads=None)),
        coverage=0.9,
        unit="persons",
    )


def record_of(scorer: Scorer, scoring: Scoring) -> Record:
    """Return the record of what the scorer answered."""
    bundle, store = scoring.bundle, scorer.store
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
        reasons_form=FORM,
        base=scoring.base,
        features=bundle.manifest.names,
        categories=tuple(
            feature.name for feature in bundle.features if feature.categories is not None
        ),
        cases=scoring.cases,
        answer={"units": len(scoring.cases)},
    )


def as_sent(folder: Path, table: str) -> list[dict[str, object]]:
    """Return the rows of a table as a request would send them: numbers as numbers."""
    texts = {
        column.name
        for column in contract()[table].columns
        if column.kind in ("id", "choice", "day", "month")
    }
    with (folder / "source" / f"{table}.csv").open(encoding="utf-8") as file:
        return [
            {
                name: value
                if name in texts | {"row_id", "recorded_on"} or not value
                else int(value)
                for name, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def recorded(home: Path, record: Record, keep_until: int = LAST + 1_096) -> str:
    """Write a record and return its id."""
    with Ledger(home / "ledger.db") as ledger:
        return ledger.append(entry_of(record, keep_until)).result(10).record_id


def erased(path: Path, until: int) -> int:
    """Erase what a ledger kept until before a day, of which its newest record is; return how many."""
    moment = datetime.combine(date_of(until), time(), UTC)
    act = Act("look", "tester", f"k{until}", subject_digest({"day": until}), {})
    with Ledger(path) as ledger:
        entry = act_entry(act, Seen(until, until, ""), moment=moment, kept_days=1_000)
        ledger.append(entry).result(10)
    return expire(path, Expiry(until, "tester", moment, kept_days=1_000))[0]
