"""A record replays to the bit, and whatever was changed since is named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from features.engine.matrices import matrix as matrix_of_day
from features.errors import BundleError, LedgerError, RequestError, UnknownId
from models.bundle.interval import Interval
from models.bundle.score import score
from models.explain.reasons import FORM
from serving.ledger.record import Case, Record
from serving.proof.audit import verify
from serving.replay.checks import CaseReplay
from serving.replay.dossier import dossier, replay_as_json, replay_lines
from serving.replay.replay import replay_case
from serving.scoring.batch import write_batch_rows
from tests.recorded import LAST, Home, as_sent, erased, home_of, record_of, recorded


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which three units were scored and recorded."""
    return home_of(tmp_path_factory)


def states(replayed: CaseReplay) -> dict[str, str]:
    return {check.field: check.state for check in replayed.checks}


def changed(home: Home, **fields: object) -> Case:
    return replace(home.record.cases[0], **fields)  # type: ignore[arg-type]


def test_a_recorded_score_replays_to_the_bit_with_its_history(home: Home) -> None:
    found = dossier(home.path, home.record_id)
    replays = found.replays()
    assert len(replays) == 3
    for replayed in replays:
        assert replayed.identical
        assert states(replayed) == dict.fromkeys(
            (
                "raw",
                "probability",
                "expected",
                "interval",
                "expected_words",
                "explainer",
                "base",
                "contributions",
                "reasons",
                "vector",
                "facts",
                "second_engine",
            ),
            "identical",
        ) | {"rank": "not_rebuilt"}
    said = replay_as_json(found, replays)
    assert (
        said["identical"] is True
        and said["record_id"] == home.record_id
        and len(said["units"]) == 3
    )
    assert json.loads(json.dumps(said)) == said
    assert "identical to the bit" in replay_lines(found, replays)[0]


def test_the_reasons_that_are_compared_are_not_empty(home: Home) -> None:
    assert all(case.reasons and case.facts for case in home.record.cases)


def test_without_the_history_the_score_still_replays(home: Home) -> None:
    elsewhere = replace(home.record, store="city-" + "00" * 32)
    (first, *_) = dossier(home.path, recorded(home.path, elsewhere)).replays()
    assert first.identical and states(first)["vector"] == states(first)["facts"] == "not_rebuilt"
    assert states(first)["raw"] == states(first)["reasons"] == "identical"


def test_a_score_that_was_not_the_models_is_found(home: Home) -> None:
    case = changed(home, probability=float(np.nextafter(home.record.cases[0].probability, 1)))
    replayed = replay_case(home.record, case, home.bundle, home.store)
    assert not replayed.identical
    assert [check.field for check in replayed.checks if check.state == "different"] == [
        "probability"
    ]
    assert repr(case.probability) in next(
        check.en for check in replayed.checks if check.field == "probability"
    )


def test_an_interval_or_words_that_were_not_the_models_are_found(home: Home) -> None:
    interval = home.record.cases[0].interval
    assert interval is not None
    wider = Interval(interval.lower, float(np.nextafter(interval.upper, np.inf)), interval.coverage)
    replayed = replay_case(home.record, changed(home, interval=wider), home.bundle, None)
    assert {field for field, state in states(replayed).items() if state == "different"} == {
        "interval"
    }
    words = {"zh": "约十人", "en": "about ten"}
    replayed = replay_case(home.record, changed(home, expected_words=words), home.bundle, None)
    assert states(replayed)["expected_words"] == "different" and not replayed.identical


def test_a_record_of_a_version_without_intervals_replays_and_shows_none(home: Home) -> None:
    earlier = changed(home, interval=None, expected_words=None)
    replayed = replay_case(home.record, earlier, home.bundle, home.store)
    assert replayed.identical
    assert states(replayed)["interval"] == states(replayed)["expected_words"] == "not_rebuilt"


def test_reasons_of_an_earlier_form_are_compared_without_their_words(home: Home) -> None:
    case = home.record.cases[0]
    older = [{**reason, "zh": "旧的措辞", "en": "words of before"} for reason in case.reasons]
    without_checks = [
        {name: value for name, value in reason.items() if not name.startswith("check")}
        for reason in older
    ]
    earlier = changed(home, reasons=without_checks, expected_words={"zh": "约十人", "en": "ten"})
    replayed = replay_case(replace(home.record, reasons_form=1), earlier, home.bundle, home.store)
    assert replayed.identical and states(replayed)["reasons"] == "identical"
    for field in ("reason_words", "expected_words", "facts"):
        assert states(replayed)[field] == "not_rebuilt"
    told = next(check.en for check in replayed.checks if check.field == "reason_words")
    assert f"made by form 1 of reasons; this version makes form {FORM}" in told
    louder = [{**older[0], "contribution": 9.0}, *older[1:]]
    record = replace(home.record, reasons_form=1)
    replayed = replay_case(record, changed(home, reasons=louder), home.bundle, None)
    assert states(replayed)["reasons"] == "different"


def test_a_contribution_that_differs_in_its_last_bit_is_named(home: Home) -> None:
    contributions = home.record.cases[0].contributions.copy()
    contributions[3] = np.nextafter(contributions[3], 1)
    replayed = replay_case(
        home.record, changed(home, contributions=contributions), home.bundle, None
    )
    (check,) = (check for check in replayed.checks if check.state == "different")
    assert check.field == "contributions" and home.record.features[3] in check.en


def test_a_reason_in_other_words_or_of_another_fact_is_found(home: Home) -> None:
    case = home.record.cases[0]
    other = [{**case.reasons[0], "en": "another story"}, *case.reasons[1:]]
    assert (
        states(replay_case(home.record, changed(home, reasons=other), home.bundle, None))["reasons"]
        == "different"
    )
    fact = {**case.reasons[0]["facts"][0], "rows": 10_000}
    other = [{**case.reasons[0], "facts": [fact]}, *case.reasons[1:]]
    assert (
        states(replay_case(home.record, changed(home, reasons=other), home.bundle, None))["reasons"]
        == "different"
    )


def test_a_vector_that_the_history_does_not_give_is_found_though_the_score_follows_it(
    home: Home,
) -> None:
    case, place = (
        home.record.cases[0],
        int(np.flatnonzero(~np.isnan(home.record.cases[0].values))[0]),
    )
    values = case.values.copy()
    values[place] += 1.0
    replayed = replay_case(home.record, changed(home, values=values), home.bundle, home.store)
    vector = next(check for check in replayed.checks if check.field == "vector")
    assert vector.state == "different" and home.record.features[place] in vector.en


def test_a_fact_that_the_history_does_not_give_is_found(home: Home) -> None:
    case = home.record.cases[0]
    name = next(iter(case.facts))
    facts = {**case.facts, name: [{**case.facts[name][0], "row_ids": ["r-invented"]}]}
    assert (
        states(replay_case(home.record, changed(home, facts=facts), home.bundle, home.store))[
            "facts"
        ]
        == "different"
    )


def test_another_explainer_is_told(home: Home) -> None:
    record = replace(home.record, explainer="kernel 0")
    replayed = replay_case(record, home.record.cases[0], home.bundle, None)
    assert states(replayed)["explainer"] == "different" and states(replayed)["raw"] == "identical"


def test_a_history_that_was_sent_replays_from_what_was_sent(home: Home) -> None:
    tables = ("enterprises", "tax_payroll", "enrolments", "findings", "contributions", "complaints")
    rows = {table: as_sent(home.path.parent, table) for table in tables}
    scoring = home.scorer.by_history(
        home.record.target, "enterprise", home.record.cases[0].key, rows
    )
    record = record_of(home.scorer, scoring)
    (replayed,) = dossier(home.path, recorded(home.path, record)).replays()
    assert set(states(replayed).values()) == {"identical", "not_rebuilt"} and replayed.identical
    assert states(replayed)["vector"] == states(replayed)["facts"] == "identical"
    fewer = {table: sent for table, sent in rows.items() if table != "tax_payroll"}
    case = replace(record.cases[0], history=fewer)
    assert states(replay_case(record, case, home.bundle, home.store))["vector"] == "different"


def test_one_unit_of_a_record_replays_alone(home: Home) -> None:
    found = dossier(home.path, home.record_id, home.record.cases[1].key)
    assert [replayed.key for replayed in found.replays()] == [home.record.cases[1].key]
    with pytest.raises(LedgerError, match="holds no enterprise of that number"):
        dossier(home.path, home.record_id, "E999")


def test_a_damaged_or_lost_model_is_one_clear_error(home: Home) -> None:
    folder = home.path / "bundles" / f"{home.record.target}-{home.bundle.digest[:12]}"
    text, model = folder / "model_any.txt", (folder / "model_any.txt").read_bytes()
    try:
        text.write_bytes(model.replace(b"leaf_value", b"leaf_valve", 1))
        with pytest.raises(BundleError, match=r"model_any\.txt"):
            dossier(home.path, home.record_id).replays()
    finally:
        text.write_bytes(model)
    gone = recorded(home.path, replace(home.record, bundle="00" * 32))
    with pytest.raises(BundleError, match="is gone; restore the folder"):
        dossier(home.path, gone).replays()


def test_an_expired_payload_cannot_replay_and_says_since_when(home: Home) -> None:
    record_id = recorded(home.path, home.record, keep_until=LAST)
    assert erased(home.path / "ledger.db", LAST + 1) == 1
    with pytest.raises(LedgerError, match="kept until 2015-06-30 and is erased; its proof remains"):
        dossier(home.path, record_id)


def test_a_plan_is_not_replayed(home: Home) -> None:
    with pytest.raises(RequestError, match="is a plan"):
        dossier(home.path, recorded(home.path, replace(home.record, kind="plan", cases=())))


def batch_of(home: Home) -> tuple[Record, str]:
    matrix = matrix_of_day(home.store, "enterprise", LAST)
    rows = write_batch_rows(home.path / "batches", matrix, score(home.bundle, matrix))
    answer = {"coverage": 0.9}
    record = replace(home.record, kind="batch", cases=(), rows=rows, answer=answer)
    return record, recorded(home.path, record)


def test_a_batch_replays_as_a_whole_and_row_by_row(home: Home) -> None:
    record, record_id = batch_of(home)
    (whole,) = dossier(home.path, record_id).replays()
    assert whole.identical and set(states(whole)) == {
        "raw",
        "probability",
        "expected",
        "lower",
        "upper",
        "second_engine",
    }
    for recorded_case in home.record.cases:
        found = dossier(home.path, record_id, recorded_case.key)
        (replayed,) = found.replays()
        assert replayed.identical and states(replayed)["vector"] == "identical"
        above = sum(case.raw > recorded_case.raw for case in home.record.cases)
        assert (found.cases[0].raw, found.cases[0].rank) == (recorded_case.raw, 1 + above)
        assert record.rows is not None and found.rows[recorded_case.key].root == record.rows.root
    with pytest.raises(UnknownId, match="holds no enterprise of that number"):
        dossier(home.path, record_id, "E999")


def test_a_batch_with_a_score_of_its_own_is_found_to_the_row(home: Home) -> None:
    matrix = matrix_of_day(home.store, "enterprise", LAST)
    scores = score(home.bundle, matrix)
    raw = scores.raw.copy()
    raw[2] += 1e-12
    rows = write_batch_rows(home.path / "batches", matrix, replace(scores, raw=raw))
    (whole,) = dossier(
        home.path, recorded(home.path, replace(home.record, kind="batch", cases=(), rows=rows))
    ).replays()
    assert states(whole) == {
        "raw": "different",
        "probability": "identical",
        "expected": "identical",
        "lower": "identical",
        "upper": "identical",
        "second_engine": "identical",
    }
    assert "row 2" in whole.checks[0].en


def test_the_rows_of_a_batch_expire_with_the_last_record_that_needs_them(home: Home) -> None:
    record, _ = batch_of(home)
    assert record.rows is not None
    file = home.path / "batches" / f"{record.rows.digest}.parquet"
    recorded(home.path, record, keep_until=LAST)
    erased(home.path / "ledger.db", LAST + 1)
    assert file.is_file()
    erased(home.path / "ledger.db", LAST + 2_000)
    assert not file.exists() and verify(home.path / "ledger.db", LAST + 2_000).whole
