"""Laws of labels, told by histories small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.calendar import day_of
from features.errors import SourceError, TargetError
from features.matrix import Matrix
from features.store.opening import open_store
from features.store.store import Store
from training.data.cases import TEST, TRAIN, TargetCases
from training.data.dataset import dataset, thinned
from training.data.events import happened, marks
from training.data.population import population

Write = Callable[..., Path]
VISIT = """
[target.workers]
zh = "未全员参保"
en = "undeclared workers"
unit = "enterprise-day"
label = "visit"
violation = 1
count = "workers_in_violation"
horizon = 100
as_of = [2014-01-01, 2014-06-30, 2015-01-31]
[target.workers.split]
train_until = 2014-06-30
test_from = 2015-01-01
test_until = 2015-06-30
"""
BY_VISIT = VISIT.replace('"enterprise-day"', '"inspection"').replace(
    "as_of = [2014-01-01, 2014-06-30, 2015-01-31]", ""
)
EVENT = (
    VISIT.replace('"visit"', '"event"')
    + """
[target.workers.event]
table = "complaints"
when = "lodged"
filter = "topic == 'wages'"
"""
)
REVIEW = """
[target.fraud]
zh = "骗领"
en = "fraudulent claim"
unit = "claim"
label = "review"
horizon = 60
[target.fraud.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""


def enterprises(*names: str, known: str = "2013-01-01") -> list[dict[str, object]]:
    return [
        {"enterprise": name, "since": "2013-01-01", "kind": "company", "recorded_on": known}
        for name in names
    ]


def visit(
    number: str, enterprise: str, opened: str, closed: str | None, **more: object
) -> dict[str, object]:
    plain = {f"examined_{kind}": int(kind == 1) for kind in range(1, 6)}
    return {
        "inspection": number,
        "enterprise": enterprise,
        "kind": "routine",
        "opened": opened,
        "closed_on": closed,
        "recorded_on": closed or opened,
        **plain,
        **more,
    }


def finding(
    number: str, workers: int | None = None, violation: int = 1, **more: object
) -> dict[str, object]:
    return {
        "inspection": number,
        "violation": violation,
        "workers_in_violation": workers,
        "recorded_on": "2015-06-01",
        **more,
    }


def opened(write: Write, toml: str, **tables: list[dict[str, object]]) -> Store:
    usual = {"inspections": [], "findings": [], "complaints": []} if "claims" not in tables else {}
    return open_store(write({**usual, **tables}, toml))


def known(cases: TargetCases, values: np.ndarray) -> dict[tuple[str, int], float | None]:
    """Return values by id and as-of day, None for NaN."""
    return {
        (i, int(d)): None if np.isnan(v) else float(v)
        for i, d, v in zip(cases.ids.tolist(), cases.as_of.tolist(), values.tolist(), strict=True)
    }


def test_only_a_closed_visit_that_examined_the_violation_gives_a_label(write_source: Write) -> None:
    store = opened(
        write_source,
        VISIT,
        enterprises=enterprises("a", "b", "c", "d", "e", "f"),
        inspections=[
            visit("i1", "a", "2015-02-10", "2015-02-20"),
            visit("i2", "b", "2015-02-10", "2015-02-20"),
            visit("i3", "c", "2015-02-10", None),
            visit("i4", "d", "2015-02-10", "2015-02-20", examined_1=0),
            visit("i5", "e", "2015-02-10", "2015-05-20"),
            visit("i0", "a", "2014-02-01", "2014-02-02"),
            visit("i9", "b", "2014-04-11", "2014-04-11"),
        ],
        findings=[
            finding("i1", 7),
            finding("i2", 4, violation=2),
            finding("i3", 9),
            finding("i4", 9),
            finding("i5", 3),
            finding("i9", 5, recorded_on="2014-05-01"),
        ],
    )
    found = dataset(store, "workers", seed=1)
    test = day_of("2015-01-31")
    label = known(found.cases, found.cases.label)
    assert {name: label[name, test] for name in "abcdef"} == {
        "a": 1.0,
        "b": 0.0,
        "c": None,
        "d": None,
        "e": None,
        "f": None,
    }
    count = known(found.cases, found.cases.count)
    assert (count["a", test], count["b", test], count["c", test]) == (7.0, 0.0, None)
    first = day_of("2014-01-01")
    assert {key: value for key, value in label.items() if key[1] == first} == {
        ("a", first): 0.0,
        ("b", first): 1.0,
    }
    assert found.matrix.keys.tolist() == found.cases.ids.tolist() and found.taught().sum() == 2


def test_the_window_is_open_at_its_day_and_closed_at_its_horizon(write_source: Write) -> None:
    day = day_of("2014-01-01")
    store = opened(
        write_source,
        VISIT,
        enterprises=enterprises("a", "b", "c"),
        inspections=[
            visit("i1", "a", "2014-01-01", "2014-01-01"),
            visit("i2", "b", "2014-01-02", "2014-01-02"),
            visit("i3", "c", "2014-04-11", "2014-04-11"),
            visit("i4", "a", "2015-02-01", "2015-02-02"),
        ],
    )
    label = known((whole := dataset(store, "workers", seed=1)).cases, whole.cases.label)
    assert {key for key in label if key[1] == day} == {("b", day), ("c", day)}


def test_training_days_end_a_horizon_before_the_test_and_the_gap_is_in_neither(
    write_source: Write,
) -> None:
    toml = VISIT.replace("2014-01-01, 2014-06-30", "2014-01-01, 2014-06-30, 2014-07-01").replace(
        "horizon = 100", "horizon = 185"
    )
    store = opened(
        write_source,
        toml.replace("train_until = 2014-06-30", "train_until = 2014-12-31"),
        enterprises=enterprises("a"),
        inspections=[
            visit("i1", "a", "2014-07-06", "2014-07-06"),
            visit("i2", "a", "2015-02-01", "2015-02-02"),
        ],
    )
    cases = dataset(store, "workers", seed=1).cases
    assert set(zip(cases.as_of.tolist(), cases.part.tolist(), strict=True)) == {
        (day_of("2014-06-30"), TRAIN),
        (day_of("2015-01-31"), TEST),
    }


def test_several_visits_in_a_window_count_once_and_what_any_found_is_found(
    write_source: Write,
) -> None:
    store = opened(
        write_source,
        VISIT,
        enterprises=enterprises("a"),
        inspections=[
            visit(
                "i1", "a", "2015-02-01", "2015-02-02", kind="lottery", inclusion_probability=0.25
            ),
            visit("i2", "a", "2015-03-01", "2015-03-02"),
            visit("i0", "a", "2014-02-01", "2014-02-02"),
        ],
        findings=[finding("i2", None)],
    )
    cases = dataset(store, "workers", seed=1).cases
    last = cases.take(cases.part == TEST)
    assert last.label.tolist() == [1.0] and np.isnan(last.count).all()
    assert last.random_label.tolist() == [0.0] and last.inclusion.tolist() == [0.25]


def test_a_retracted_visit_and_a_corrected_finding_are_as_the_last_row_says(
    write_source: Write,
) -> None:
    gone = visit("i2", "b", "2015-02-10", "2015-02-20")
    store = opened(
        write_source,
        VISIT,
        enterprises=enterprises("a", "b"),
        inspections=[
            visit("i1", "a", "2015-02-10", "2015-02-20"),
            gone,
            {**gone, "retracted": 1, "recorded_on": "2015-06-02"},
            visit("i0", "a", "2014-02-01", "2014-02-02"),
        ],
        findings=[finding("i1", 7), finding("i1", 2, recorded_on="2015-06-20"), finding("i2", 1)],
    )
    cases = dataset(store, "workers", seed=1).cases
    label, count = known(cases, cases.label), known(cases, cases.count)
    assert count["a", day_of("2015-01-31")] == 2.0 and label["b", day_of("2015-01-31")] is None


def test_a_visit_as_its_own_unit_is_seen_from_its_eve(write_source: Write) -> None:
    store = opened(
        write_source,
        BY_VISIT,
        enterprises=enterprises("a") + enterprises("late", known="2015-02-10"),
        inspections=[
            visit("i1", "a", "2014-02-01", "2014-02-02"),
            visit("i2", "a", "2015-02-01", "2015-02-02"),
            visit("i3", "a", "2015-03-01", "2015-06-20"),
            visit("i4", "a", "2014-09-01", "2014-09-02"),
            visit("i5", "late", "2015-02-10", "2015-02-11"),
            visit("i6", "late", "2015-02-11", "2015-02-11"),
        ],
        findings=[finding("i2", 3)],
    )
    found = dataset(store, "workers", seed=1)
    label = known(found.cases, found.cases.label)
    assert label == {
        ("i1", day_of("2014-01-31")): 0.0,
        ("i2", day_of("2015-01-31")): 1.0,
        ("i3", day_of("2015-02-28")): None,
        ("i6", day_of("2015-02-10")): 0.0,
    }
    assert (found.cases.day - found.cases.as_of == 1).all() and (
        found.matrix.as_of == found.cases.as_of
    ).all()


def complaint(
    number: str, enterprise: str, lodged: str, topic: str = "wages", **more: object
) -> dict[str, object]:
    return {
        "complaint": number,
        "enterprise": enterprise,
        "lodged": lodged,
        "topic": topic,
        "recorded_on": lodged,
        **more,
    }


def test_an_event_in_the_window_is_1_none_is_0_and_what_is_not_yet_over_is_left_out(
    write_source: Write,
) -> None:
    store = opened(
        write_source,
        EVENT,
        enterprises=enterprises("a", "b", "c"),
        complaints=[
            complaint("k1", "a", "2014-01-05"),
            complaint("k2", "b", "2014-01-05", "hours"),
            complaint("k3", "c", "2014-01-01"),
            complaint("k4", "b", "2015-05-11"),
            complaint("k5", "c", "2015-05-12"),
        ],
    )
    cases = dataset(store, "workers", seed=1).cases
    early, late = day_of("2014-01-01"), day_of("2015-01-31")
    label = known(cases, cases.label)
    assert {name: label[name, early] for name in "abc"} == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert {name: label[name, late] for name in "abc"} == {"a": 0.0, "b": 1.0, "c": 0.0}
    with pytest.raises(TargetError, match=r"usable are .*2014-01-01"):
        dataset(
            opened(
                write_source,
                EVENT.replace("2015-01-31", "2015-03-23"),
                enterprises=enterprises("a"),
            ),
            "workers",
            seed=1,
        )


def test_an_event_needs_a_table_that_is_there_and_a_day(write_source: Write) -> None:
    for broken, match in (('table = "exposures"', "absent"), ('when = "topic"', "should be a day")):
        name = broken.split(" ")[0]
        toml = "\n".join(
            broken if line.startswith(f"{name} =") else line for line in EVENT.splitlines()
        )
        with pytest.raises(TargetError, match=match):
            dataset(opened(write_source, toml, enterprises=enterprises("a")), "workers", seed=1)


def test_happened_keeps_to_its_own_subject() -> None:
    known_marks = np.sort(marks(np.array([0, 0, 1]), np.array([-5, 100, 50])))
    subject, as_of = np.array([0, 0, 0, 1, 2]), np.array([-6, -5, 99, 50, 0])
    assert happened(known_marks, subject, as_of, 1).tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]


def claim(number: str, filed: str, **more: object) -> dict[str, object]:
    usual = {
        "worker": "w",
        "scheme": "medical",
        "filed_on": filed,
        "state": "filed",
        "recorded_on": filed,
    }
    return {"claim": number, **usual, **more}


def review(
    number: str, closed: str | None, outcome: str | None, **more: object
) -> dict[str, object]:
    return {
        "claim": number,
        "chosen": "routine",
        "closed_on": closed,
        "outcome": outcome,
        "recorded_on": "2015-06-01",
        **more,
    }


def test_a_claim_is_seen_when_it_became_known_and_only_a_verdict_is_a_label(
    write_source: Write,
) -> None:
    store = opened(
        write_source,
        REVIEW,
        claims=[
            claim("p", "2014-02-01", recorded_on="2014-02-05"),
            claim("p", "2014-02-01", recorded_on="2015-03-01", state="paid"),
            claim("u", "2014-02-01"),
            *(claim(number, "2015-02-01") for number in "qrst"),
        ],
        claim_reviews=[
            review("p", "2014-03-01", "fraud", recorded_on="2014-03-02"),
            review("q", "2015-03-01", "clean", chosen="lottery", inclusion_probability=0.1),
            review("r", "2015-03-01", "unclear"),
            review("s", None, None),
            review("t", "2015-06-01", "fraud"),
        ],
    )
    found = dataset(store, "fraud", seed=1)
    day = day_of("2015-02-01")
    assert known(found.cases, found.cases.label) == {
        ("p", day_of("2014-02-05")): 1.0,
        ("q", day): 0.0,
        ("r", day): None,
        ("s", day): None,
        ("t", day): None,
    }
    assert known(found.cases, found.cases.random_label)["q", day] == 0.0


def test_too_many_unlabelled_claims_are_thinned_to_weighted_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.data.dataset.MOST_UNLABELLED", 10)
    label = np.where(np.arange(100) < 20, 1.0, np.nan)
    number, nothing = np.arange(100), np.full(100, np.nan)
    cases = TargetCases(
        number,
        number,
        number,
        number.astype(np.str_),
        np.full(100, TEST, np.int8),
        label,
        nothing,
        nothing,
        nothing,
        np.ones(100),
        number,
        number,
    )
    few, again = thinned(cases, seed=1), thinned(cases, seed=1)
    assert len(few) == 30 and few.weight.sum() == 100 and (few.ids == again.ids).all()
    assert (few.weight[~np.isnan(few.label)] == 1).all()


def test_a_population_is_a_condition_on_features_and_a_missing_value_meets_none() -> None:
    matrix = Matrix(
        "enterprise",
        np.array(["a", "b", "c", "d"]),
        np.zeros(4, np.int32),
        ("staff", "sector"),
        np.array([[5.0, 0], [0.5, 1], [np.nan, 0], [9, np.nan]]),
        {"sector": ("A", "B")},
    )
    told = {
        condition: population(matrix, condition).tolist()
        for condition in (
            "",
            "staff > 0.4",
            "staff > 1 and sector == 'A'",
            "sector != 'A' or staff >= 9",
            "sector == 'Z'",
        )
    }
    assert told == {
        "": [True] * 4,
        "staff > 0.4": [True, True, False, True],
        "staff > 1 and sector == 'A'": [True, False, False, False],
        "sector != 'A' or staff >= 9": [False, True, False, True],
        "sector == 'Z'": [False] * 4,
    }
    for wrong in ("nothing > 0", "staff", "sector < 'A'", "staff in (1, 2)"):
        with pytest.raises(TargetError, match="population filter"):
            population(matrix, wrong)


def test_an_unknown_target_and_a_split_out_of_order_are_one_line(write_source: Write) -> None:
    store = opened(write_source, VISIT, enterprises=enterprises("a"))
    with pytest.raises(TargetError, match="declares workers"):
        dataset(store, "nothing", seed=1)
    wrong = VISIT.replace("test_from = 2015-01-01", "test_from = 2014-01-01")
    with pytest.raises(SourceError, match="should have train_until before test_from"):
        dataset(opened(write_source, wrong, enterprises=enterprises("a")), "workers", seed=1)


def test_a_population_may_ask_for_visits_by_their_own_row_and_leaves_the_others_as_history(
    write_source: Write,
) -> None:
    chosen = (
        BY_VISIT
        + "[target.workers.population]\nvisits = \"kind == 'routine' and planned_minutes > 30\"\n"
    )
    store = opened(
        write_source,
        chosen,
        enterprises=enterprises("a"),
        inspections=[
            visit("i1", "a", "2014-02-10", "2014-02-10", planned_minutes=60),
            visit("i2", "a", "2014-03-10", "2014-03-10", planned_minutes=60, kind="special"),
            visit("i3", "a", "2014-04-10", "2014-04-10"),
            visit("i4", "a", "2015-02-10", "2015-02-10", planned_minutes=60),
        ],
    )
    found = dataset(store, "workers", seed=1)
    assert found.cases.ids.tolist() == ["i1", "i4"]
    assert found.matrix.column("visits_all").tolist() == [0.0, 3.0]
