"""A sample of all recorded scores replays: drawn with a seed, to the bit, by two engines, rows of batches too."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.engine.matrices import matrix as matrix_of_day
from features.ingest.scan import files_in
from models.bundle.score import score
from models.bundle.second_engine import LINKS
from serving.ledger.ledger import Ledger
from serving.ledger.record import Record, entry_of
from serving.replay.sample import replay_sample, sample_as_json
from serving.scoring.batch import write_batch_rows
from tests.recorded import LAST, Home, erased, home_of, record_of, recorded
from tests.said import Say


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in which three units were scored and recorded five times; $LSSI_HOME of the test too."""
    made = home_of(tmp_path_factory)
    monkeypatch.setenv("LSSI_HOME", str(made.path))
    return made


def with_batch(home: Home) -> tuple[str, int]:
    """Record a batch of the day; return its number and how many rows it has."""
    matrix = matrix_of_day(home.store, "enterprise", LAST)
    rows = write_batch_rows(home.path / "batches", matrix, score(home.bundle, matrix))
    record = replace(home.record, kind="batch", cases=(), rows=rows, answer={"coverage": 0.9})
    return recorded(home.path, record), rows.count


def nudged(home: Home) -> Record:
    """Return the record with a score whose last bit is another."""
    case = home.record.cases[0]
    other = replace(case, probability=float(np.nextafter(case.probability, 1)))
    return replace(home.record, cases=(other, *home.record.cases[1:]))


def test_a_sample_draws_scores_and_rows_alike_and_all_replay_to_the_bit(home: Home) -> None:
    batch, rows = with_batch(home)
    sample = sample_as_json(replay_sample(home.path, 12, seed=4))
    assert (sample["population"], sample["drawn"]) == (5 + rows, 12)
    assert sample["agreement"] == {"bits": 12, "close": 0, "different": 0}
    assert sample["engines_agree"] and sample["not_replayable"] == []
    drawn = [one.drawn for one in replay_sample(home.path, 12, seed=4).drawn]
    assert drawn == [one.drawn for one in replay_sample(home.path, 12, seed=4).drawn]
    assert drawn != [one.drawn for one in replay_sample(home.path, 12, seed=5).drawn]
    assert {one.row is None for one in drawn} == {True, False}
    assert {one.record_id for one in drawn if one.row is not None} == {batch}


def test_a_sample_larger_than_all_is_all(home: Home) -> None:
    assert sample_as_json(replay_sample(home.path, 1_000, seed=1))["drawn"] == 5


def test_a_score_of_another_bit_is_found_and_agreed_only_of_another_processor(
    home: Home, say: Say
) -> None:
    record_id = recorded(home.path, nudged(home))
    words = ("replay", "--sample", 99, "--seed", 1)
    found = say(*words, "--json")
    assert found.code == 1 and found.json["agreement"] == {"bits": 5, "close": 1, "different": 0}
    [apart] = found.json["differences"]
    assert (apart["record_id"], apart["fields"]) == (record_id, ["probability"])
    assert say(*words, "--elsewhere").code == 0
    one = say("replay", record_id, "--json")
    assert (one.code, one.json["agreement"]) == (1, "close") and one.json["processor"]
    assert say("replay", record_id, "--elsewhere").code == 0
    assert "NOT to the bit, within 1e-9" in say("replay", record_id).out


def test_a_score_that_is_further_away_is_different_wherever_it_was_made(
    home: Home, say: Say
) -> None:
    case = replace(home.record.cases[0], probability=home.record.cases[0].probability + 1e-8)
    record_id = recorded(home.path, replace(home.record, cases=(case,)))
    answer = say("replay", record_id, "--elsewhere", "--json")
    assert (answer.code, answer.json["agreement"]) == (1, "different")


def test_a_sample_in_which_nothing_was_compared_proves_nothing(home: Home, say: Say) -> None:
    """All expired, or all models gone: "both engines agree" and exit code 0 would be said of nothing at all."""
    words = ("replay", "--sample", 99, "--seed", 1)
    shutil.rmtree(home.path / "bundles")
    no_model = say(*words, "--json")
    assert (no_model.code, no_model.json["engines_agree"]) == (2, None)
    assert len(no_model.json["not_replayable"]) == 5
    assert erased(home.path / "ledger.db", LAST + 2_000) >= 5
    answer = say(*words, "--json")
    assert (answer.code, answer.json["engines_agree"]) == (2, None)
    assert (answer.json["population"], answer.json["drawn"], answer.json["expired"]) == (0, 0, 5)
    text = say(*words).out
    assert "NOT ONE score was compared" in text and "expired" in text and ": 5\n" in text
    assert "engines agree" not in text


def test_engines_that_differ_are_an_alarm_with_a_code_of_its_own(
    home: Home, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(margin: float) -> float:
        return sigmoid(margin) * (1 + 1e-15)

    sigmoid = LINKS["cross_entropy"]
    monkeypatch.setitem(LINKS, "cross_entropy", off)
    one = say("replay", home.record_id, "--json")
    assert one.code == 3 and not one.json["engines_agree"]
    states = {field["field"]: field["state"] for field in one.json["units"][0]["fields"]}
    assert (states["second_engine"], states["expected"]) == ("different", "identical")
    all_of_them = say("replay", "--sample", 99, "--seed", 1)
    assert all_of_them.code == 3 and "ALARM" in all_of_them.out


def test_rows_that_are_not_those_of_the_batch_and_a_lost_model_are_told(
    home: Home, say: Say
) -> None:
    with_batch(home)
    [rows] = files_in(home.path / "batches", "*.parquet")
    rows.write_bytes(rows.read_bytes()[:-1])
    recorded(home.path, replace(home.record, bundle="00" * 32))
    answer = say("replay", "--sample", 999, "--seed", 1, "--json")
    assert answer.code == 2 and answer.json["agreement"]["bits"] == 5
    reasons = {one["why"].partition(";")[0] for one in answer.json["not_replayable"]}
    assert any("were changed" in why for why in reasons)
    assert any("is gone" in why for why in reasons)


@pytest.mark.parametrize(
    "words",
    [[], ["--sample", "3"], ["--seed", "3"], ["3-0123456789", "--sample", "3", "--seed", "1"]],
)
def test_a_replay_says_what_it_needs(home: Home, say: Say, words: list[str]) -> None:
    assert "request_invalid" in say("replay", *words).line


@pytest.mark.slow
def test_ten_thousand_recorded_scores_replay_to_the_bit_without_their_history(home: Home) -> None:
    [(target, ranks)] = home.scorer.ranks.items()
    keys = [str(key) for key in ranks.keys]
    scored = [
        record_of(home.scorer, home.scorer.by_id(target, "enterprise", [key])) for key in keys
    ]
    with Ledger(home.path / "ledger.db") as ledger:
        appended = [
            ledger.append(entry_of(scored[place % len(scored)], LAST + 1_096))
            for place in range(10_000)
        ]
        assert appended[-1].result(60).sequence == 10_004
    with_batch(home)
    # a history of before is often gone: what was scored from is in the record itself
    shutil.rmtree(Path(home.path / "stores"))
    sample = sample_as_json(replay_sample(home.path, 10_010, seed=7))
    assert sample["drawn"] == sample["agreement"]["bits"] == 10_010
    assert sample["engines_agree"] and not sample["not_replayable"]
    assert math.isclose(sample["population"], 10_005 + len(keys), abs_tol=0)
