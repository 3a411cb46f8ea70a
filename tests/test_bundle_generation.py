"""What is in use changes in one step: a number that counts up, models and days together."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import BundleError
from models.bundle.champions import ModelKey, Pointer, point_at_bundle
from models.bundle.generation import (
    DayPointer,
    Generation,
    HistoryPointer,
    generation_file,
    publish_days,
    publish_history,
    publish_models,
    read_generation,
)

KEY = ModelKey("hand", "undeclared_workers")
OLD, NEW = "a" * 64, "b" * 64


def promoted(folder: Path, digest: str) -> None:
    """Let a model be promoted."""
    folder.mkdir(exist_ok=True)
    point_at_bundle(folder, KEY, Pointer(bundle=f"model-{digest[:12]}", digest=digest))


def day(digest: str, model: str, store: str = "hand-1") -> DayPointer:
    """Return a published day."""
    return DayPointer(folder="day", digest=digest, batch="1-0123456789", store=store, bundle=model)


def history(name: str = "hand-1", day: str = "2015-06-30") -> HistoryPointer:
    """Return a history."""
    return HistoryPointer(store=name, complete_to=day)


def published(folder: Path, target: str, one: DayPointer) -> Generation:
    """Publish one day of the history of its store."""
    return publish_days(folder, KEY.source, history(one.store), {target: one})


def test_a_generation_counts_up_only_where_something_changed(tmp_path: Path) -> None:
    assert read_generation(tmp_path, KEY.source) is None
    promoted(tmp_path, OLD)
    first = publish_models(tmp_path, KEY.source)
    assert (first.number, first.models[KEY.target].digest) == (1, OLD)
    assert publish_models(tmp_path, KEY.source) == first == read_generation(tmp_path, KEY.source)
    promoted(tmp_path, NEW)
    assert read_generation(tmp_path, KEY.source) == first
    second = publish_models(tmp_path, KEY.source)
    assert (second.number, second.models[KEY.target].digest) == (2, NEW)
    assert first.name != second.name and second.name.startswith("2-")


def test_a_model_is_answered_from_its_own_day_alone(tmp_path: Path) -> None:
    promoted(tmp_path, OLD)
    of_old = published(tmp_path, KEY.target, day("1" * 64, OLD))
    assert of_old.day(KEY.target) == day("1" * 64, OLD)
    promoted(tmp_path, NEW)
    assert publish_models(tmp_path, KEY.source).day(KEY.target) is None
    of_new = published(tmp_path, KEY.target, day("2" * 64, NEW))
    assert of_new.day(KEY.target) == day("2" * 64, NEW)
    # a promotion that is taken back finds its day again
    promoted(tmp_path, OLD)
    assert publish_models(tmp_path, KEY.source).day(KEY.target) == day("1" * 64, OLD)


def test_days_of_an_earlier_history_are_in_use_no_more(tmp_path: Path) -> None:
    promoted(tmp_path, OLD)
    published(tmp_path, "other", day("3" * 64, NEW))
    published(tmp_path, KEY.target, day("1" * 64, OLD))
    later = published(tmp_path, KEY.target, day("2" * 64, OLD, store="hand-2"))
    assert later.days == {KEY.target: (day("2" * 64, OLD, store="hand-2"),)}
    assert later.history == history("hand-2")


def test_days_of_one_history_are_published_together(tmp_path: Path) -> None:
    promoted(tmp_path, OLD)
    days = {KEY.target: day("1" * 64, OLD), "other": day("3" * 64, NEW)}
    both = publish_days(tmp_path, KEY.source, history(), days)
    assert (both.number, both.days) == (1, {name: (one,) for name, one in days.items()})
    assert publish_days(tmp_path, KEY.source, history(), days) == both


def test_a_loaded_history_is_served_unless_a_day_of_another_is_published(tmp_path: Path) -> None:
    promoted(tmp_path, OLD)
    for at in ("2015-06-29", "2015-06-30"):
        assert publish_history(tmp_path, KEY.source, history(day=at)).history == history(day=at)
    whole = published(tmp_path, KEY.target, day("1" * 64, OLD))
    assert publish_history(tmp_path, KEY.source, history(day="2015-07-01")) == whole
    assert publish_models(tmp_path, KEY.source) == whole


def test_another_source_is_not_touched(tmp_path: Path) -> None:
    promoted(tmp_path, OLD)
    publish_models(tmp_path, KEY.source)
    assert publish_models(tmp_path, "hand-too").models == {}


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"number": 0, "models": {}, "days": {}}', b"\xff"]
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = generation_file(tmp_path, KEY.source)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(BundleError, match="does not say what is in use; remove it"):
        read_generation(tmp_path, KEY.source)
