"""The loop by command: each act is one line with its record, a refusal is one line too, and files are read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from features.home import home
from serving.ledger.read import head
from tests.loop_town import begin, outcome
from tests.said import Say

ON = ("--on", "2015-07-10")
HEAD = "inspection,enterprise,plan,opened,closed_on,examined_1,found_1,workers_1,workers_total\n"
LINE = "i1,e1,P,2015-07-07,2015-07-09,1,1,98,265\n"


def file_of(content: Any, place: Path, name: str = "outcome.json") -> Path:
    """Write a file of outcomes, as JSON unless it is text."""
    path = place / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_outcomes_of_a_file_are_recorded_and_again_are_the_same(
    loaded_town: Path, tmp_path: Path, say: Say
) -> None:
    source = begin(loaded_town)
    sent = outcome().model_dump(mode="json")
    other = sent | {"inspection": "i4", "enterprise": "e4"}
    file = file_of([sent, other], tmp_path)
    first = say("outcome", source, "--file", file, *ON, "--json").json["acts"]
    again = say("outcome", source, "--file", file, *ON, "--json").json["acts"]
    assert [act["record_id"] for act in again] == [act["record_id"] for act in first]
    assert [act["first"] for act in first + again] == [True, True, False, False]


def test_csv_says_what_json_says(loaded_town: Path, tmp_path: Path, say: Say) -> None:
    source = begin(loaded_town)
    found = [{"violation": 1, "workers": 98}]
    sent = outcome(examined=[1], found=found, workers_total=265).model_dump(mode="json")
    for file in (file_of(sent, tmp_path), file_of(HEAD + LINE, tmp_path, "outcome.csv")):
        assert say("outcome", source, "--file", file, *ON).code == 0
    assert head(home() / "ledger.db").size == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", "{", "should be JSON"),
        ("a.json", [], "1 to 10,000"),
        ("a.json", {"inspection": "i1"}, "Field required"),
        ("a.csv", HEAD + LINE + LINE, "stands twice"),
        ("a.csv", HEAD.replace("workers_total", "salary") + LINE, "'salary' is none"),
        ("a.csv", HEAD + LINE.replace("98", "9.8"), "whole number"),
        ("a.csv", HEAD + LINE.replace("\n", ",7\n"), "more cells"),
        ("a.csv", HEAD + LINE.replace("1,1,98", "0,1,98"), "among what was examined|at least 1"),
        ("a.csv", HEAD + LINE.replace("2015-07-07", "7 July"), "opened"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_in_one_line(
    loaded_town: Path, tmp_path: Path, say: Say, name: str, content: Any, says: str
) -> None:
    source = begin(loaded_town)
    line = say("outcome", source, "--file", file_of(content, tmp_path, name), *ON).line
    assert line.startswith("error: request_invalid: ")
    assert any(part in line for part in says.split("|")), line


def test_decisions_and_appeals_are_acts_of_the_ledger(loaded_town: Path, say: Say) -> None:
    source = begin(loaded_town)
    line = ("--plan", "P", "--enterprise", "e1")
    decision = (*line, "--decision", "override", "--reason", "workload")
    assert say("override", source, *decision, *ON, "--team", "t1").code == 0
    appeal = ("--appeal", "a1", "--enterprise", "e1", "--table", "findings", "--row", "findings-1")
    said = say("appeal", source, *appeal, "--lodged", "2015-07-08", *ON, "--json").json
    assert said["first"] and said["others_on_row"] == {}
    groups = say("overrides", source, "--as-of", "2015-06-30", "--target", "undeclared", "--json")
    assert [group["lines"] for group in groups.json["groups"]] == [0, 0, 0]
    assert head(home() / "ledger.db").size == 2


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--on", "2015-06-30"), "act_refused"),
        (("--team", "t2"), "team_refused"),
        (("--by", "a:b"), "request_invalid"),
        (("--key", "a b"), "request_invalid"),
        (("--reason", "because"), "request_invalid"),
        (("--plan", "Q"), "act_refused"),
    ],
)
def test_a_decision_that_does_not_fit_is_refused_in_one_line(
    loaded_town: Path, say: Say, more: tuple[str, ...], code: str
) -> None:
    source = begin(loaded_town)
    line = ("--plan", "P", "--enterprise", "e1", "--decision", "override", "--reason", "workload")
    said = say("override", source, *line, *ON, *more).line
    assert said.startswith(f"error: {code}: ")
