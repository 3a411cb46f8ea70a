"""Bad input of a training ends in one line that says what to do, or in a clear choice; never in a traceback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import TargetError
from features.store.opening import open_store
from features.store.store import Store
from tests.rows import SPLIT, reviewed_claims
from training.runs.train import Trained, trained_on

Write = Callable[..., Path]
Rows = dict[str, list[dict[str, Any]]]
HEAD = reviewed_claims("visits", "same", rounds=20) + SPLIT
CLAIMS = 240
BEGIN = date(2014, 3, 1)


def filed(is_fraud: Callable[[int, int], bool], *, reviewed_later: int = 9) -> Rows:
    """Return reviewed claims, two a day and more in the end; `is_fraud` is told the place of a claim and its visits."""
    draw = np.random.default_rng(7)
    tables: Rows = {"claims": [], "claim_reviews": []}
    for place in range(CLAIMS):
        filed_on = BEGIN + timedelta(days=place * 3 // 2)
        visits = int(draw.integers(0, 9))
        claim = {
            "claim": f"c{place:04d}",
            "worker": f"w{place:04d}",
            "scheme": "medical",
            "filed_on": filed_on.isoformat(),
            "recorded_on": filed_on.isoformat(),
            "visits": visits,
            "same": 1,
        }
        tables["claims"].append(claim)
        outcome = "fraud" if is_fraud(place, visits) else "clean"
        closed = (filed_on + timedelta(days=reviewed_later)).isoformat()
        review = {"claim": claim["claim"], "outcome": outcome, "closed_on": closed}
        tables["claim_reviews"].append(review | {"recorded_on": closed})
    return tables


@pytest.fixture
def trained(write_source: Write) -> Callable[..., tuple[Store, Trained]]:
    def train(rows: Rows) -> tuple[Store, Trained]:
        store = open_store(write_source(rows, HEAD))
        return store, trained_on(store, "fraud")

    return train


def many(place: int, visits: int) -> bool:
    return visits > 4


def one_line(refused: pytest.ExceptionInfo[TargetError]) -> str:
    said = str(refused.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("every", [False, True])
def test_one_class_alone_is_refused_with_the_counts(
    trained: Callable[..., tuple[Store, Trained]], *, every: bool
) -> None:
    with pytest.raises(TargetError) as refused:
        trained(filed(lambda _place, _visits: every))
    assert "labelled cases with and without a violation; got " in one_line(refused)
    assert "add history or change the split" in one_line(refused)


def test_one_class_in_the_later_folds_parts_units_instead(
    trained: Callable[..., tuple[Store, Trained]],
) -> None:
    """Of the last claims that train none is a fraud: no fold forward in time could be asked, so folds by unit are."""
    _, done = trained(filed(lambda place, visits: visits > 4 and place < 80))
    assert done.learned.any.rounds >= 5
    assert done.metrics["auc"] is None and done.metrics["base_rate"] == 0.0


def test_a_feature_that_never_varies_is_no_fault_and_tells_nothing(
    trained: Callable[..., tuple[Store, Trained]],
) -> None:
    _, done = trained(filed(many))
    names = list(done.dataset.matrix.names)
    used = dict(zip(names, done.learned.any.model.feature_importance("split"), strict=True))
    assert used["attr_same"] == 0 and used["attr_visits"] > 0
    assert done.metrics["auc"] > 0.95


def test_an_unknown_target_is_refused_with_those_that_there_are(write_source: Write) -> None:
    store = open_store(write_source(filed(many), HEAD))
    with pytest.raises(TargetError, match="'frauds' is not declared by source 'hand'; it declares"):
        trained_on(store, "frauds")


def test_a_single_enterprise_is_judged_on_its_later_visits_without_any_interval(
    write_source: Write,
) -> None:
    head = HEAD[HEAD.index("[target.fraud]") :].replace('unit = "claim"', 'unit = "inspection"')
    head = head.replace('label = "review"', 'label = "visit"\nviolation = 1')
    looked = {f"examined_{violation}": int(violation == 1) for violation in range(1, 6)}
    visits, findings = [], []
    for place in range(120):
        opened = (BEGIN + timedelta(days=place * 3)).isoformat()
        closed = (BEGIN + timedelta(days=place * 3 + 2)).isoformat()
        visit = {"inspection": f"i{place:03d}", "enterprise": "e1", "kind": "routine", **looked}
        visits.append(visit | {"opened": opened, "closed_on": closed, "recorded_on": closed})
        if place % 2:
            found = {"inspection": visit["inspection"], "violation": 1, "workers_in_violation": 2}
            findings.append(found | {"recorded_on": closed})
    register = {"enterprise": "e1", "since": "2014-01-01", "kind": "company"}
    rows: Rows = {
        "enterprises": [register | {"recorded_on": "2014-01-02"}],
        "inspections": visits,
        "findings": findings,
    }
    store = open_store(write_source(rows, head))
    done = trained_on(store, "fraud")
    assert done.metrics["auc"] is not None
    assert done.metrics["intervals"] == {"auc": None, "average_precision": None}
    assert done.metrics["expected"] is None or done.metrics["expected"]["interval"] is None
