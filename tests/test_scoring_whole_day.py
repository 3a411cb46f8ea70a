"""A day is answered from when all of it is scored; until then the former one is, whatever was loaded since."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.calendar import date_of, day_of
from features.files import remove
from features.ingest.source import find_source
from features.store.append import feed
from features.store.opening import open_own_store
from models.bundle.bundle import Bundle
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import current_generation, promote_model, read_generation
from serving.errors import ActRefused
from serving.ledger.read import head
from serving.loop.act_once import open_day
from serving.scoring.opening import open_scorer, publish_promoted
from serving.scoring.scorer import Scorer, info_of
from serving.scoring.whole_day import PublishedWhole, publish_whole_day
from serving.settings import Settings
from tests.recorded import LAST, home_of
from tests.test_store_damage import said

FORMER = LAST - 30
TARGET = """
[target.undeclared_workers]
zh = "未全员参保"
en = "workers without registration"
unit = "inspection"
violation = 1
label = "visit"
count = "workers_in_violation"

[target.undeclared_workers.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""
MOMENT = datetime(2015, 7, 1, 8, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Fed:
    """A home whose source is fed by days, with a model in use."""

    settings: Settings
    bundle: Bundle

    @property
    def home(self) -> Path:
        return self.settings.home

    def load(self, day: int) -> None:
        """Load all rows up to a day."""
        feed(find_source(self.settings.source), day)

    def publish(self) -> PublishedWhole:
        """Score the newest day and publish it."""
        store = open_own_store(self.settings.source)
        return publish_whole_day(self.home, store, {self.bundle.target: self.bundle}, MOMENT)

    def opened(self) -> Scorer:
        """Open what a worker opens."""
        return open_scorer(self.settings)


@pytest.fixture
def fed(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Fed:
    """A home in which the former day is loaded and published."""
    made = home_of(tmp_path_factory)
    home, source = tmp_path / "home", tmp_path / "source"
    shutil.copytree(made.path / "bundles", home / "bundles")
    shutil.copytree(made.path.parent / "source", source)
    with (source / "source.toml").open("a", encoding="utf-8") as toml:
        toml.write(TARGET)
    monkeypatch.setenv("LSSI_HOME", str(home))
    [folder] = [path for path in (home / "bundles").iterdir() if "-" in path.name]
    name = find_source(source).name
    pointer = Pointer(bundle=folder.name, digest=made.bundle.digest)
    promote_model(home / "bundles", ModelKey(name, made.bundle.target), pointer)
    whole = Fed(Settings(home, source), made.bundle)
    whole.load(FORMER)
    whole.publish()
    return whole


def bits(scorer: Scorer, target: str) -> bytes:
    """Return all that is said of three units."""
    keys = [str(key) for key in scorer.ranks[target].keys[:3]]
    return b"".join(said(case) for case in scorer.by_id(target, "enterprise", keys).cases)


def test_a_loaded_day_is_not_served_until_it_is_scored_whole(
    fed: Fed, caplog: pytest.LogCaptureFixture
) -> None:
    target = fed.bundle.target
    before = fed.opened()
    assert (before.day, list(before.days)) == (FORMER, [target])
    assert info_of(before).loaded_to == info_of(before).complete_to == date_of(FORMER)
    fed.load(LAST)
    # the service that runs says so, and so does one that restarts
    info = info_of(before)
    assert (info.complete_to, info.loaded_to) == (date_of(FORMER), date_of(LAST))
    # a worker that restarts now, and a service that does
    with caplog.at_level(logging.WARNING, "lssi.day"):
        publish_promoted(fed.settings)
    assert (
        f"{date_of(LAST)} is loaded and not published; {date_of(FORMER)} is served" in caplog.text
    )
    again = fed.opened()
    assert (again.day, list(again.days), again.generation) == (FORMER, [target], before.generation)
    assert bits(again, target) == bits(before, target)
    fed.publish()
    after = fed.opened()
    assert (after.day, list(after.days)) == (LAST, [target])
    assert after.generation != before.generation
    assert info_of(after).loaded_to == info_of(after).complete_to == date_of(LAST)
    # what cannot be read, or is of another source whose name begins alike, is not told
    for name, content in {
        "random-0": "{",
        "random-1": "[]",
        "random-b-2": '{"name": "random-b"}',
    }.items():
        folder = after.store.folder.parent / name
        folder.mkdir()
        (folder / "store.json").write_text(content)
    assert info_of(after).loaded_to == date_of(LAST)


def test_a_promotion_changes_neither_history_nor_day(fed: Fed) -> None:
    before = read_generation(fed.home / "bundles", "random")
    fed.load(LAST)
    assert current_generation(fed.home / "bundles", "random") == before
    assert fed.opened().day == FORMER


def test_no_act_enters_a_day_that_is_closed_and_not_yet_served(fed: Fed) -> None:
    fed.load(LAST)
    served = fed.opened().store
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    assert open_day(served, long_ago, None) == LAST + 1
    with pytest.raises(ActRefused, match="is closed"):
        open_day(served, long_ago, LAST)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2030-06-30T15:59:59+00:00", "2030-06-30"),
        ("2030-06-30T16:00:00+00:00", "2030-07-01"),
        ("2030-06-30T23:30:00-08:00", "2030-07-01"),
    ],
)
def test_an_act_is_known_from_the_day_that_its_source_has(fed: Fed, moment: str, day: str) -> None:
    store = fed.opened().store
    assert store.source.clock == "Asia/Shanghai"
    assert open_day(store, datetime.fromisoformat(moment), None) == day_of(day)


class Stopped(Exception):
    """A run was stopped."""


def test_a_stopped_run_publishes_nothing_and_is_gone_on_with(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed.load(LAST)
    before = read_generation(fed.home / "bundles", "random")

    def stop(_point: str) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr("serving.scoring.whole_day.reached", stop)
        with pytest.raises(Stopped):
            fed.publish()
    assert read_generation(fed.home / "bundles", "random") == before
    records = head(fed.settings.ledger).size
    [one] = fed.publish().scored
    assert one.was_there and head(fed.settings.ledger).size == records
    assert fed.opened().day == LAST
    assert fed.publish().scored == (one,)


def test_a_day_that_was_lost_after_its_record_is_scored_again(fed: Fed) -> None:
    fed.load(LAST)
    [first] = fed.publish().scored
    for folder in (fed.home / "days").iterdir():
        remove(folder)
    [again] = fed.publish().scored
    assert not again.was_there and again.record_id == first.record_id
    assert list(fed.opened().days) == [fed.bundle.target]


def test_a_store_that_was_removed_is_not_waited_for(fed: Fed) -> None:
    remove(fed.home / "stores")
    publish_promoted(fed.settings)
    assert fed.opened().day == LAST
