"""Laws of what a case may know: not its own outcome by its day, and what trains nothing that the test began without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.calendar import date_of, day_of
from features.errors import TargetError
from features.store.opening import open_store
from features.store.store import Store
from tests.random_history import write_history, write_looks
from tests.said import Say
from training.certificate.excerpt_store import loaded
from training.certificate.poison import poisoned_excerpt
from training.certificate.sample import excerpt_of
from training.data.cases import TRAIN, TargetCases, first_asked
from training.data.dataset import cases_set_aside, dataset, labelled
from training.runs.train import trained_on

Write = Callable[..., Path]
ASKED = day_of("2014-09-30")
SPLIT = """[target.{name}.split]
train_until = 2014-08-31
test_from = {test_from}
test_until = 2015-06-30
"""
HEAD = '[target.{name}]\nzh = "目标"\nen = "target"\nunit = "{unit}"\nlabel = "{label}"\n'
AS_OF = "as_of = [2014-02-28, 2014-05-31, 2014-07-31, 2014-10-31]\n"
EVENT = '[target.{name}.event]\ntable = "{table}"\nwhen = "{when}"\n'


def target(name: str, unit: str, label: str, more: str) -> str:
    """Return the declaration of a target whose first test case is seen from ASKED."""
    begin = ASKED + 1 if unit == "inspection" else ASKED
    split = SPLIT.format(name=name, test_from=date_of(begin))
    return HEAD.format(name=name, unit=unit, label=label) + more + split


def happening(name: str, table: str, when: str) -> str:
    return EVENT.format(name=name, table=table, when=when)


UNITS = {
    "firms": target("firms", "enterprise-day", "visit", f"violation = 1\nhorizon = 60\n{AS_OF}"),
    "providers": target("providers", "provider", "visit", f"violation = 3\nhorizon = 60\n{AS_OF}"),
    "visits": target("visits", "inspection", "visit", "violation = 2\n"),
    "claims": target("claims", "claim", "review", ""),
    "complaints": target(
        "complaints",
        "enterprise-day",
        "event",
        f"horizon = 60\n{AS_OF}" + happening("complaints", "complaints", "lodged"),
    ),
    "closings": target(
        "closings",
        "claim",
        "event",
        "horizon = 60\n" + happening("closings", "claim_reviews", "closed_on"),
    ),
}
"""A target of each unit and label."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A random history with a target of each unit, dense in late rows, corrections and retractions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))
        place = write_history(tmp_path_factory.mktemp("source"), seed=8)
        write_looks(place, seed=8)
        with (place / "source.toml").open("a", encoding="utf-8") as file:
            file.write("".join(UNITS.values()))
        yield open_store(place)


def taught(store: Store, name: str) -> dict[tuple[str, int], tuple[str, str, int]]:
    """Return what each training case teaches, by its id and day: label, count and the day from which they were known."""
    cases = labelled(store, name)
    cases = cases.take(cases.part == TRAIN)
    lessons = zip(cases.label.tolist(), cases.count.tolist(), cases.known.tolist(), strict=True)
    cells = zip(cases.ids.tolist(), cases.as_of.tolist(), strict=True)
    return {
        cell: (str(label), str(count), known)
        for cell, (label, count, known) in zip(cells, lessons, strict=True)
    }


def test_whatever_is_recorded_after_the_test_began_teaches_nothing(history: Store) -> None:
    before = {name: taught(history, name) for name in UNITS}
    assert all(len(lessons) >= 3 for lessons in before.values()), {
        name: len(lessons) for name, lessons in before.items()
    }
    assert {first_asked(history.source.target[name]) for name in UNITS} == {ASKED}
    for seed in (1, 2):
        poisoned = poisoned_excerpt(excerpt_of(history, 100), "together", day=ASKED, seed=seed)
        with loaded(poisoned.excerpt) as store:
            assert {name: taught(store, name) for name in UNITS} == before


@pytest.mark.parametrize("name", UNITS)
def test_no_case_knows_its_outcome_by_its_day_nor_teaches_one_that_came_late(
    history: Store, name: str
) -> None:
    cases = labelled(history, name)
    assert (cases.told > cases.as_of).all()
    assert (cases.known[cases.part == TRAIN] <= ASKED).all()


CLAIMS = HEAD.format(name="fraud", unit="claim", label="review") + (
    "fit = { most_rounds = 30, folds = 3, smallest_leaf = 10, shape = [{ leaves = 4 }] }\n"
    "[target.fraud.split]\n"
    "train_until = 2014-12-31\ntest_from = 2015-01-01\ntest_until = 2015-06-30\n"
)


def reviewed_claims(delays: tuple[int, ...], claims: int = 600) -> dict[str, list[dict[str, Any]]]:
    """Return claims of one day each whose reviews, of a random outcome, are recorded some days after them, by turns."""
    draw = np.random.default_rng(5)
    tables: dict[str, list[dict[str, Any]]] = {"claims": [], "claim_reviews": []}
    for place in range(claims):
        filed = date(2014, 1, 1) + timedelta(days=place * 520 // claims)
        closed = (filed + timedelta(days=delays[place % len(delays)])).isoformat()
        claim = f"c{place:04d}"
        tables["claims"].append(
            {
                "claim": claim,
                "worker": f"w{place:04d}",
                "scheme": "medical",
                "filed_on": filed.isoformat(),
                "state": "filed",
                "recorded_on": filed.isoformat(),
            }
        )
        tables["claim_reviews"].append(
            {
                "claim": claim,
                "chosen": "routine",
                "closed_on": closed,
                "outcome": "fraud" if draw.random() < 0.5 else "clean",
                "recorded_on": closed,
            }
        )
    return tables


def test_a_claim_reviewed_on_the_day_it_became_known_is_no_case(write_source: Write) -> None:
    store = open_store(write_source(reviewed_claims((0, 9)), CLAIMS))
    trained = trained_on(store, "fraud")
    assert trained.dataset.set_aside["known_by_its_own_day"] == 300
    area = trained.metrics["auc"]
    assert 0.3 < area < 0.7


def test_where_every_outcome_is_known_by_its_own_day_nothing_is_trained_and_check_says_so(
    write_source: Write, say: Say
) -> None:
    place = write_source(reviewed_claims((0,)), CLAIMS)
    with pytest.raises(TargetError, match="600 had an outcome that was known by their own day"):
        trained_on(open_store(place), "fraud")
    assert (
        "600 例结果当日已知 had an outcome that was known by their own day"
        in say("check", place).out
    )


def test_an_outcome_that_became_known_after_the_test_began_is_counted_and_not_taught(
    write_source: Write,
) -> None:
    store = open_store(write_source(reviewed_claims((30,)), CLAIMS))
    whole = dataset(store, "fraud", seed=1)
    late = late_cases(whole.cases, store)
    assert whole.set_aside["known_after_the_test_began"] == late > 20
    assert len(whole.cases.take(whole.taught())) + late == filed_before(day_of("2015-01-01"))


def test_an_event_told_after_the_test_began_is_counted_where_its_case_teaches_that_nothing_happened(
    write_source: Write, say: Say
) -> None:
    ends = target("ends", "enterprise-day", "event", f"horizon = 60\n{AS_OF}")
    firms = [
        {"enterprise": f"e{number}", "since": "2012-01-01", "recorded_on": "2013-01-01"}
        for number in range(40)
    ]
    lodged = [
        {
            "complaint": f"k{number}",
            "enterprise": f"e{number}",
            "lodged": "2014-06-30",
            # every other complaint is written down after the test has begun
            "recorded_on": ("2014-07-01", "2015-01-15")[number % 2],
        }
        for number in range(10)
    ]
    place = write_source(
        {"enterprises": firms, "complaints": lodged},
        ends + happening("ends", "complaints", "lodged"),
    )
    store = open_store(place)
    cases = labelled(store, "ends")
    assert cases.label[cases.part == TRAIN].sum() == 5
    assert cases_set_aside(store, "ends")["told_otherwise_later"] == 5
    assert "labels of ends: 5 例" in say("check", place).out


def late_cases(cases: TargetCases, store: Store) -> int:
    """Return how many reviews of claims filed before the test were closed after its first day."""
    rows = store.all_rows("claim_reviews", ("closed_on",))
    closed = rows["closed_on"]
    begin = day_of("2015-01-01")
    return int(((closed > begin) & (closed - 30 < begin)).sum())


def filed_before(day: int) -> int:
    """Return how many of the claims were filed before a day."""
    days = [day_of("2014-01-01") + place * 520 // 600 for place in range(600)]
    return sum(each < day for each in days)
