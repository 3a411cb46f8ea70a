"""The simulated city: a source with the contract's columns, scaled figures, honest noise and the same bytes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from features.calendar import first_day
from features.contract.tables import COMMON, contract
from features.errors import RequestError, SourceError
from features.ingest.scan import files_below, files_in, parquet_sql
from features.ingest.source import find_source
from simulation.dynamics.state import State
from simulation.ground.setting import setting_of
from simulation.inspection.visits import ROUTINE, Visits
from simulation.labour.firms import living_firms
from simulation.month import Inspectorate
from simulation.run import JOURNAL, write_city

UNTIL = "2015-06-30"


def silent(_done: int, _of: int) -> None:
    """Show no progress."""


@pytest.fixture(scope="module")
def city(city_2000: Path) -> Path:
    """The city that other files of tests share too, which no test changes."""
    return city_2000


def ask(city: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query in which `{table}` stands for the parts of a table."""
    names = {table: parquet_sql(files) for table in contract() if (files := files_in(city / table))}
    truths = {
        f"true_{name}": parquet_sql(files_in(city / "truth" / name))
        for name in ("enterprises", "claims")
    }
    with duckdb.connect() as connection:
        return connection.execute(query.format(**names, **truths)).fetchall()


def test_every_table_but_the_journal_has_the_contracts_columns(city: Path) -> None:
    for name, table in contract().items():
        if name not in JOURNAL:
            columns = pq.read_schema(files_in(city / name)[0]).names
            assert columns == [column.name for column in table.columns + COMMON], name


def test_the_source_is_found_and_its_truth_is_no_table_of_it(city: Path) -> None:
    source = find_source(city)
    assert set(source.tables) == set(contract()) - set(JOURNAL)
    assert {"undeclared_workers", "unpaid_contributions", "fraudulent_claim"} <= set(source.targets)
    assert not [place for place in source.tables.values() if "truth" in place.parts]


@pytest.mark.parametrize("table", [name for name in contract() if name not in JOURNAL])
def test_a_key_has_one_row_a_day_and_a_row_number_of_its_own(city: Path, table: str) -> None:
    key = ", ".join(contract()[table].key)
    [(rows, ids, versions, latest)] = ask(
        city,
        f"""SELECT count(*), count(DISTINCT row_id),
        count(DISTINCT ({key}, recorded_on)), CAST(max(recorded_on) AS VARCHAR) FROM {{{table}}}""",
    )
    assert rows == ids == versions
    assert str(latest) <= UNTIL


EVENTS = {
    "enterprises": "since",
    "employment": "coalesce(ended, started)",
    "enrolments": "coalesce(ended, started)",
    "contributions": "coalesce(paid_on, month)",
    "complaints": "lodged",
    "deaths": "died_on",
    "claims": "filed_on",
    "inspections": "coalesce(closed_on, opened)",
    "tax_payroll": "month",
    "claim_reviews": "closed_on",
    "remedies": "remedied_on",
    "sanctions": "coalesce(complied_on, decided_on)",
    "benefit_payments": "paid_on",
    "wage_arrears": "coalesce(settled_on, started)",
    "exposures": "coalesce(repaid_on, published_on)",
    "work_injuries": "recognised_on",
    "medical_lines": "used_on",
    "unemployment_spells": "coalesce(ended, started)",
}


@pytest.mark.parametrize(("table", "event"), EVENTS.items())
def test_nothing_is_recorded_before_it_happened(city: Path, table: str, event: str) -> None:
    assert ask(city, f"SELECT count(*) FROM {{{table}}} WHERE recorded_on < {event}") == [(0,)]


def test_spells_do_not_end_before_they_start(city: Path) -> None:
    for table in (
        "employment",
        "enrolments",
        "unemployment_spells",
        "maternity_leaves",
        "medals",
        "members",
    ):
        assert ask(city, f"SELECT count(*) FROM {{{table}}} WHERE ended < started") == [(0,)], table


def test_every_claim_line_review_and_finding_belongs_to_one(city: Path) -> None:
    for child, parent, key in (
        ("medical_lines", "claims", "claim"),
        ("claim_reviews", "claims", "claim"),
        ("benefit_payments", "claims", "claim"),
        ("findings", "inspections", "inspection"),
        ("remedies", "findings", "inspection"),
        ("claims", "workers", "worker"),
        ("employment", "enterprises", "enterprise"),
        ("enterprises", "cells", "cell"),
    ):
        lost = ask(
            city,
            f"SELECT count(*) FROM {{{child}}} WHERE {key} NOT IN (SELECT {key} FROM {{{parent}}})",
        )
        share = float(str(lost[0][0])) / float(
            str(ask(city, f"SELECT count(*) FROM {{{child}}}")[0][0])
        )
        assert share < 0.02, (child, parent)  # late rows of the parent may not be known yet


def test_figures_are_scaled_from_the_citys() -> None:
    whole = setting_of(433_193, 36, until=UNTIL, seed=1)
    assert (
        whole.cells,
        whole.scaled("full_time"),
        whole.scaled("part_time"),
        whole.scaled("assistants"),
    ) == (396, 150, 300, 650)
    small = setting_of(20_000, 36, until=UNTIL, seed=1)
    assert 20_000 // small.cells >= 200
    assert (small.scaled("full_time"), small.scaled("assistants")) == (7, 30)


def test_a_unit_has_about_as_many_workers_as_in_the_city(city: Path) -> None:
    [(staff,)] = ask(
        city, "SELECT sum(staff) FROM {true_enterprises} WHERE month = DATE '2015-06-01'"
    )
    assert 0.9 < float(str(staff)) / 2_000 / (5_900_000 / 433_193) < 1.1


def test_visits_reach_3_to_6_percent_of_the_units_in_a_year(city: Path) -> None:
    [(share,)] = ask(
        city,
        """SELECT count(DISTINCT (enterprise, year(opened + INTERVAL 6 MONTH))) / 2000.0 / 3
        FROM {inspections} WHERE enterprise IS NOT NULL""",
    )
    assert 0.03 <= float(str(share)) <= 0.06


def test_the_lot_records_its_probability_and_nothing_else_does(city: Path) -> None:
    assert ask(
        city,
        """SELECT count(*) FROM {inspections} WHERE (kind = 'lottery') <> (inclusion_probability IS NOT NULL)
        OR (kind = 'lottery') <> (draw IS NOT NULL)""",
    ) == [(0,)]


def test_honest_units_show_gaps_too(city: Path) -> None:
    [(share,)] = ask(
        city,
        """
        WITH enrolled AS (SELECT enterprise, count(DISTINCT worker) n FROM {enrolments}
            WHERE scheme = 'pension' AND started <= DATE '2015-04-30' GROUP BY ALL
            HAVING count(*) > 0),
        gone AS (SELECT enterprise, count(DISTINCT worker) n FROM {enrolments}
            WHERE scheme = 'pension' AND ended < DATE '2015-04-30' GROUP BY ALL),
        filed AS (SELECT enterprise, max(employees) employees FROM {tax_payroll} WHERE month = DATE '2015-04-01' GROUP BY ALL)
        SELECT avg(CAST(employees > enrolled.n - coalesce(gone.n, 0) AS INTEGER)) FROM {true_enterprises} t
        JOIN filed USING (enterprise) JOIN enrolled USING (enterprise) LEFT JOIN gone USING (enterprise)
        WHERE t.month = DATE '2015-04-01' AND uncovered = 0 AND staff >= 5""",
    )
    assert float(str(share)) > 0.25


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        write_city(tmp_path / name, setting_of(300, 6, until=UNTIL, seed=seed), silent)
    files = sorted(path.relative_to(tmp_path / "one") for path in files_below(tmp_path / "one"))
    assert len(files) > 30
    assert all(
        (tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files
    )
    claims = Path("claims/part-00001.parquet")
    assert (tmp_path / "one" / claims).read_bytes() != (tmp_path / "other" / claims).read_bytes()


def test_a_stopped_run_resumes_and_a_damaged_part_is_made_again(tmp_path: Path) -> None:
    setting, out = setting_of(4_200, 3, until=UNTIL, seed=2), tmp_path / "city"
    assert write_city(out, setting, silent) == {"parts_made": 3, "parts_kept": 0}
    part = out / "claims" / "part-00002.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:-9])
    assert write_city(out, setting, silent) == {"parts_made": 1, "parts_kept": 2}
    assert part.read_bytes() == whole


def test_a_folder_of_another_city_or_of_other_files_is_not_written_over(tmp_path: Path) -> None:
    write_city(tmp_path / "city", setting_of(60, 3, until=UNTIL, seed=2), silent)
    with pytest.raises(SourceError, match="other arguments"):
        write_city(tmp_path / "city", setting_of(60, 3, until=UNTIL, seed=3), silent)
    with pytest.raises(SourceError, match="is not empty"):
        write_city(tmp_path, setting_of(60, 3, until=UNTIL, seed=3), silent)
    with pytest.raises(SourceError, match="is a file"):
        write_city(
            tmp_path / "city" / "source.toml", setting_of(60, 3, until=UNTIL, seed=3), silent
        )


def nobody(_state: State, _month: int) -> Visits:
    """Choose no visit."""
    none = np.zeros(0, np.int64)
    return Visits(firm=none, kind=none, day=none, planned=none, probability=np.zeros(0))


def everybody(state: State, month: int) -> Visits:
    """Choose a visit to every living firm, on the first of the month."""
    day = first_day(month)
    who = np.flatnonzero(living_firms(state.firms, day))
    count = len(who)
    return Visits(
        firm=who,
        kind=np.full(count, ROUTINE),
        day=np.full(count, day),
        planned=np.full(count, 120),
        probability=np.full(count, np.nan),
    )


def test_employers_react_to_the_visits_that_a_caller_chooses(tmp_path: Path) -> None:
    setting = setting_of(300, 6, until=UNTIL, seed=4)
    last_month = "SELECT max(month) FROM {true_enterprises}"
    uncovered = f"SELECT sum(uncovered) FROM {{true_enterprises}} WHERE month = ({last_month})"
    by_name: dict[str, int] = {}
    for inspectorate in (Inspectorate("nobody", nobody), Inspectorate("everybody", everybody)):
        out = tmp_path / inspectorate.name
        write_city(out, setting, silent, inspectorate)
        ((by_name[inspectorate.name],),) = ask(out, uncovered)
    visited_days = "SELECT count(DISTINCT opened) FROM {inspections} WHERE enterprise IS NOT NULL"
    assert ask(tmp_path / "nobody", visited_days) == [(0,)]
    assert ask(tmp_path / "everybody", visited_days) == [(6,)]
    assert 0 < by_name["everybody"] < by_name["nobody"] / 2


def test_a_city_of_one_inspectorate_is_not_gone_on_with_by_another(tmp_path: Path) -> None:
    setting = setting_of(60, 3, until=UNTIL, seed=2)
    write_city(tmp_path, setting, silent, Inspectorate("nobody", nobody))
    with pytest.raises(SourceError, match="other arguments"):
        write_city(tmp_path, setting, silent)


@pytest.mark.parametrize(
    "arguments",
    [
        (10, 36, UNTIL, 1),
        (2_000, 1, UNTIL, 1),
        (2_000, 36, "2015-13-01", 1),
        (2_000, 36, UNTIL, -1),
        (2_000, 36, "1890-01-01", 1),
    ],
)
def test_no_city_is_made_of_impossible_arguments(arguments: tuple[int, int, str, int]) -> None:
    units, months, until, seed = arguments
    with pytest.raises(RequestError):
        setting_of(units, months, until=until, seed=seed)


def test_until_may_lie_inside_a_month(tmp_path: Path) -> None:
    write_city(tmp_path / "city", setting_of(200, 4, until="2015-06-10", seed=2), silent)
    [(latest,)] = ask(tmp_path / "city", "SELECT CAST(max(recorded_on) AS VARCHAR) FROM {claims}")
    assert str(latest) <= "2015-06-10"


def test_sizes_are_heavy_tailed() -> None:
    from simulation.labour.firms import sizes

    drawn = sizes(np.random.default_rng(1), 40_000)
    assert 12 < drawn.mean() < 17
    assert np.median(drawn) < 8
    assert np.quantile(drawn, 0.999) > 300
