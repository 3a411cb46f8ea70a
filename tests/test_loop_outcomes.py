"""Outcomes that come back: each visit teaches once, with its chance, from the day it was posted; what does not fit is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.calendar import date_of, day_of
from features.errors import LssiError
from features.home import home
from features.ingest.scan import files_below
from features.store.opening import open_store
from features.store.store import Store
from serving.errors import ActRefused, RetryConflict, TeamRefused
from serving.ledger.act import act_of
from serving.ledger.read import find, head
from serving.loop import act_once
from serving.loop.decided_lines import decided_groups
from serving.proof.audit import verify
from tests.loop_town import (
    CHANCE,
    MONDAY,
    POSTED,
    TARGET,
    begin,
    issue_alert,
    outcome,
    posted,
    town_tables,
    visit,
)
from training.data.labels import visits


def labels(store: Store, by: int) -> dict[str, tuple[float, float, float]]:
    """Return label, count and inclusion probability of each visit, by its number."""
    seen = visits(store, store.source.target["undeclared"], by)
    texts = store.texts("inspection")
    return {
        texts[place]: (label, count, chance)
        for place, label, count, chance in zip(
            *(column.tolist() for column in (seen.ids, seen.label, seen.count, seen.inclusion)),
            strict=True,
        )
    }


def test_an_outcome_is_a_label_from_the_day_it_was_posted(loaded_town: Path) -> None:
    place = begin(loaded_town)
    posted(place, outcome())
    store = open_store(place)
    assert labels(store, POSTED - 1).keys() == {"old"}
    label, count, chance = labels(store, POSTED)["i1"]
    assert (label, count) == (1, 3) and np.isnan(chance)


def test_a_drawn_visit_keeps_its_chance_whatever_listed_it(loaded_town: Path) -> None:
    place = begin(loaded_town)
    posted(place, outcome(inspection="i3", enterprise="e3", found=[]), "a")
    posted(place, outcome(inspection="i4", enterprise="e4", found=[]), "b")
    known = labels(open_store(place), POSTED)
    assert known["i3"] == known["i4"] == (0, 0, CHANCE)


def test_a_visit_that_did_not_examine_the_violation_has_no_label(loaded_town: Path) -> None:
    place = begin(loaded_town)
    posted(place, outcome(examined=[2], found=[]))
    assert np.isnan(labels(open_store(place), POSTED)["i1"][0])


def test_a_correction_changes_the_label_from_its_own_day_on(loaded_town: Path) -> None:
    place = begin(loaded_town)
    first = posted(place, outcome(), "first")
    corrected = outcome(found=[], supersedes=first)
    posted(place, corrected, "second", day=POSTED + 4)
    store = open_store(place)
    assert labels(store, POSTED + 3)["i1"][0] == 1
    assert labels(store, POSTED + 4)["i1"][0] == 0


def test_a_correction_of_the_same_day_is_the_one_that_holds(loaded_town: Path) -> None:
    place = begin(loaded_town)
    record = posted(place, outcome(), "0")
    for number in range(1, 4):
        workers = [{"violation": 1, "workers": number}] if number < 3 else []
        record = posted(place, outcome(found=workers, supersedes=record), str(number))
    assert labels(open_store(place), POSTED)["i1"][:2] == (0, 0)


def test_the_sources_own_rows_of_the_visit_stand_alone_from_their_day_on(
    loaded_town: Path, write_source: Callable[..., Path]
) -> None:
    posted(begin(loaded_town), outcome())
    tables = town_tables()
    own = visit("i1", "e1", opened="2015-07-07", closed="2015-07-20")
    place = write_source({**tables, "inspections": [*tables["inspections"], own]}, TARGET)
    declared = place / "source.toml"
    text = declared.read_text("utf-8")
    declared.write_text(text.replace("2015-06-30", "2015-07-31"), "utf-8")
    store = open_store(place)
    own_day = day_of("2015-07-20")
    assert labels(store, own_day - 1)["i1"][0] == 1
    assert labels(store, own_day)["i1"][0] == 0
    assert len(store.live("inspections", own_day)["row_id"]) == 2


def test_the_same_again_gives_the_first_record_and_one_effect(loaded_town: Path) -> None:
    place = begin(loaded_town)
    first = posted(place, outcome())
    before = rows_of_journal()
    assert posted(place, outcome()) == first
    assert posted(place, outcome(), day=POSTED + 1) == first
    assert rows_of_journal() == before and head(home() / "ledger.db").size == 1


def rows_of_journal() -> list[str]:
    """Return the files of posted outcomes."""
    return [path.name for path in files_below(home() / "journal" / "hand" / "outcomes")]


def test_another_content_under_the_same_key_is_refused(loaded_town: Path) -> None:
    place = begin(loaded_town)
    posted(place, outcome())
    with pytest.raises(RetryConflict):
        posted(place, outcome(found=[]))
    assert len(rows_of_journal()) == 1


def test_a_stop_between_ledger_and_journal_is_completed_by_the_same_act_again(
    loaded_town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = begin(loaded_town)
    with monkeypatch.context() as patch:
        patch.setattr(act_once, "write_journal_part", stopped)
        with pytest.raises(KeyboardInterrupt):
            posted(place, outcome())
    assert rows_of_journal() == [] and head(home() / "ledger.db").size == 1
    record = posted(place, outcome(), day=POSTED + 3)
    assert head(home() / "ledger.db").size == 1 and len(rows_of_journal()) == 1
    # the day is that of the first time, when the ledger knew it
    assert labels(open_store(place), POSTED)["i1"][0] == 1
    assert find(home() / "ledger.db", record).entry["as_of"] == POSTED


def stopped(*_: Any) -> None:
    """End a run as Ctrl-C does."""
    raise KeyboardInterrupt


def test_the_ledger_says_who_did_what_and_names_nobody_in_its_leaves(loaded_town: Path) -> None:
    place = begin(loaded_town)
    stored = find(home() / "ledger.db", posted(place, outcome()))
    act = act_of(stored.payload or b"")
    assert (act.what, act.who, act.content["inspection"]) == ("outcome", "inspector", "i1")
    # as a word: digests have any letters
    assert not re.search(r"\be1\b", str(stored.entry))
    assert verify(home() / "ledger.db", POSTED).whole


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"plan": "Q"}, "does not list"),
        ({"enterprise": "e2"}, "does not list"),
        ({"plan": None, "draw": "D"}, "did not take"),
        ({"plan": None, "alert": "A"}, "not of this enterprise"),
        ({"alert": "A"}, "not of this enterprise"),
        ({"draw": "D"}, "did not take"),
        ({"plan": "Q", "draw": "D", "enterprise": "e3"}, "does not list"),
        ({"inspection": "old"}, "source itself holds"),
        ({"supersedes": "9-0123456789"}, "without supersedes"),
        ({"opened": "2015-07-01"}, "opened from the day it was ordered"),
        ({"closed_on": "2015-07-11"}, "no earlier than closed"),
        ({"closed_on": "2015-07-06"}, "closed no earlier"),
    ],
)
def test_an_outcome_that_fits_nothing_is_refused_and_leaves_nothing(
    loaded_town: Path, more: dict[str, Any], says: str
) -> None:
    place = begin(loaded_town)
    with pytest.raises(ActRefused, match=says):
        posted(place, outcome(**more))
    assert rows_of_journal() == [] and head(home() / "ledger.db").size == 0


def test_a_second_outcome_of_a_visit_needs_to_say_what_it_supersedes(loaded_town: Path) -> None:
    place = begin(loaded_town)
    first = posted(place, outcome(), "a")
    for number, more in enumerate(({}, {"supersedes": "7-0123456789"}, {"inspection": "i9"})):
        with pytest.raises(ActRefused):
            posted(place, outcome(**more), f"b{number}")
    posted(place, outcome(supersedes=first), "c")
    with pytest.raises(ActRefused, match="record"):
        posted(place, outcome(supersedes=first, found=[]), "d")


@pytest.mark.parametrize("names", [("plan", "draw"), ("draw", "plan")])
def test_a_drawn_visit_has_one_outcome_whether_its_plan_or_its_draw_is_named(
    loaded_town: Path, names: tuple[str, str]
) -> None:
    place = begin(loaded_town)
    number = {"plan": "P", "draw": "D"}
    first, second = ({"plan": None, name: number[name]} for name in names)
    record = posted(place, outcome(inspection="i3", enterprise="e3", found=[], **first), "a")
    with pytest.raises(ActRefused, match="has its outcome under inspection 'i3'"):
        posted(place, outcome(inspection="i9", enterprise="e3", **second), "b")
    corrected = outcome(inspection="i3", enterprise="e3", supersedes=record, **first)
    posted(place, corrected, "c")
    assert labels(open_store(place), POSTED).keys() == {"old", "i3"}


NAMED = ({"plan": "P", "alert": "A"}, {"plan": "P", "alert": None}, {"plan": None, "alert": "A"})
"""What an outcome of the visit to e1 may name as its order."""


@pytest.mark.parametrize(("first", "second"), list(permutations(NAMED, 2)))
def test_a_visit_that_a_plan_and_an_alert_ordered_has_one_outcome_whichever_is_named(
    loaded_town: Path, first: dict[str, str | None], second: dict[str, str | None]
) -> None:
    place = begin(loaded_town)
    issue_alert()
    posted(place, outcome(**first), "a")
    another = outcome(inspection="i9", **second)
    if any(number and second[order] == number for order, number in first.items()):
        with pytest.raises(ActRefused, match="has its outcome under inspection 'i1'"):
            posted(place, another, "b")
    else:
        # nothing says that the two are one visit
        posted(place, another, "b")


def test_no_team_supersedes_the_outcome_of_another_visit_or_learns_its_record(
    loaded_town: Path,
) -> None:
    place = begin(loaded_town)
    record = posted(place, outcome(), "a", team="t1")
    for supersedes in (None, record):
        other = outcome(enterprise="e4", found=[], supersedes=supersedes)
        with pytest.raises(ActRefused, match="another visit has its outcome") as refusal:
            posted(place, other, f"b{supersedes}", team="t2")
        assert record not in str(refusal.value)
    assert labels(open_store(place), POSTED)["i1"][0] == 1


def test_the_team_of_another_cell_is_refused(loaded_town: Path) -> None:
    place = begin(loaded_town)
    for team in ("t2", "t9"):
        with pytest.raises(TeamRefused):
            posted(place, outcome(), team=team)
    assert posted(place, outcome(), team="t1")


def test_a_refusal_repeats_no_value_that_names_somebody(loaded_town: Path) -> None:
    place = begin(loaded_town)
    secret = "370200SECRET"
    for more in ({"enterprise": secret}, {"plan": secret}, {"plan": None, "alert": secret}):
        with pytest.raises(LssiError) as refusal:
            posted(place, outcome(**more))
        assert "SECRET" not in str(refusal.value)


def test_a_journal_of_an_earlier_version_is_read(loaded_town: Path) -> None:
    """A decision that says nothing of its kind is an override: before, there was nothing else."""
    place = begin(loaded_town)
    folder = home() / "journal" / "hand" / "overrides"
    folder.mkdir(parents=True)
    old = {
        "plan": ["P"],
        "enterprise": ["e1"],
        "overridden_on": [date_of(MONDAY)],
        "reason": ["workload"],
        "row_id": ["old-0"],
        "recorded_on": [date_of(MONDAY)],
        "retracted": pa.array([0], pa.int8()),
    }
    pq.write_table(pa.table(old), folder / "old.parquet")
    groups = {
        one.group: one.lines for one in decided_groups(open_store(place), "undeclared", POSTED)
    }
    assert groups == {"overridden": 1, "accepted": 0, "undecided": 2}
