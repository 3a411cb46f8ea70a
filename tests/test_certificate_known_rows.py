"""Laws of the certificate's other side: what a feature declares to rest on moves it, and what does not is told by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.catalogue.dependencies import closure
from features.engine.engine import engine_of
from features.engine.matrices import catalogue_of
from features.store.store import Store
from tests.random_history import LAST, loaded_history
from training.certificate.excerpt_store import loaded
from training.certificate.known_rows import ROUNDS, Resting, altered, apart, resting
from training.certificate.sample import Excerpt, excerpt_of
from training.certificate.text import resting_lines
from training.runs.candidate_features import declared_candidates

NEVER = "measure | never | complaints | enterprise | lodged | topic == 'wages' and topic == 'hours' | 1 | count | 无 | none"


@pytest.fixture(scope="module")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Excerpt:
    return excerpt_of(loaded_history(tmp_path_factory, seed=7), 100)


@pytest.fixture(scope="module")
def clean(excerpt: Excerpt) -> Iterator[Store]:
    with loaded(excerpt) as store:
        yield store


def asked(clean: Store, excerpt: Excerpt, folder: Path, formula: str) -> Resting:
    """Return what is said of a feature file with one feature, and a measure that no row can meet."""
    line = f"enterprise | fresh | {formula} | count | none | staff | 甲 | a |"
    (folder / "more.txt").write_text(f"{NEVER}\n{line}\n", "utf-8")
    fresh = declared_candidates(clean, folder / "more.txt", "enterprise")
    return resting(fresh.engine(clean), excerpt, LAST, 1)


@pytest.mark.parametrize(
    ("formula", "table"),
    [
        ("sum(complaints, all) + 0 * sum(kwh, all)", "utilities"),
        ("where(sum(complaints, all) >= 0, sum(complaints, all), sum(kwh, all))", "utilities"),
    ],
)
def test_a_table_that_is_declared_and_not_used_is_told(
    clean: Store, excerpt: Excerpt, tmp_path: Path, formula: str, table: str
) -> None:
    said = asked(clean, excerpt, tmp_path, formula)
    assert (said.unmoved, said.not_shown) == ({"fresh": [table]}, {})
    [line] = resting_lines(said.unmoved, said.not_shown)
    assert "未动 unmoved: fresh" in line and table in line


@pytest.mark.parametrize(
    "formula",
    [
        "sum(complaints, all) + sum(kwh, all)",
        "default(sum(kwh, all) / sum(complaints, all), 0)",
        "since(enterprise_rows, all) + stored(linked)",
    ],
)
def test_what_a_feature_uses_moves_it(
    clean: Store, excerpt: Excerpt, tmp_path: Path, formula: str
) -> None:
    assert asked(clean, excerpt, tmp_path, formula) == Resting({}, {})


def test_a_table_of_which_no_known_row_is_read_is_no_fault_and_stands_apart(
    clean: Store, excerpt: Excerpt, tmp_path: Path
) -> None:
    said = asked(clean, excerpt, tmp_path, "sum(kwh, all) + sum(never, all)")
    assert (said.unmoved, said.not_shown) == ({}, {"fresh": ["complaints"]})


def test_what_is_recorded_after_the_day_stays_as_it_is(excerpt: Excerpt) -> None:
    for attempt in range(len(ROUNDS[True])):
        for table in excerpt.tables:
            day = LAST - 200
            frames = altered(excerpt, [table], attempt, day=day, seed=1).frames
            late = [
                each[table].filter(each[table]["recorded_on"] > day)
                for each in (frames, excerpt.frames)
            ]
            assert late[0].equals(late[1])


def test_tables_that_are_altered_at_once_share_no_feature(clean: Store) -> None:
    catalogue = catalogue_of(clean)
    names: dict[str, set[str]] = {}
    for feature in catalogue.declared.values():
        for atom in closure(catalogue, feature)[0]:
            names.setdefault(catalogue.measure(atom.measure).table, set()).add(feature.name)
    groups = apart(names)
    assert sorted(table for group in groups for table in group) == sorted(names)
    for group in groups:
        assert sum(len(names[table]) for table in group) == len(
            set().union(*(names[t] for t in group))
        )


@pytest.mark.slow
def test_the_catalogue_uses_what_it_declares(clean: Store, excerpt: Excerpt) -> None:
    assert resting(engine_of(clean), excerpt, LAST, 1).unmoved == {}
