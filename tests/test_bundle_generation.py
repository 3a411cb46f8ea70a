"""What is in use changes in one step: a number that counts up, models and days together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from features.errors import BundleError
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import (
    DayPointer,
    Generation,
    HistoryPointer,
    current_generation,
    generation_file,
    models_in_use,
    pointer_of,
    promote_model,
    publish_days,
    publish_history,
    read_generation,
)

KEY = ModelKey("hand", "undeclared_workers")
OLD, NEW = "a" * 64, "b" * 64


def pointer(digest: str) -> Pointer:
    """Return a pointer to a bundle."""
    return Pointer(bundle=f"model-{digest[:12]}", digest=digest)


def promoted(folder: Path, digest: str) -> Generation:
    """Let a model be promoted."""
    return promote_model(folder, KEY, pointer(digest))


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
    first = promoted(tmp_path, OLD)
    assert (first.number, first.models[KEY.target].digest) == (1, OLD)
    assert promoted(tmp_path, OLD) == first == read_generation(tmp_path, KEY.source)
    second = promoted(tmp_path, NEW)
    assert second == read_generation(tmp_path, KEY.source)
    assert (second.number, second.models[KEY.target].digest) == (2, NEW)
    assert first.name != second.name and second.name.startswith("2-")


def test_a_model_is_answered_from_its_own_day_alone(tmp_path: Path) -> None:
    promoted(tmp_path, OLD)
    of_old = published(tmp_path, KEY.target, day("1" * 64, OLD))
    assert of_old.day(KEY.target) == day("1" * 64, OLD)
    assert promoted(tmp_path, NEW).day(KEY.target) is None
    of_new = published(tmp_path, KEY.target, day("2" * 64, NEW))
    assert of_new.day(KEY.target) == day("2" * 64, NEW)
    # a promotion that is taken back finds its day again
    assert promoted(tmp_path, OLD).day(KEY.target) == day("1" * 64, OLD)


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
    assert (both.number, both.days) == (2, {name: (one,) for name, one in days.items()})
    assert publish_days(tmp_path, KEY.source, history(), days) == both


def test_a_loaded_history_is_served_unless_a_day_of_another_is_published(tmp_path: Path) -> None:
    promoted(tmp_path, OLD)
    for at in ("2015-06-29", "2015-06-30"):
        assert publish_history(tmp_path, KEY.source, history(day=at)).history == history(day=at)
    whole = published(tmp_path, KEY.target, day("1" * 64, OLD))
    assert publish_history(tmp_path, KEY.source, history(day="2015-07-01")) == whole
    assert current_generation(tmp_path, KEY.source) == whole


def test_another_source_is_not_touched(tmp_path: Path) -> None:
    promoted(tmp_path, OLD)
    assert current_generation(tmp_path, "hand-too").models == {}
    assert list(models_in_use(tmp_path, KEY.source)) == [KEY.target]


def left_by_an_earlier_version(folder: Path, digest: str) -> Path:
    """Write the file in which an earlier version kept what is in use, and return it."""
    path = folder / KEY.file
    path.write_text(pointer(digest).model_dump_json(), "utf-8")
    return path


def test_a_home_of_pointers_is_read_as_it_stands_and_changed_whole(tmp_path: Path) -> None:
    path = left_by_an_earlier_version(tmp_path, OLD)
    assert pointer_of(tmp_path, KEY) == pointer(OLD) and path.exists()
    assert read_generation(tmp_path, KEY.source) is None
    first = current_generation(tmp_path, KEY.source)
    assert (first.number, first.models) == (1, {KEY.target: pointer(OLD)})
    assert not path.exists()


def test_a_pointer_of_before_says_nothing_beside_a_generation(tmp_path: Path) -> None:
    promoted(tmp_path, NEW)
    path = left_by_an_earlier_version(tmp_path, OLD)
    assert pointer_of(tmp_path, KEY) == pointer(NEW)
    promoted(tmp_path, OLD)
    assert pointer_of(tmp_path, KEY) == pointer(OLD) and not path.exists()


def test_promotions_of_two_targets_at_once_are_both_in_use(tmp_path: Path) -> None:
    keys = [ModelKey(KEY.source, f"target_{number}") for number in range(8)]
    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(lambda key: promote_model(tmp_path, key, pointer(OLD)), keys))
    assert set(models_in_use(tmp_path, KEY.source)) == {key.target for key in keys}
    last = current_generation(tmp_path, KEY.source)
    assert last.number == len(keys)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"number": 0, "models": {}, "days": {}}', b"\xff"]
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = generation_file(tmp_path, KEY.source)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(BundleError, match="does not say what is in use; restore it"):
        read_generation(tmp_path, KEY.source)
