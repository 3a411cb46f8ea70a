"""Laws of the rivals: each ranks by what it says it ranks by, of what was known on the case's own day."""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np
import pytest

from features.matches.find import match_counts, matches
from features.matrix import Matrix
from features.store.opening import open_store
from features.store.store import Store
from tests.random_history import write_history
from training.baselines.declared import baseline_table
from training.baselines.rivals import NO_MATCHES, Rivals
from training.baselines.sitting import Sitting
from training.data.cases import TEST, unlabelled
from training.data.folds import Origin
from training.models.fit import Lesson

TABLE = baseline_table()
BY_NAME = {baseline.name: baseline for baseline in TABLE.baseline}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(write_history(tmp_path_factory.mktemp("history") / "town", seed=5, size=60))


def no_matches(_day: int) -> dict[str, int]:
    return {}


def sitting(keys: list[str], days: list[int], **columns: list[float]) -> Sitting:
    """Return a sitting that asks about firms on days."""
    number = len(keys)
    values = np.array(list(columns.values()), np.float64).reshape(len(columns), number).T
    matrix = Matrix(
        "enterprise", np.array(keys), np.array(days, np.int32), tuple(columns), values, {}
    )
    as_of = np.array(days, np.int64)
    part = np.full(number, TEST, np.int8)
    cases = unlabelled(np.arange(number), as_of, as_of, np.array(keys), part)
    everyone = np.ones(number, np.bool_)
    origin = Origin("day", min(days), max(days), everyone, everyone)
    return Sitting(origin, Lesson(matrix, ()), np.zeros(number), matrix, cases, matrix.keys, None)


def test_the_rules_count_the_matches_of_a_firm_that_the_first_day_of_the_span_knew(
    store: Store,
) -> None:
    last = store.complete_to
    by_firm = Counter(match.subjects.get("enterprise", "") for match in matches(store, last))
    firm, number = next(each for each in by_firm.most_common(2) if each[0])
    rivals = Rivals(TABLE, 1, partial(match_counts, store, "enterprise"))
    asked = sitting([firm, "nobody"], [last, last])
    assert list(rivals.said(BY_NAME["matches"], asked)) == [number, 0]


def test_a_later_day_of_the_span_is_not_looked_at() -> None:
    days: list[int] = []

    def matches_of(day: int) -> dict[str, int]:
        days.append(day)
        return {"e1": 2}

    asked = sitting(["e1", "e1"], [16_020, 16_000])
    assert list(Rivals(TABLE, 1, matches_of).said(BY_NAME["matches"], asked)) == [2, 2]
    assert days == [16_000]


def test_without_a_match_of_its_kind_the_rules_say_why_they_say_nothing() -> None:
    asked = sitting(["e1"], [16_000])
    assert Rivals(TABLE, 1, no_matches).said(BY_NAME["matches"], asked) == NO_MATCHES


def test_last_years_count_is_its_feature_and_a_source_without_it_is_told() -> None:
    asked = sitting(["e1", "e2"], [16_000, 16_000], findings_365d=[3, np.nan])
    assert list(Rivals(TABLE, 1, no_matches).said(BY_NAME["last_year"], asked)) == [3, 0]
    bare = sitting(["e1"], [16_000], staff=[4])
    said = Rivals(TABLE, 1, no_matches).said(BY_NAME["last_year"], bare)
    assert said == "the source has no feature findings_365d"


def test_a_lot_is_the_same_for_the_same_seed_and_another_at_another_origin() -> None:
    def drawn(seed: int, day: int) -> list[float]:
        asked = sitting(["e1", "e2", "e3"], [day] * 3)
        return list(Rivals(TABLE, seed, no_matches).said(BY_NAME["random"], asked))

    assert drawn(1, 16_000) == drawn(1, 16_000)
    assert drawn(1, 16_000) != drawn(1, 16_100) and drawn(1, 16_000) != drawn(2, 16_000)
