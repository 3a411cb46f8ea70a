"""What the simulated city gives away and what it does not: base rates, single signals, and its mechanisms."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from features.ingest.scan import files_below, files_in, parquet_sql
from simulation.begin import begin
from simulation.dynamics.state import State
from simulation.ground.setting import setting_of
from simulation.inspection.visits import KINDS, ROUTINE, Visits
from simulation.month import advance, choose
from simulation.output.page import MECHANISMS, city_page, parameters_of

ROOT = Path(__file__).parents[1]
HIGHEST = 0.75
SETTING = setting_of(1_200, 8, until="2015-06-30", seed=3)


@pytest.fixture(scope="module")
def known(city_2000: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for folder in sorted(
        path for path in city_2000.iterdir() if (path / "part-00001.parquet").exists()
    ):
        connection.execute(
            f"CREATE VIEW {folder.name} AS SELECT * FROM {parquet_sql(files_in(folder))}"
        )
    connection.execute("""CREATE TABLE visits AS SELECT inspection, any_value(enterprise) enterprise, any_value(opened) opened,
        CAST(inspection IN (SELECT inspection FROM findings WHERE violation = 1) AS INTEGER) found
        FROM inspections WHERE enterprise IS NOT NULL AND examined_1 = 1 GROUP BY 1 HAVING max(closed_on) IS NOT NULL""")
    connection.execute("""CREATE TABLE reviews AS SELECT claim,
        CAST(arg_max(outcome, recorded_on) = 'fraud' AS INTEGER) fraud
        FROM claim_reviews WHERE outcome IN ('fraud', 'clean') GROUP BY 1""")
    return connection


def table(known: duckdb.DuckDBPyConnection, query: str) -> pd.DataFrame:
    """Return the answer of a query as a table of floats."""
    answer = known.execute(query)
    names = [column[0] for column in answer.description]
    return pd.DataFrame(answer.fetchall(), columns=names).astype(float)


def strongest(signals: pd.DataFrame, label: str) -> tuple[float, str]:
    """Return the highest AUC of one column in either direction, missing values taken as lowest, and its name."""
    found = []
    for name in signals.columns.drop(label):
        values = signals[name].fillna(signals[name].min() - 1)
        auc = float(roc_auc_score(signals[label], values))
        found.append((max(auc, 1 - auc), str(name)))
    return max(found)


def test_a_quarter_to_two_fifths_of_examined_visits_find_workers_left_out(
    known: duckdb.DuckDBPyConnection,
) -> None:
    [(share, rows)] = known.execute("SELECT avg(found), count(*) FROM visits").fetchall()
    assert rows > 200
    assert 0.25 <= share <= 0.40


def test_a_twelfth_to_a_seventh_of_reviewed_claims_are_fraud_and_one_in_a_hundred_is_reviewed(
    known: duckdb.DuckDBPyConnection,
) -> None:
    [(share, rows)] = known.execute("SELECT avg(fraud), count(*) FROM reviews").fetchall()
    [(claims,)] = known.execute("SELECT count(DISTINCT claim) FROM claims").fetchall()
    assert 0.08 <= share <= 0.15
    assert 0.003 < rows / claims < 0.02


def test_no_single_signal_of_an_enterprise_gives_it_away(known: duckdb.DuckDBPyConnection) -> None:
    signals = table(
        known,
        """
        WITH staff AS (
            SELECT inspection, worker, e.enterprise, started FROM visits v JOIN employment e ON e.enterprise = v.enterprise
            AND e.recorded_on < opened GROUP BY ALL HAVING count(ended) = 0),
        cover AS (SELECT inspection, worker, min(started) started FROM visits v JOIN enrolments n ON n.enterprise = v.enterprise
            AND n.recorded_on < opened AND scheme = 'pension' GROUP BY ALL HAVING count(ended) < count(DISTINCT started)),
        employed AS (SELECT inspection, count(*) employed, avg(CAST(c.worker IS NULL AS INTEGER)) open_share,
            avg(c.started - s.started) delay FROM staff s LEFT JOIN cover c USING (inspection, worker) GROUP BY 1),
        enrolled AS (SELECT inspection, count(*) enrolled FROM cover GROUP BY 1),
        filed AS (SELECT inspection, arg_max(employees, month) filed, arg_max(payroll, month) payroll FROM visits v
            JOIN tax_payroll t ON t.enterprise = v.enterprise AND t.recorded_on < opened GROUP BY 1),
        power AS (SELECT inspection, avg(kwh) kwh FROM visits v JOIN utilities u ON u.enterprise = v.enterprise
            AND u.recorded_on < opened AND month > opened - 365 GROUP BY 1),
        heard AS (SELECT inspection, count(*) complaints, count(*) FILTER (topic = 'insurance') about_cover FROM visits v
            JOIN complaints c ON c.enterprise = v.enterprise AND c.recorded_on < opened GROUP BY 1),
        paid AS (SELECT inspection, avg(base) base, avg(CAST(paid_unit = 0 AS INTEGER)) unpaid FROM visits v
            JOIN contributions c ON c.enterprise = v.enterprise AND c.recorded_on < opened AND month > opened - 365 GROUP BY 1)
        SELECT found, employed, enrolled, open_share, delay, filed, kwh, complaints, about_cover, base, unpaid,
            filed - coalesce(enrolled, 0) gap, (filed - coalesce(enrolled, 0)) / greatest(filed, 1.0) gap_ratio,
            employed - coalesce(enrolled, 0) open_jobs, kwh / (coalesce(enrolled, 0) + 1) kwh_a_head,
            payroll / greatest(filed, 1) / base wage_to_base, complaints / (coalesce(enrolled, 0) + 1.0) complaints_a_head
        FROM visits LEFT JOIN employed USING (inspection) LEFT JOIN enrolled USING (inspection)
        LEFT JOIN filed USING (inspection) LEFT JOIN power USING (inspection) LEFT JOIN heard USING (inspection)
        LEFT JOIN paid USING (inspection)""",
    )
    auc, name = strongest(signals, "found")
    assert len(signals.columns) == 17
    assert 0.55 < auc <= HIGHEST, (auc, name)


def test_no_single_signal_of_a_claim_gives_it_away(known: duckdb.DuckDBPyConnection) -> None:
    signals = table(
        known,
        """
        WITH head AS (
            SELECT claim, arg_min(worker, recorded_on) worker, arg_min(provider, recorded_on) provider,
                any_value(scheme) scheme, any_value(amount) amount, any_value(filed_on) filed_on, min(recorded_on) AS known_on
            FROM claims GROUP BY 1),
        mine AS (SELECT r.*, h.* EXCLUDE claim FROM reviews r JOIN head h USING (claim)),
        earlier AS (
            SELECT m.claim, count(*) FILTER (h.known_on >= m.known_on - 30) AS lately, count(*) AS in_a_year,
                count(DISTINCT h.provider) AS places
            FROM mine m JOIN head h ON h.worker = m.worker AND h.known_on BETWEEN m.known_on - 365 AND m.known_on GROUP BY 1),
        there AS (
            SELECT m.claim, count(*) AS bills, avg(h.amount) AS usual FROM mine m JOIN head h ON h.provider = m.provider
                AND h.known_on BETWEEN m.known_on - 90 AND m.known_on GROUP BY 1),
        cover AS (
            SELECT m.claim, min(filed_on - started) AS since_last, max(filed_on - started) AS since_first FROM mine m
            JOIN enrolments n ON n.worker = m.worker AND n.recorded_on <= m.known_on GROUP BY 1)
        SELECT fraud, amount, lately, in_a_year, places, bills, usual, since_last, since_first, amount / usual AS to_usual,
            amount / median(amount) OVER (PARTITION BY scheme) AS to_scheme
        FROM mine LEFT JOIN earlier USING (claim) LEFT JOIN there USING (claim) LEFT JOIN cover USING (claim)""",
    )
    auc, name = strongest(signals, "fraud")
    assert 0.55 < auc <= HIGHEST, (auc, name)


def bits(value: Any) -> list[bytes]:
    """Return the bytes of every array in a state."""
    if isinstance(value, np.ndarray):
        return [value.tobytes()]
    return (
        [part for f in fields(value) for part in bits(getattr(value, f.name))]
        if is_dataclass(value)
        else []
    )


def everybody(state: State) -> Visits:
    """Return a visit to every enterprise on the first day of the month."""
    count = len(state.firms.kind)
    whole = np.full(count, 120)
    return Visits(
        np.arange(count),
        np.full(count, ROUTINE),
        np.full(count, SETTING.first_day + 1),
        whole,
        whole * np.nan,
    )


def nobody() -> Visits:
    """Return no visits."""
    none = np.empty(0, dtype=np.int64)
    return Visits(none, none, none, none, none.astype(float))


def left_out(visits: Visits) -> int:
    """Return who is left out half a year after the given visits of the first month and none later."""
    state, _ = begin(SETTING, 0)
    for month in range(SETTING.first, SETTING.last + 1):
        state, _, truth = advance(state, month, visits if month == SETTING.first else nobody())
    return int(truth.enterprises["uncovered"].sum())


def test_a_month_changes_none_of_its_arguments_and_is_the_same_at_every_call() -> None:
    state, _ = begin(SETTING, 0)
    before = bits(state)
    visits = choose(state, SETTING.first)
    one, rows, _ = advance(state, SETTING.first, visits)
    two, again, _ = advance(state, SETTING.first, visits)
    assert bits(state) == before
    assert bits(one) == bits(two)
    assert [(name, len(part["recorded_on"])) for name, part in rows] == [
        (name, len(part["recorded_on"])) for name, part in again
    ]


def test_visits_bring_workers_under_cover() -> None:
    state, _ = begin(SETTING, 0)
    assert left_out(everybody(state)) < 0.7 * left_out(nobody())


def test_without_visits_nothing_is_found() -> None:
    state, _ = begin(SETTING, 0)
    _, rows, _ = advance(state, SETTING.first, nobody())
    assert not [
        part
        for name, part in rows
        if name in ("findings", "inspections", "remedies") and len(part["recorded_on"])
    ]


def test_a_medal_waives_routine_visits_only() -> None:
    from dataclasses import replace

    state, _ = begin(SETTING, 0)
    holder = replace(
        state.memory,
        medal_until=np.full(len(state.firms.kind), SETTING.until + 1),
        complained=np.ones(len(state.firms.kind), dtype=np.int64),
    )
    kinds = choose(replace(state, memory=holder), SETTING.first).kind
    assert ROUTINE not in kinds
    assert len(kinds) > 0


def test_staff_of_a_phoenix_moves_together(known: duckdb.DuckDBPyConnection) -> None:
    moved = known.execute("""
        WITH shut AS (SELECT enterprise, max(closed) closed FROM enterprises WHERE closed IS NOT NULL GROUP BY 1),
        old AS (SELECT worker, s.enterprise, closed FROM employment e JOIN shut s USING (enterprise)
            WHERE ended = closed GROUP BY ALL)
        SELECT old.enterprise, n.enterprise, count(DISTINCT worker) n FROM old JOIN employment n USING (worker)
        WHERE n.started = closed + 1 AND n.enterprise <> old.enterprise GROUP BY 1, 2 ORDER BY n DESC""").fetchall()
    assert moved[0][2] >= 3


def test_agency_workers_are_covered_by_the_agency_and_not_by_the_host(
    known: duckdb.DuckDBPyConnection,
) -> None:
    [(covered, at_host)] = known.execute("""
        WITH sent AS (SELECT DISTINCT worker, enterprise FROM employment WHERE kind = 'dispatched')
        SELECT avg(CAST((worker, enterprise) IN (SELECT (worker, enterprise) FROM enrolments) AS INTEGER)),
            avg(CAST(enterprise IN (SELECT enterprise FROM dispatch) AS INTEGER)) FROM sent""").fetchall()
    assert covered > 0.8
    assert at_host < 0.05


def test_the_page_is_made_from_the_code_and_every_parameter_has_a_source() -> None:
    assert (ROOT / "docs" / "city.md").read_text("utf-8") == city_page()
    rows = [row for name in MECHANISMS for row in parameters_of(name).rows]
    assert len(rows) > 150
    assert {row.source for row in rows} == {"seed", "public", "assumed"}


def test_every_mechanism_with_parameters_is_on_the_page() -> None:
    files = [
        path
        for path in files_below(ROOT / "simulation", "*.py")
        if "\nP = parameters(" in path.read_text("utf-8")
    ]
    assert {f"{path.parent.name}.{path.stem}" for path in files} == set(MECHANISMS)


def test_every_parameter_is_used_by_its_mechanism() -> None:
    everywhere = "".join(
        path.read_text("utf-8") for path in files_below(ROOT / "simulation", "*.py")
    )
    written_whole = {"lot_medical": 'f"lot_{name}"', "lot_cash": 'f"lot_{name}"'}
    written_whole |= {
        f"{name}_{kind}": f'f"{name}_{{kind}}"' for name in ("cover", "payment") for kind in KINDS
    }
    for name in MECHANISMS:
        for row in parameters_of(name).rows:
            assert written_whole.get(row.name, f'"{row.name}"') in everywhere, (name, row.name)
