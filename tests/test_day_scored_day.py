"""A scored day answers as the rows do, to the bit, and what stands in it otherwise than it was written is never told."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.engine.dormancy import dormancy
from features.errors import LedgerError, LssiError
from serving.answers import Answer
from serving.day.manifest import FILE
from serving.day.reach import ReasonReach
from serving.day.scored_day import PublishedDay, ScoredDay
from serving.day.write import TREE, UNITS
from serving.errors import DayUnusable
from serving.ledger.ledger import Ledger
from serving.ledger.read import find
from serving.ledger.record import record_of
from serving.ledger.retention import Expiry, expire
from serving.proof.audit import verify
from serving.replay.dossier import dossier
from serving.scoring.opening import fits
from serving.scoring.recorded_scoring import Desk
from serving.scoring.score_day import roll
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import KEPT_DAYS, Question
from tests.recorded import LAST, Home, home_of

MOMENT = datetime(2015, 7, 1, 0, 30, tzinfo=UTC)
MOST_BYTES = 2_000
"""Bytes of the record of one unit that stands in a scored day."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a store, a model and a ledger, whose scorer knows what is dormant, as a service's does."""
    made = home_of(tmp_path_factory)
    asleep = dormancy(made.scorer.engine, LAST)
    return replace(made, scorer=replace(made.scorer, dormancy=asleep))


@pytest.fixture(scope="module")
def said(home: Home) -> dict[str, Any]:
    """What the batch of the last day said."""
    return roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)


@pytest.fixture(scope="module")
def day(home: Home, said: dict[str, Any]) -> ScoredDay:
    """The day that it wrote."""
    return ScoredDay(home.path / "days" / said["day"]["folder"], said["day"]["digest"])


def with_day(home: Home, day: ScoredDay, batch: str) -> Scorer:
    """Return the scorer of a home, which answers from a day."""
    return replace(home.scorer, days={home.bundle.target: PublishedDay(day, batch)})


def keys_of(day: ScoredDay) -> list[str]:
    """Return the units of a day."""
    return [day.row_at(place).case.key for place in range(len(day))]


def answers(home: Home, scorer: Scorer, asked: Sequence[Sequence[str]], **more: Any) -> list[Any]:
    """Return the answers to some requests, one by one."""
    reasons, retry = more.get("reasons", True), more.get("retry")
    target, entity = home.record.target, home.record.entity

    async def ask(desk: Desk) -> list[Answer]:
        way = desk.by_id if reasons else desk.scores_by_id
        question = Question("test", "ab" * 32, retry)
        return [await way(target, entity, list(ids), question) for ids in asked]

    with Ledger(home.path / "ledger.db") as ledger:
        return asyncio.run(ask(Desk(scorer, ledger, lambda: more.get("at", MOMENT))))


def without_id(answer: Answer) -> bytes:
    """Return the bytes of an answer but for the number of its record."""
    return answer.model_copy(update={"record_id": ""}).model_dump_json().encode()


def test_the_day_answers_for_every_unit_what_its_rows_do(
    home: Home, day: ScoredDay, said: dict[str, Any]
) -> None:
    keys = keys_of(day)
    assert len(keys) == said["rows"] == day.manifest.reasoned >= 10
    assert fits(home.scorer, home.bundle.target, day)
    asked = [[key] for key in keys]
    mapped = answers(home, with_day(home, day, said["record_id"]), asked)
    computed = answers(home, home.scorer, asked)
    assert list(map(without_id, mapped)) == list(map(without_id, computed))
    assert any(answer.units[0].reasons for answer in mapped)


def test_what_the_day_lacks_is_told_again_with_the_bits_that_were_computed(home: Home) -> None:
    first, second, third = home.scorer.ranks[home.bundle.target].keys[:3].tolist()
    asked = [[first, second], [second, third, first], [first]]
    for reasons in (True, False):
        by_one_desk = answers(home, home.scorer, asked, reasons=reasons)
        computed_anew = [answers(home, home.scorer, [ids], reasons=reasons)[0] for ids in asked]
        assert list(map(without_id, by_one_desk)) == list(map(without_id, computed_anew))


def test_a_case_of_the_day_has_the_bits_of_the_case_computed(home: Home, day: ScoredDay) -> None:
    keys = keys_of(day)
    computed = home.scorer.by_id(home.record.target, home.record.entity, keys).cases
    for case in computed:
        row = day.row(case.key)
        assert row is not None
        stored = row.case
        for name in ("values", "contributions"):
            assert getattr(stored, name).tobytes() == getattr(case, name).tobytes()
        for name in ("texts", "raw", "probability", "expected", "interval", "rank", "of"):
            assert getattr(stored, name) == getattr(case, name)
        words = (stored.facts, stored.reasons, stored.expected_words, stored.dormant)
        assert words == (case.facts, case.reasons, case.expected_words, case.dormant)


def test_a_record_of_the_day_is_small_and_replays(
    home: Home, day: ScoredDay, said: dict[str, Any]
) -> None:
    key = keys_of(day)[0]
    scorer = replace(with_day(home, day, said["record_id"]), generation="7-0123456789")
    [answer] = answers(home, scorer, [[key]])
    payload = find(home.path / "ledger.db", answer.record_id).payload or b""
    # a city's day has 19 levels, 44 characters each; this one has fewer
    room = 44 * (19 - len(day).bit_length())
    assert len(payload) + room <= MOST_BYTES and key.encode() in payload
    record = record_of(payload)
    assert (record.cases, record.answer, record.features) == ((), {}, ())
    assert record.generation == answer.generation == "7-0123456789"
    assert record.reference is not None and record.reference.day == day.name
    replays = dossier(home.path, answer.record_id).replays()
    assert [replay.key for replay in replays] == [key] and replays[0].identical
    states = {check.field: check.state for check in replays[0].checks}
    assert states["vector"] == states["facts"] == states["reasons"] == "identical"
    assert verify(home.path / "ledger.db", LAST).whole


def test_units_that_the_day_lacks_are_computed_beside_those_that_it_has(
    home: Home,
    day: ScoredDay,
    said: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "serving.scoring.day_units.reason_reach", lambda: ReasonReach(least=3, share=0.01)
    )
    short = roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)
    some = ScoredDay(home.path / "days" / short["day"]["folder"])
    assert 3 <= some.manifest.reasoned < len(some) and some.name != day.name
    scorer = with_day(home, some, short["record_id"])
    keys = keys_of(day)
    [mixed] = answers(home, scorer, [keys])
    [computed] = answers(home, home.scorer, [keys])
    assert without_id(mixed) == without_id(computed)
    record = record_of(find(home.path / "ledger.db", mixed.record_id).payload or b"")
    assert record.reference is not None
    assert len(record.reference.rows) == some.manifest.reasoned
    assert len(record.cases) == len(keys) - some.manifest.reasoned
    replays = dossier(home.path, mixed.record_id).replays()
    assert [replay.key for replay in replays] == keys
    assert all(replay.identical for replay in replays)


def test_scores_alone_come_from_the_day_or_the_rows_alike(
    home: Home, day: ScoredDay, said: dict[str, Any]
) -> None:
    keys = keys_of(day)
    [mapped] = answers(home, with_day(home, day, said["record_id"]), [keys], reasons=False)
    [computed] = answers(home, home.scorer, [keys], reasons=False)
    [explained] = answers(home, home.scorer, [keys])
    assert without_id(mapped) == without_id(computed)
    for bare, full in zip(mapped.units, explained.units, strict=True):
        assert bare.reasons == [] and bare.expected_words is None
        told = {"reasons": [], "expected_words": None}
        assert bare == full.model_copy(update=told)
    for answer in (mapped, computed):
        assert all(replay.identical for replay in dossier(home.path, answer.record_id).replays())


def test_the_same_request_again_gets_the_same_answer_from_the_day(
    home: Home, day: ScoredDay, said: dict[str, Any]
) -> None:
    scorer = with_day(home, day, said["record_id"])
    keys = keys_of(day)[:3]
    first, again = answers(home, scorer, [keys, keys], retry="once")
    assert first == again
    # another worker that has no day at hand knows the answer from the record
    [elsewhere] = answers(home, home.scorer, [keys], retry="once")
    assert elsewhere == first


def test_a_day_that_is_gone_is_said_and_the_same_batch_brings_it_back(
    home: Home, day: ScoredDay, said: dict[str, Any], tmp_path: Path
) -> None:
    [answer] = answers(home, with_day(home, day, said["record_id"]), [keys_of(day)[:1]])
    aside = tmp_path / "aside"
    day.folder.rename(aside)
    with pytest.raises(DayUnusable, match="holds no scored day; restore"):
        dossier(home.path, answer.record_id)
    again = roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)
    assert again["day"] == said["day"]
    assert all(replay.identical for replay in dossier(home.path, answer.record_id).replays())


def test_a_day_expires_with_the_last_record_that_rests_on_it(
    home: Home, said: dict[str, Any], tmp_path: Path
) -> None:
    # a home of its own, since what expires is gone
    place = Path(shutil.copytree(home.path, tmp_path / "home"))
    day = ScoredDay(place / "days" / said["day"]["folder"])
    alone = replace(home, path=place)
    later = MOMENT + timedelta(days=40)
    [answer] = answers(alone, with_day(alone, day, said["record_id"]), [keys_of(day)[:1]], at=later)
    path, kept = place / "ledger.db", KEPT_DAYS
    batch = find(path, said["record_id"]).entry["keep_until"]
    score = find(path, answer.record_id).entry["keep_until"]
    assert score == batch + 40
    beyond = MOMENT + timedelta(days=kept + 50)
    answers(alone, alone.scorer, [keys_of(day)[:1]], at=beyond)
    expire(path, Expiry(batch + 1, "test", beyond, kept))
    assert find(path, said["record_id"]).payload is None
    assert all(replay.identical for replay in dossier(place, answer.record_id).replays())
    expire(path, Expiry(score + 1, "test", beyond, kept))
    assert not day.folder.exists()
    with pytest.raises(LedgerError, match="is erased"):
        dossier(place, answer.record_id)


def test_a_day_of_another_digest_is_refused(day: ScoredDay) -> None:
    with pytest.raises(DayUnusable, match="has digest"):
        ScoredDay(day.folder, "0" * 64)


@settings(max_examples=150, deadline=None)
@given(file=st.sampled_from([UNITS, TREE, FILE]), where=st.floats(0, 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_told(
    home: Home,
    day: ScoredDay,
    tmp_path_factory: pytest.TempPathFactory,
    file: str,
    where: float,
    bit: int,
) -> None:
    copy = tmp_path_factory.getbasetemp() / "flipped"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(day.folder, copy)
    content = bytearray((copy / file).read_bytes())
    content[int(where * (len(content) - 1))] ^= 1 << bit
    (copy / file).write_bytes(content)
    try:
        damaged = ScoredDay(copy, day.name.digest)
    except DayUnusable:
        return
    for place in range(len(day)):
        written = day.row_at(place)
        try:
            row = damaged.row(written.case.key)
        except DayUnusable:
            continue
        assert row is None or row.reference == written.reference
        if row is not None:
            assert (row.case.reasons, row.case.raw) == (written.case.reasons, written.case.raw)


def test_a_damaged_row_is_computed_and_the_log_says_so(
    home: Home,
    day: ScoredDay,
    said: dict[str, Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    copy = Path(shutil.copytree(day.folder, tmp_path / day.folder.name))
    column = day.manifest.columns["raw"]
    content = bytearray((copy / UNITS).read_bytes())
    content[column.offset + 6] ^= 1
    (copy / UNITS).write_bytes(content)
    scorer = with_day(home, ScoredDay(copy, day.name.digest), said["record_id"])
    key = keys_of(day)[0]
    with caplog.at_level(logging.WARNING):
        [mapped] = answers(home, scorer, [[key]])
    [computed] = answers(home, home.scorer, [[key]])
    assert without_id(mapped) == without_id(computed)
    assert "row 0 of the scored day was changed" in caplog.text and key not in caplog.text
    assert record_of(find(home.path / "ledger.db", mapped.record_id).payload or b"").cases


@pytest.mark.parametrize("end", [0, 100])
@pytest.mark.parametrize("name", [UNITS, TREE, FILE])
def test_a_file_that_was_cut_is_refused(
    day: ScoredDay, tmp_path: Path, name: str, end: int
) -> None:
    copy = Path(shutil.copytree(day.folder, tmp_path / "cut"))
    (copy / name).write_bytes((copy / name).read_bytes()[:end])
    with pytest.raises(LssiError):
        ScoredDay(copy)
