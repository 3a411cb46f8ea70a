"""The certificate: a clean catalogue is clean, whatever is poisoned; what it says has one digest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from features.calendar import day_of
from features.errors import HistoryError
from features.home import home
from features.ingest.source import find_source
from features.store.journal import write_journal_part
from features.store.opening import open_store
from features.store.store import Store
from tests.random_history import LAST, loaded_history
from training.certificate.certify import QUICK, Extent, certify
from training.certificate.compare import Moved, differing
from training.certificate.excerpt_store import loaded
from training.certificate.poison import KINDS, poisoned_excerpt
from training.certificate.reference_evaluator import window_span
from training.certificate.reference_language import reduced
from training.certificate.sample import ENOUGH, excerpt_of, never_later
from training.certificate.visible_rows import holdings, unlike

DAY = LAST - 100
SLIM = Extent(enterprises=100, seeds=(3,), kinds=(), read=2, ways=("own days", "online"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A random history of every contract table."""
    return loaded_history(tmp_path_factory, seed=5)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "day"), [(6, day_of("2014-11-17")), (7, LAST)])
def test_the_clean_catalogue_raises_no_alarm(
    tmp_path_factory: pytest.TempPathFactory, seed: int, day: int
) -> None:
    found = certify(loaded_history(tmp_path_factory, seed), day, SLIM)
    assert (found["verdict"], found["features_moved"], found["features_misread"]) == (
        "clean",
        {},
        {},
    )
    assert sum(found["poisons"][0]["rows"].values()) > 3000


@pytest.mark.slow
def test_a_certificate_is_plain_and_its_digest_repeats(store: Store) -> None:
    first, again = certify(store, DAY, QUICK), certify(store, DAY, QUICK)
    assert first["certificate_digest"] == again["certificate_digest"]
    assert json.loads(json.dumps(first)) == first


def test_every_poison_leaves_the_rows_recorded_by_the_day_as_they_are(store: Store) -> None:
    excerpt = excerpt_of(store, 100)
    for kind in (*KINDS, "together"):
        made = poisoned_excerpt(excerpt, kind, day=DAY, seed=1)
        assert sum(made.touched.values()) > 100
        for name, frame in excerpt.frames.items():
            kept = made.excerpt.frames[name]
            known = frame.filter(frame["recorded_on"] <= DAY)
            assert (
                kept.filter(kept["recorded_on"] <= DAY).sort("row_id").equals(known.sort("row_id"))
            ), (kind, name)


def test_an_excerpt_loads_to_the_rows_of_its_history(store: Store, tmp_path: Path) -> None:
    with loaded(excerpt_of(store, 100)) as again:
        for table in store.tables:
            assert again.size(table) == store.size(table)


def test_a_smaller_excerpt_holds_every_row_of_the_enterprises_it_took(store: Store) -> None:
    small, whole = excerpt_of(store, 4), excerpt_of(store, 100)
    assert not small.whole
    assert small.enterprises == 4
    taken = small.frames["employment"]["enterprise"].unique()
    there = whole.frames["employment"]
    assert (
        small.frames["employment"].height
        == there.filter(there["enterprise"].is_in(taken.to_list())).height
    )


def test_a_draw_in_the_journal_is_no_table_of_the_source_that_is_certified(
    write_source: Callable[..., Path],
) -> None:
    firms = [f"E{number:02d}" for number in range(ENOUGH)]
    register = {"since": "2013-01-01", "kind": "company", "recorded_on": "2013-01-05"}
    source = find_source(
        write_source({"enterprises": [{"enterprise": firm} | register for firm in firms]})
    )
    monday = day_of("2015-06-22")
    write_journal_part(
        home() / "journal" / "hand",
        "draws",
        "d1",
        {
            "draw": ["d1"] * ENOUGH,
            "enterprise": firms,
            "drawn_on": [monday] * ENOUGH,
            "inclusion_probability": [0.25] * ENOUGH,
            "drawn": [0, 1] * (ENOUGH // 2),
            "recorded_on": [monday] * ENOUGH,
        },
    )
    store = open_store(source)
    assert "draws" in never_later(excerpt_of(store, ENOUGH))
    assert certify(store, LAST, QUICK, source)["quick"] == []


def test_a_day_that_is_not_closed_is_refused(store: Store) -> None:
    with pytest.raises(HistoryError, match="complete to"):
        certify(store, LAST + 1, QUICK)


def test_a_day_before_most_tables_begin_is_refused_with_the_first_that_will_do(
    write_source: Callable[..., Path],
) -> None:
    firms = [{"enterprise": "E1", "since": "2001-01-01", "recorded_on": "2001-01-01"}]
    complaints = [
        {"complaint": f"c{n}", "lodged": "2014-05-06", "recorded_on": "2014-05-06"}
        for n in range(3)
    ]
    told = write_source(
        {
            "enterprises": firms,
            "complaints": complaints,
            "utilities": [
                {"enterprise": "E1", "month": "2014-06", "kwh": 1, "recorded_on": "2014-07-08"}
            ],
        }
    )
    with pytest.raises(HistoryError, match="take 2014-05-06, the first day"):
        certify(open_store(told), day_of("2013-12-31"), QUICK)


def test_what_tables_held_by_a_day_is_the_same_until_a_later_row_counts(store: Store) -> None:
    held = holdings(store, DAY)
    assert unlike(held, holdings(store, DAY)) == {}
    assert unlike(held, holdings(store, DAY + 30))["rows of contributions"].units > 0


def test_moves_are_found_by_unit_and_day_whatever_their_order(store: Store) -> None:
    from features.engine.matrices import matrix

    whole = matrix(store, "enterprise", DAY)
    assert differing(whole, whole.take(list(range(len(whole)))[::-1])) == {}
    assert differing(whole, whole.take(list(range(len(whole) - 1))))["(register)"] == Moved(1, 1.0)


def test_windows_are_read_from_their_names() -> None:
    assert [window_span(name) for name in ("30d", "prev365d", "all", "24m")] == [
        (0, 30),
        (365, 730),
        (0, None),
        (0, 24),
    ]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("count", 3.0),
        ("sum", 15.0),
        ("since", 0.0),
        ("first_since", 2.0),
        ("median", 4.0),
        ("distinct", 3.0),
        ("peak", 11.0),
        ("low", 4.0),
        ("last", 4.0),
        ("newest", 4.0),
        ("months", 2.0),
    ],
)
def test_a_tiny_history_is_read_as_a_person_would(aggregate: str, expected: float) -> None:
    assert reduced(aggregate, [(0, 4), (2, 2), (2, 9), (2, None)], (0, 3), int) == expected


def test_a_view_that_gives_the_event_for_the_recorded_day_is_noted(
    write_source: Callable[..., Path],
) -> None:
    rows = [
        {"complaint": f"c{n}", "lodged": f"2015-02-{n:02d}", "recorded_on": f"2015-02-{n:02d}"}
        for n in range(1, 26)
    ]
    excerpt = excerpt_of(open_store(write_source({"complaints": rows})), 10)
    assert never_later(excerpt) == {"complaints": "lodged"}
    later = [
        row | {"recorded_on": "2015-03-01"} if number == 3 else row
        for number, row in enumerate(rows)
    ]
    assert (
        never_later(excerpt_of(open_store(write_source({"complaints": later}, folder="later")), 10))
        == {}
    )
