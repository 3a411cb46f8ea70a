"""Decisions on a list, acknowledgements and appeals: each is of something that is there, by whose it is, and counts once."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from features.calendar import day_of
from features.errors import LssiError
from features.home import home
from features.ingest.scan import files_below
from features.store.journal import write_journal_part
from features.store.opening import open_store
from features.store.store import Store
from serving.errors import ActRefused, TeamRefused
from serving.ledger.read import head
from serving.loop.appeals import appealed_row, lodge_appeal, others_on_row
from serving.loop.decided_lines import FEWEST, decided_groups, exact_interval
from serving.loop.decisions import acknowledge_alert, decide_line
from serving.requests import AcknowledgedAlert, DecidedLine, LodgedAppeal
from tests.loop_town import (
    MONDAY,
    POSTED,
    TARGET,
    begin,
    doer,
    issue_alert,
    loop_of,
    outcome,
    posted,
    town_tables,
    visit,
)


def decided(place: Path, key: str = "d1", *, team: str | None = None, **more: Any) -> str:
    """Decide the line of e1 and return the number of the record."""
    usual = {"plan": "P", "enterprise": "e1", "decision": "override", "reason": "workload"}
    with loop_of(place) as loop:
        asked = DecidedLine.model_validate(usual | more)
        return decide_line(loop, asked, doer(key, team=team)).record_id


def lines_of_groups(place: Path) -> dict[str, int]:
    """Return how many lines of the plan were decided in each way."""
    groups = decided_groups(open_store(place), "undeclared", POSTED)
    return {group.group: group.lines for group in groups}


def test_the_last_decision_on_a_line_counts_and_all_are_in_the_ledger(loaded_town: Path) -> None:
    place = begin(loaded_town)
    decided(place, "a")
    decided(place, "b", enterprise="e4", decision="accept", reason="agrees")
    assert lines_of_groups(place) == {"overridden": 1, "accepted": 1, "undecided": 1}
    decided(place, "c", decision="accept", reason="agrees")
    assert lines_of_groups(place) == {"overridden": 0, "accepted": 2, "undecided": 1}
    assert head(home() / "ledger.db").size == 3


def test_a_unit_that_is_not_on_the_list_cannot_be_overridden(loaded_town: Path) -> None:
    place = begin(loaded_town)
    for more in ({"enterprise": "e2"}, {"plan": "Q"}):
        with pytest.raises(ActRefused, match="does not list"):
            decided(place, **more)
    with pytest.raises(TeamRefused):
        decided(place, team="t2")
    assert head(home() / "ledger.db").size == 0


def test_a_decision_without_a_declared_reason_is_none() -> None:
    for more in ({}, {"reason": ""}, {"reason": "because"}):
        with pytest.raises(ValueError, match="reason"):
            DecidedLine.model_validate(
                {"plan": "P", "enterprise": "e1", "decision": "accept", **more}
            )


def test_what_visits_found_is_told_of_each_group_only_where_there_are_enough(
    loaded_town: Path,
) -> None:
    place = begin(loaded_town)
    decided(place)
    posted(place, outcome(inspection="i3", enterprise="e3"), "o")
    groups = {one.group: one for one in decided_groups(open_store(place), "undeclared", POSTED)}
    assert (groups["undecided"].visited, groups["undecided"].found) == (1, 1)
    assert all(group.rate is None for group in groups.values())


def test_a_group_with_enough_visits_has_a_rate_inside_its_interval(write_source: Any) -> None:
    names = [f"f{number:02d}" for number in range(FEWEST)]
    visits = [visit(f"v{name}", name, opened="2015-05-05", closed="2015-05-09") for name in names]
    found = [
        {"inspection": f"v{name}", "violation": 1, "recorded_on": "2015-05-09"}
        for name in names[:10]
    ]
    firms = [{"enterprise": name, "since": "2010-01-01"} for name in names]
    place = write_source({"enterprises": firms, "inspections": visits, "findings": found}, TARGET)
    write_journal_part(
        home() / "journal" / "hand",
        "plans",
        "undeclared.P",
        {
            "plan": ["P"] * FEWEST,
            "enterprise": names,
            "cell": [None] * FEWEST,
            "week": [MONDAY - 70] * FEWEST,
            "position": list(range(FEWEST)),
            "planned_minutes": [240] * FEWEST,
            "why": ["score"] * FEWEST,
            "recorded_on": [MONDAY - 70] * FEWEST,
        },
    )
    undecided = decided_groups(open_store(place), "undeclared", POSTED)[-1]
    assert undecided.rate == 10 / FEWEST
    assert (undecided.lower, undecided.upper) == exact_interval(10, FEWEST)
    assert undecided.lower is not None and undecided.upper is not None
    assert undecided.lower < undecided.rate < undecided.upper


def acknowledged(place: Path, alert: str, key: str, team: str | None) -> str:
    with loop_of(place) as loop:
        asked = AcknowledgedAlert(alert=alert)
        return acknowledge_alert(loop, asked, doer(key, team=team)).record_id


def test_an_alert_is_acknowledged_once_and_by_its_own_team_only(loaded_town: Path) -> None:
    place = begin(loaded_town)
    issue_alert()
    for alert, team in (("A", "t2"), ("B", "t1"), ("B", None)):
        with pytest.raises(TeamRefused):
            acknowledged(place, alert, "k", team)
    record = acknowledged(place, "A", "k", "t1")
    assert acknowledged(place, "A", "k", "t1") == record
    with pytest.raises(ActRefused, match="once"):
        acknowledged(place, "A", "other", "t1")


def test_a_visit_by_alert_gives_a_label_of_its_own_kind(loaded_town: Path) -> None:
    place = begin(loaded_town)
    issue_alert()
    posted(place, outcome(plan=None, alert="A"))
    store = open_store(place)
    kinds = store.column("inspections", "kind").choices
    known = store.live("inspections", POSTED, ("kind",))["kind"].tolist()
    assert sorted(kinds[kind] for kind in known) == ["alert", "routine"]


def appeal(**more: Any) -> LodgedAppeal:
    usual = {
        "appeal": "a1",
        "enterprise": "e1",
        "table": "findings",
        "row_id": "findings-1",
        "lodged": "2015-07-07",
    }
    return LodgedAppeal.model_validate(usual | more)


def lodged(place: Path, asked: LodgedAppeal, key: str, *, team: str | None = None) -> str:
    with loop_of(place) as loop:
        return lodge_appeal(loop, asked, doer(key, team=team)).record_id


def test_an_appeal_is_lodged_and_decided_once(loaded_town: Path) -> None:
    place = begin(loaded_town)
    lodged(place, appeal(), "a")
    decision = {"decided_on": "2015-07-09", "upheld": True}
    record = lodged(place, appeal(**decision), "b", team="t1")
    assert lodged(place, appeal(**decision), "b", team="t1") == record
    with pytest.raises(ActRefused, match="decided"):
        lodged(place, appeal(**decision), "c")
    rows = open_store(place).live("appeals", POSTED, ("upheld",))
    assert rows["upheld"].tolist() == [1]


def alive(store: Store, table: str, day: int) -> tuple[int, int]:
    """Return how many rows of a table hold as of a day: as rows, and as the sum of their signs."""
    signed = store.all_rows(table, ("known", "sign"))
    total = int(signed["sign"][signed["known"] <= day].sum())
    return len(store.live(table, day, ("row_id",))["row_id"]), total


@pytest.mark.parametrize("more", [{"enterprise": "e2"}, {"lodged": "2015-07-06"}])
@pytest.mark.parametrize("upheld", [True, False])
def test_an_appeal_is_decided_as_it_was_lodged(
    write_source: Any, more: dict[str, Any], upheld: bool
) -> None:
    dispatch = {"enterprise": "e1", "agency": "e2", "workers": 5, "started": "2014-01-01"}
    place = write_source(town_tables() | {"dispatch": [dispatch]}, TARGET)
    about = {"table": "dispatch", "row_id": "dispatch-1"}
    lodged(place, appeal(**about), "a")
    decision = {"decided_on": "2015-07-09", "upheld": upheld}
    with pytest.raises(ActRefused, match="by another or on another day"):
        lodged(place, appeal(**about | decision | more), "b")
    assert lodged(place, appeal(**about | decision), "c")


def test_an_upheld_appeal_takes_the_row_back_from_the_day_it_became_known(
    loaded_town: Path,
) -> None:
    place = begin(loaded_town)
    lodged(place, appeal(decided_on="2015-07-09", upheld=True), "a")
    store = open_store(place)
    for table in ("findings", "found"):
        assert alive(store, table, POSTED - 1) == (1, 1)
        assert alive(store, table, POSTED) == (0, 0)
    assert alive(store, "inspections", POSTED) == (1, 1)


def test_an_appeal_that_is_open_or_not_upheld_changes_nothing(loaded_town: Path) -> None:
    place = begin(loaded_town)
    lodged(place, appeal(), "a")
    lodged(place, appeal(appeal="a2", decided_on="2015-07-09", upheld=False), "b")
    assert alive(open_store(place), "findings", POSTED) == (1, 1)


def test_a_corrected_row_that_the_source_sends_later_stands_in_the_place_of_the_withdrawn(
    loaded_town: Path, write_source: Any
) -> None:
    lodged(begin(loaded_town), appeal(decided_on="2015-07-09", upheld=True), "a")
    tables = town_tables()
    later = {
        "inspection": "old",
        "violation": 1,
        "workers_in_violation": 1,
        "recorded_on": "2015-07-20",
    }
    place = write_source({**tables, "findings": [*tables["findings"], later]}, TARGET)
    declared = place / "source.toml"
    text = declared.read_text("utf-8")
    declared.write_text(text.replace("2015-06-30", "2015-07-31"), "utf-8")
    store = open_store(place)
    corrected = day_of("2015-07-20")
    for table in ("findings", "found"):
        days = (POSTED - 1, POSTED, corrected - 1, corrected)
        assert [alive(store, table, day) for day in days] == [(1, 1), (0, 0), (0, 0), (1, 1)]
    assert store.live("findings", corrected, ("workers_in_violation",))[
        "workers_in_violation"
    ].tolist() == [1]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"row_id": "findings-99"}, "never held"),
        ({"table": "sanctions"}, "no such table"),
        ({"enterprise": "e2"}, "not of this enterprise"),
        ({"lodged": "2015-07-11"}, "lodged, then decided"),
        ({"decided_on": "2015-07-06", "upheld": False}, "lodged, then decided"),
    ],
)
def test_an_appeal_on_what_never_was_is_refused(
    loaded_town: Path, more: dict[str, Any], says: str
) -> None:
    place = begin(loaded_town)
    with pytest.raises(ActRefused, match=says):
        lodged(place, appeal(**more), "a")
    assert head(home() / "ledger.db").size == 0


def test_who_else_rests_on_an_appealed_row_is_listed(write_source: Any) -> None:
    place = write_source(
        {
            "enterprises": [{"enterprise": name, "since": "2010-01-01"} for name in ("e1", "e2")],
            "dispatch": [
                {"enterprise": "e1", "agency": "e2", "workers": 5, "started": "2014-01-01"}
            ],
            "employment": [{"worker": "w1", "enterprise": "e1", "started": "2014-01-01"}],
            "claims": [
                {
                    "claim": f"c{number}",
                    "worker": f"w{number}",
                    "scheme": "pension",
                    "filed_on": "2014-06-01",
                }
                for number in (1, 2)
            ],
        }
    )
    store = open_store(place)
    row = appealed_row(store, "employment", "employment-1")
    assert others_on_row(store, row, appeal()) == {"claim": ["c1"]}
    hosted = appealed_row(store, "dispatch", "dispatch-1")
    assert others_on_row(store, hosted, appeal()) == {"enterprise": ["e2"]}


MESSAGES = [
    (f"key{key}", inspection, enterprise, workers)
    for key, (inspection, enterprise) in enumerate(
        [("i1", "e1"), ("i3", "e3"), ("i4", "e4"), ("i1", "e1"), ("i9", "e1")]
    )
    for workers in (1, 2)
]
"""Outcomes as they may arrive: two of each key, three visits, and other inspections of one visit."""


class Arriving(RuleBasedStateMachine):
    """Outcomes that arrive several times and in any order, each key and each visit with one effect."""

    place: Path

    def __init__(self) -> None:
        super().__init__()
        self.room = tempfile.mkdtemp()
        self.outside = os.environ["LSSI_HOME"]
        os.environ["LSSI_HOME"] = self.room
        self.town = begin(self.place)
        self.accepted: dict[str, tuple[int, str]] = {}

    @rule(number=st.integers(0, len(MESSAGES) - 1))
    def arrives(self, number: int) -> None:
        key, inspection, enterprise, workers = MESSAGES[number]
        found = [{"violation": 1, "workers": workers}]
        asked = outcome(inspection=inspection, enterprise=enterprise, found=found)
        try:
            record = posted(self.town, asked, key)
        except LssiError:
            assert key not in self.accepted or self.accepted[key][0] != number
            return
        first = self.accepted.setdefault(key, (number, record))
        assert first == (number, record)

    @invariant()
    def each_visit_and_each_key_has_one_effect(self) -> None:
        files = files_below(home() / "journal" / "hand" / "outcomes")
        visits = {MESSAGES[number][2] for number, _ in self.accepted.values()}
        size = head(home() / "ledger.db").size if self.accepted else 0
        assert len(files) == len(self.accepted) == len(visits) == size

    def teardown(self) -> None:
        os.environ["LSSI_HOME"] = self.outside
        shutil.rmtree(self.room)


def test_outcomes_that_arrive_twice_and_out_of_order_have_one_effect(loaded_town: Path) -> None:
    Arriving.place = loaded_town
    few = settings(max_examples=8, stateful_step_count=8, deadline=None)
    run_state_machine_as_test(Arriving, settings=few)
