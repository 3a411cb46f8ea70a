"""The plan of a week in the ledger: one stands, alone in the journal, and is made again to the same lists."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.calendar import date_of
from features.errors import LedgerError, PolicyError
from features.home import home
from features.ingest.scan import files_below, read_table
from features.store.journal import write_journal_part
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.policy.week import Halt, WeekPlan, week_of
from models.reviews import review_week
from models.reviews.review_week import planned_week
from serving.ledger.read import head
from serving.lottery.steps import Clerk
from serving.plans.plan_act import lottery_of_plan
from serving.plans.standing_plan import plans_of_week, record_plan
from serving.replay.plan_replay import (
    plan_record,
    plan_replay_as_json,
    plan_replay_lines,
    replay_plan,
)
from tests.test_reviews_week import MONDAY, model, tables

MOMENT = datetime(2015, 6, 29, 8, tzinfo=UTC)
Write = Callable[..., Path]


@dataclass(frozen=True)
class Town:
    """A source whose last closed day is the eve of the week that is planned, and a home with its store and a model."""

    place: Path
    home: Path
    bundle: Bundle


@pytest.fixture(scope="module")
def town(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The town, made once; each test has a copy of its home."""
    folder = tmp_path_factory.mktemp("town")
    place = hand_source(folder / "source", tables())
    declared = place / "source.toml"
    declared.write_text(declared.read_text("utf-8").replace("2015-06-30", "2015-06-28"), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(folder / "home"))
        bundle = model(open_store(place), "claim", "fraudulent_claim", home() / "bundles")
    return Town(place, folder / "home", bundle)


@pytest.fixture
def place(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The source, which is as it was after the test, with a home of the test's own."""
    monkeypatch.setenv("LSSI_HOME", str(shutil.copytree(town.home, tmp_path / "home")))
    declared = (town.place / "source.toml").read_bytes()
    yield town.place
    (town.place / "source.toml").write_bytes(declared)


@pytest.fixture
def store(place: Path) -> Store:
    return open_store(place)


@pytest.fixture
def bundle(town: Town) -> Bundle:
    return town.bundle


def made(store: Store, bundle: Bundle, seed: str, halt: Halt | None = None) -> WeekPlan:
    return planned_week(store, bundle, week_of(store, MONDAY, seed), halt)


def recorded(store: Store, plan: WeekPlan) -> str:
    """Record a plan and return the number of its record."""
    return record_plan(Clerk(home(), MOMENT, 365), store, plan).record_id


def parts(table: str) -> list[str]:
    """Return the parts of a table of the journal that are read."""
    return [path.name for path in files_below(home() / "journal" / "hand" / table)]


def test_the_same_plan_again_is_the_first_record(store: Store, bundle: Bundle) -> None:
    plan = made(store, bundle, "a")
    first = recorded(store, plan)
    before = parts("claim_draws")
    assert recorded(store, plan) == first
    assert parts("claim_draws") == before
    assert head(home() / "ledger.db").size == 1


def test_a_later_plan_supersedes_and_only_its_draw_is_counted(
    place: Path, store: Store, bundle: Bundle
) -> None:
    first = made(store, bundle, "a")
    second = made(store, bundle, "b")
    earlier = recorded(store, first)
    recorded(store, second)
    assert parts("claim_plans") == [f"fraudulent_claim.{second.number}.parquet"]
    assert parts("claim_draws") == [f"fraudulent_claim.{second.plan.draw.number}.parquet"]
    plans = plans_of_week(home() / "ledger.db", lottery_of_plan("hand", second))
    assert [each.act.content["supersedes"] for each in plans] == [None, earlier]
    # nothing is lost: the rows of the first lie aside
    assert len(parts("superseded/claim_plans")) == len(parts("superseded/claim_draws")) == 1


def test_a_superseded_plan_cannot_come_back(store: Store, bundle: Bundle) -> None:
    for seed in ("a", "b"):
        recorded(store, made(store, bundle, seed))
    with pytest.raises(PolicyError, match=r"was superseded by record '1-.*--preview"):
        recorded(store, made(store, bundle, "a"))


def test_a_plan_on_which_an_outcome_rests_stands(store: Store, bundle: Bundle) -> None:
    plan = made(store, bundle, "a")
    recorded(store, plan)
    row = {
        "plan": [plan.number],
        "enterprise": ["e1"],
        "overridden_on": [MONDAY],
        "reason": ["workload"],
        "decision": ["override"],
        "recorded_on": [MONDAY],
    }
    write_journal_part(home() / "journal" / "hand", "overrides", "one", row)
    with pytest.raises(
        PolicyError, match=f"has plan {plan.number}, and a decision on a line rests on it"
    ):
        recorded(store, made(store, bundle, "b"))


def test_a_draw_on_which_an_outcome_rests_stands(store: Store, bundle: Bundle) -> None:
    plan = made(store, bundle, "a")
    recorded(store, plan)
    other = made(store, bundle, "b")
    draw = plan.plan.draw.number
    row = {
        "outcome": ["1-0123456789"],
        "claim": ["k1"],
        "chosen": ["lottery"],
        "closed_on": [MONDAY],
        "verdict": ["clean"],
        "draw": [draw],
        "recorded_on": [MONDAY],
    }
    write_journal_part(home() / "journal" / "hand", "review_outcomes", "one", row)
    with pytest.raises(PolicyError, match=f"has draw {draw}, and an outcome rests on it"):
        recorded(store, other)
    assert recorded(store, plan)


def test_a_plan_of_a_week_that_has_begun_stands(place: Path, store: Store, bundle: Bundle) -> None:
    recorded(store, made(store, bundle, "a"))
    declared = place / "source.toml"
    declared.write_text(declared.read_text("utf-8").replace("2015-06-28", "2015-06-30"), "utf-8")
    later = open_store(place)
    with pytest.raises(PolicyError, match="its week has begun: that plan stands"):
        recorded(later, made(later, bundle, "b"))


def test_what_a_stop_left_undone_the_same_plan_does(store: Store, bundle: Bundle) -> None:
    first, second = made(store, bundle, "a"), made(store, bundle, "b")
    recorded(store, first)
    recorded(store, second)
    journal = home() / "journal" / "hand"
    # as if the second had been stopped after the ledger: the first's rows still in place, its own missing
    for table in ("claim_plans", "claim_draws"):
        [own] = files_below(journal / table)
        own.unlink()
        [aside] = files_below(journal / "superseded" / table)
        aside.replace(journal / table / aside.name)
    recorded(store, second)
    assert parts("claim_plans") == [f"fraudulent_claim.{second.number}.parquet"]


def test_a_recorded_plan_is_made_again_to_the_same_lists(store: Store, bundle: Bundle) -> None:
    halt = Halt("1-a", "2015-06-01", "停", "halt")
    for plan in (made(store, bundle, "a"), made(store, bundle, "a", halt)):
        found = plan_record(home(), recorded(store, plan))
        assert found is not None
        stored, act = found
        shown = plan_replay_as_json(stored, act, replay_plan(home(), act))
        assert shown["identical"]
        assert {one["field"] for one in shown["fields"]} == {
            "plan",
            "rules",
            "draw",
            "lists",
            "journal",
        }
        assert "identical" in plan_replay_lines(shown)[0]


def test_a_list_that_was_changed_is_told_by_its_team(store: Store, bundle: Bundle) -> None:
    found = plan_record(home(), recorded(store, made(store, bundle, "a")))
    assert found is not None
    _, act = found
    lists = json.loads(json.dumps(act.content["lists"]))
    lists["t1"].pop()
    act.content["lists"].update(lists)  # type: ignore[attr-defined]
    replay = replay_plan(home(), act)
    different = [check for check in replay.checks if check.state != "identical"]
    assert [(check.field, check.en) for check in different] == [("lists", "lists differ: t1")]


@pytest.mark.parametrize(("before", "after"), [(None, 400), (400, None), (400, 800)])
def test_an_end_that_a_rule_set_gets_after_a_plan_changes_nothing_of_its_replay(
    store: Store,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    before: int | None,
    after: int | None,
) -> None:
    """A later rule set ends the one before: that is the usual way to change rules, and old plans must still replay."""
    rules = review_week.review_rules_on("claim", MONDAY)
    in_force = [
        rules.model_copy(update={"last_day": None if days is None else date_of(MONDAY + days)})
        for days in (before, after)
    ]
    monkeypatch.setattr(review_week, "review_rules_on", lambda *_: in_force[0])
    found = plan_record(home(), recorded(store, made(store, bundle, "a")))
    monkeypatch.setattr(review_week, "review_rules_on", lambda *_: in_force[1])
    assert found is not None
    states = {check.field: check.state for check in replay_plan(home(), found[1]).checks}
    assert set(states.values()) == {"identical"}


def test_a_plan_of_an_earlier_version_replays_after_its_open_rule_set_was_ended(
    store: Store, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = plan_record(home(), recorded(store, made(store, bundle, "a")))
    assert found is not None
    _, act = found
    del act.content["rule_last_day"]  # type: ignore[attr-defined]
    rules = review_week.review_rules_on("claim", MONDAY)
    ended = rules.model_copy(update={"last_day": date_of(MONDAY + 400)})
    monkeypatch.setattr(review_week, "review_rules_on", lambda *_: ended)
    assert replay_plan(home(), act).identical


def test_another_value_of_the_rules_is_still_told(
    store: Store, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = plan_record(home(), recorded(store, made(store, bundle, "a")))
    assert found is not None
    rules = review_week.review_rules_on("claim", MONDAY)
    lottery = rules.lottery.model_copy(update={"percent": rules.lottery.percent + 1})
    others = rules.model_copy(update={"lottery": lottery, "last_day": date_of(MONDAY + 400)})
    monkeypatch.setattr(review_week, "review_rules_on", lambda *_: others)
    states = {check.field: check.state for check in replay_plan(home(), found[1]).checks}
    assert states["rules"] == states["plan"] == "different"


@pytest.mark.parametrize(
    ("table", "column", "other"),
    [
        ("claim_draws", "inclusion_probability", 0.5),
        ("claim_draws", "drawn", 1),
        ("claim_plans", "planned_minutes", 1),
        ("claim_plans", "why", "lottery"),
    ],
)
def test_a_row_of_the_journal_that_was_changed_is_told_by_its_table(
    store: Store, bundle: Bundle, table: str, column: str, other: object
) -> None:
    """Estimates weigh outcomes by the chances of the journal: a replay that passed them over would prove nothing of them."""
    found = plan_record(home(), recorded(store, made(store, bundle, "a")))
    assert found is not None
    [part] = files_below(home() / "journal" / "hand" / table)
    rows = read_table(part)
    assert replay_plan(home(), found[1]).identical
    changed = pa.array([other] * len(rows), rows.schema.field(column).type)
    assert changed != rows[column].combine_chunks()
    place = rows.column_names.index(column)
    pq.write_table(rows.set_column(place, rows.schema.field(column), changed), part)
    replay = replay_plan(home(), found[1])
    different = [(check.field, check.en) for check in replay.checks if check.state == "different"]
    assert different == [("journal", f"rows of the journal differ: {table}")]


def test_rows_of_the_journal_that_are_away_are_not_called_identical(
    store: Store, bundle: Bundle
) -> None:
    first = plan_record(home(), recorded(store, made(store, bundle, "a")))
    second = plan_record(home(), recorded(store, made(store, bundle, "b")))
    assert first is not None and second is not None
    [of_first, of_second] = [replay_plan(home(), act).checks[-1] for _, act in (first, second)]
    assert (of_first.field, of_first.state) == ("journal", "not_rebuilt")
    assert "superseded" in of_first.en
    assert of_second.state == "identical"
    [draw] = files_below(home() / "journal" / "hand" / "claim_draws")
    draw.unlink()
    assert replay_plan(home(), second[1]).checks[-1].state == "different"


def test_a_plan_whose_history_is_gone_says_so(store: Store, bundle: Bundle) -> None:
    found = plan_record(home(), recorded(store, made(store, bundle, "a")))
    assert found is not None
    (store.folder / "store.json").unlink()
    with pytest.raises(LedgerError, match="no longer at hand"):
        replay_plan(home(), found[1])
