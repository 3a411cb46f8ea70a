"""Laws of a counterfactual: what is computed without some rows is what a history that never held them gives."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from features.calendar import day_of
from features.catalogue.joins import declared_joins, left_of
from features.catalogue.language import atoms_of, peers_of, stored_values_read
from features.catalogue.model import ENTITIES, Catalogue
from features.contract.tables import contract
from features.engine.engine import engine_of
from features.engine.evaluation import evaluation
from features.engine.matrices import matrix
from features.matrix import Matrix
from features.online.case_rows import CaseRows
from features.online.fact import Fact
from features.online.lineage import Lineage, feature_facts
from features.online.request import evaluate_rows, sent_evaluation
from features.online.request_case import History
from features.store.opening import open_store
from features.store.store import Store
from tests.alone import Counterfactual
from tests.random_history import LAST, write_history

DAY = LAST - 30
NEVER, EVER = -40_000, 40_000
PLAIN = (
    ("enterprise", "declared"),
    ("enterprise", "pension_in"),
    ("enterprise", "complaints"),
    ("enterprise", "contributors"),
)
JOINED = (
    ("enterprise", "hires"),
    ("enterprise", "findings"),
    ("enterprise", "closed_visits"),
    ("provider", "provider_reviews"),
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_history(tmp_path_factory.mktemp("source"), seed=11, size=400)


@pytest.fixture(scope="module")
def store(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))
        return open_store(source)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def without_rows(source: Path, target: Path, table: str, gone: frozenset[str]) -> Path:
    """Copy a source, leaving out the rows whose numbers are given; what they corrected then holds again."""
    shutil.copytree(source, target)
    rows = read_rows(source / f"{table}.csv")
    write_rows(target / f"{table}.csv", [row for row in rows if row["row_id"] not in gone])
    return target


def case_of(store: Store, entity: str, key: str) -> tuple[Counterfactual, Matrix]:
    engine = engine_of(store)
    evaluated = evaluation(engine, entity, DAY, [key])
    return Counterfactual(engine, evaluated), evaluated.matrix


def fact(measure: str, first: int = NEVER, last: int = EVER) -> Fact:
    return Fact(measure, "", "", "", 0, "", first, last, (), 1)


def said(values: Matrix, name: str) -> list[object]:
    return (
        list(values.texts(name)) if name in values.categories else [values.column(name).tobytes()]
    )


def own_features(catalogue: Catalogue, entity: str) -> list[str]:
    """Features that rest on neither peers nor stored values: those are of the city, not of the case."""
    chains = {
        feature.name: catalogue.chain([feature.name]) for feature in catalogue.features(entity)
    }
    of_the_city = {
        name
        for name, chain in chains.items()
        for link in chain
        if stored_values_read(link.tree) or peers_of(link.tree)
    }
    return [name for name in chains if name not in of_the_city]


def check_against_the_source(
    source: Path, store: Store, cases: tuple[tuple[str, str], ...], folder: Path
) -> None:
    """Take the rows of a measure away from one unit each, in memory and in a copy of the source, and compare."""
    catalogue, path = engine_of(store).catalogue, source
    less: dict[tuple[str, str], Matrix] = {}
    for entity, measure in cases:
        free = (
            key for key in matrix(store, entity, DAY).keys.tolist() if (entity, key) not in less
        )
        tried = ((key, *case_of(store, entity, key)) for key in free)
        key, changed, row = next(one for one in tried if one[1].rows_of(fact(measure)))
        less[entity, key] = changed.without(fact(measure))
        assert any(said(less[entity, key], name) != said(row, name) for name in row.names)
        path = without_rows(
            path,
            folder / measure,
            left_of(catalogue.measure(measure).table),
            changed.rows_of(fact(measure)),
        )
    other = open_store(path)
    for (entity, key), found in less.items():
        expected = matrix(other, entity, DAY, [key])
        assert [
            name
            for name in own_features(catalogue, entity)
            if said(found, name) != said(expected, name)
        ] == []


def test_features_without_rows_equal_those_of_a_history_that_never_held_them(
    source: Path, store: Store, tmp_path: Path
) -> None:
    check_against_the_source(source, store, PLAIN, tmp_path)


def test_rows_that_are_gone_are_gone_from_both_sides_of_joins(source: Path, tmp_path: Path) -> None:
    settled = tmp_path / "settled"
    shutil.copytree(source, settled)
    for name in {table for join in declared_joins() for table in (join.left, join.right)}:
        rows = read_rows(settled / f"{name}.csv")
        by_key = {
            tuple(row[column] for column in contract()[name].key): row for row in reversed(rows)
        }
        write_rows(settled / f"{name}.csv", [row | {"retracted": "0"} for row in by_key.values()])
    check_against_the_source(settled, open_store(settled), JOINED, tmp_path)


@pytest.mark.parametrize("entity", ENTITIES)
def test_without_rows_that_are_not_there_nothing_changes(store: Store, entity: str) -> None:
    key = str(matrix(store, entity, DAY).keys[0])
    changed, row = case_of(store, entity, key)
    engine = engine_of(store)
    placed = {
        atom.measure
        for feature in engine.catalogue.features(entity)
        for atom in atoms_of(feature.tree)
        if engine.catalogue.measure(atom.measure).when
    }
    for measure in sorted(placed)[:12]:
        assert changed.without(fact(measure, NEVER, NEVER)).values.tobytes() == row.values.tobytes()


def test_only_rows_placed_in_the_span_go(store: Store) -> None:
    changed, row = case_of(store, "enterprise", "E003")
    early, late = (
        changed.without(fact("hires", last=DAY - 365)),
        changed.without(fact("hires", first=DAY - 364)),
    )
    assert early.column("hires_365d")[0] == row.column("hires_365d")[0] > 0
    assert late.column("hires_365d")[0] == 0
    assert changed.without(fact("hires")).column("mean_tenure")[0] != row.column("mean_tenure")[0]


def test_facts_name_the_rows_that_go_and_the_register_is_none(store: Store) -> None:
    changed, row = case_of(store, "enterprise", "E003")
    newest, filed = changed.facts("declared_last")
    assert newest.n_rows == 1 < filed.n_rows and newest.last == filed.last
    for found in (newest, filed):
        rows = changed.rows_of(found)
        assert found.n_rows == len(rows) and set(found.row_ids) <= rows
        assert changed.without(found).column("declared_last")[0] != row.column("declared_last")[0]
    assert changed.facts("section") == [] and changed.facts("no_feature_of_the_store") == []


@pytest.mark.parametrize("entity", ENTITIES)
def test_facts_made_from_what_the_score_knows_are_those_made_from_rows_alone(
    store: Store, entity: str
) -> None:
    engine = engine_of(store)
    [key, *_] = matrix(store, entity, DAY).keys.tolist()
    evaluated = evaluation(engine, entity, DAY, [key])
    rows = CaseRows(evaluated.cases, evaluated.rows)
    lineage = Lineage(engine, evaluated.cases, rows, evaluated.inputs.atoms)
    from_rows = {
        name: feature_facts(engine, evaluated.cases, name) for name in evaluated.matrix.names
    }
    assert {name: lineage.facts([(0, name)])[0] for name in from_rows} == from_rows
    assert len({fact for facts in from_rows.values() for fact in facts}) > 10


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_rows_of_every_fact_are_as_many_as_it_says(store: Store, entity: str) -> None:
    facts = 0
    for key in matrix(store, entity, DAY).keys.tolist()[:3]:
        changed, row = case_of(store, entity, key)
        for told in {fact for name in row.names for fact in changed.facts(name)}:
            own_register = told.table == ENTITIES[entity][0]
            rows = changed.rows_of(told)
            # the case's own rows of its register stay, for without them it would not be there
            assert told.n_rows >= len(rows) if own_register else told.n_rows == len(rows), told
            assert own_register or set(told.row_ids) <= rows
            facts += not own_register
    assert facts > 10


@pytest.mark.parametrize(
    ("feature", "measure", "table"),
    [
        ("staff", "staff_open", "employment"),
        ("enrolled_pension", "pension_open", "enrolments"),
        ("share_not_enrolled", "staff_open", "employment"),
        ("mean_birth_year", "staff_open_birth_years", "employment"),
    ],
)
def test_a_number_of_open_spells_rests_on_every_open_one_and_on_none_that_ended(
    source: Path, store: Store, feature: str, measure: str, table: str
) -> None:
    ended = {row["row_id"]: row["ended"] for row in read_rows(source / f"{table}.csv")}
    spells = 0
    for key in matrix(store, "enterprise", DAY).keys.tolist():
        changed, row = case_of(store, "enterprise", key)
        for told in [one for one in changed.facts(feature) if one.measure == measure]:
            days = [ended[number] for number in changed.rows_of(told)]
            assert all(not day or day_of(day) > DAY for day in days), (key, days)
            assert told.n_rows == len(days)
            if feature in ("staff", "enrolled_pension"):
                assert told.value == row.column(feature)[0]
            spells += len(days)
    assert spells > 5


def test_a_fact_says_what_its_value_counts(store: Store) -> None:
    changed, _ = case_of(store, "enterprise", "E003")
    names = ("payroll_12m", "declared_months_12m", "days_since_complaint")
    said_by = {(one.measure, one.unit, one.en) for name in names for one in changed.facts(name)}
    assert said_by == {
        ("payroll", "fen", "payroll filed with tax"),
        ("complaints", "days", "complaints, days since the last"),
        ("declared", "months", "staff filed with tax, months with any"),
    }


def test_a_claim_stays_when_the_claims_of_its_claimant_go(store: Store) -> None:
    for key in matrix(store, "claim", DAY).keys.tolist()[:8]:
        changed, row = case_of(store, "claim", key)
        less = changed.without(fact("worker_claims"))
        assert said(less, "scheme") == said(row, "scheme") and said(less, "claim_amount") == said(
            row, "claim_amount"
        )
        assert less.column("claimant_claims_all")[0] <= 1


def test_history_sent_with_a_request_loses_rows_as_the_store_does(store: Store) -> None:
    engine = engine_of(store)
    months = [
        {
            "row_id": f"t{month}",
            "enterprise": "E003",
            "month": f"2015-0{month}",
            "employees": 10 * month,
            "payroll": 100,
            "recorded_on": "2015-05-20",
        }
        for month in (2, 3, 4)
    ]
    register = [{"enterprise": "E003", "since": "2012-01-01", "recorded_on": "2013-01-01"}]
    sent: History = {"enterprises": register, "tax_payroll": months}
    evaluated = sent_evaluation(engine, "enterprise", "E003", DAY, sent)
    row = evaluated.matrix
    changed = Counterfactual(engine, evaluated)
    newest, found = changed.facts("declared_last")
    assert newest.row_ids == ("t4",) and found.row_ids == ("t2", "t3", "t4")
    assert changed.without(newest).column("declared_last")[0] == 30
    less = changed.without(found)
    kept = [name for name in row.names if said(row, name) == said(less, name)]
    expected = evaluate_rows(
        store, "enterprise", "E003", DAY, {"enterprises": register, "tax_payroll": []}
    )
    assert (
        row.column("declared_last")[0] == 40
        and [n for n in row.names if said(less, n) != said(expected, n)] == []
    )
    assert 100 < len(kept) < len(row.names)
