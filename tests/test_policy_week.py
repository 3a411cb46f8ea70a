"""The plan of a week from a store: facts as they were known, minutes of teams, a list per cell, rows of the journal."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import polars as pl
import pytest

from features.calendar import date_of, day_of
from features.engine.matrices import catalogue_of, matrix
from features.errors import HistoryError, PolicyError
from features.ingest.scan import read_parquet
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import frozen_features
from models.policy.plan_journal import write_journal
from models.policy.plan_json import of_cell, plan_as_json
from models.policy.plan_sheet import write_plan_sheets
from models.policy.plan_text import FIRST_VISITS, plan_as_text
from models.policy.policy import policy_on
from models.policy.policy_facts import cells_of, enterprise_facts
from models.policy.policy_status import Facts
from models.policy.visit_staff import check_staff_features, staff_of
from models.policy.week import Halt, Week, WeekPlan, check_not_before_training, week_of
from models.policy.week_units import eve_of
from models.policy.why import why_lines, why_listed
from models.reviews.review_week import planned_week

AS_OF = day_of("2015-06-28")
MONDAY = AS_OF + 1
POLICY = policy_on(MONDAY)
FIRMS = 60
SEED = "seed 1"
VISIT = {
    "kind": "routine",
    "examined_1": 1,
    "examined_2": 0,
    "examined_3": 0,
    "examined_4": 0,
    "examined_5": 0,
}
Write = Callable[..., Path]


def day(offset: int) -> str:
    return date_of(AS_OF + offset).isoformat()


def tables() -> dict[str, list[dict[str, object]]]:
    """Sixty firms in three cells of two teams; e0 complained of, e1 a medal, e2 exposed, e3 visited, e4 sanctioned."""
    return {
        "enterprises": [
            {
                "enterprise": f"e{n}",
                "since": "2012-01-01",
                "registered": "2012-01-01",
                "section": "C",
                "cell": "" if n == 59 else f"c{n % 3}",
            }
            for n in range(FIRMS)
        ],
        "tax_payroll": [
            {
                "enterprise": f"e{n}",
                "month": "2015-05",
                "employees": 5 + 7 * n,
                "payroll": 10**6,
                "recorded_on": "2015-06-10",
            }
            for n in range(FIRMS)
        ],
        "cells": [
            {
                "cell": f"c{n}",
                "since": "2012-01-01",
                "district": "d",
                "team": "t1" if n < 2 else "t2",
            }
            for n in range(3)
        ],
        "members": [
            {
                "member": f"m{n}",
                "team": f"t{1 + n % 2}",
                "role": ("full_time", "part_time", "assistant")[n % 3],
                "weekly_minutes": 2400,
                "started": "2012-01-01",
            }
            for n in range(18)
        ],
        "holidays": [{"holiday": date_of(MONDAY).isoformat(), "worked": 0}],
        "complaints": [
            {"complaint": "k1", "enterprise": "e0", "lodged": day(-9), "recorded_on": day(-8)},
            {"complaint": "k2", "enterprise": "e9", "lodged": day(-1), "recorded_on": day(1)},
        ],
        "medals": [
            {"enterprise": "e1", "started": day(-100), "recorded_on": day(-99)},
            {
                "enterprise": "e6",
                "started": day(-100),
                "revoked_on": day(-5),
                "recorded_on": day(-4),
            },
        ],
        "exposures": [
            {
                "enterprise": "e2",
                "published_on": day(-40),
                "intensified_until": day(400),
                "recorded_on": day(-40),
            }
        ],
        "appraisals": [
            {
                "enterprise": "e5",
                "period": 2012,
                "rating": "full",
                "rule": "r",
                "decided_on": "2013-01-01",
            },
            {
                "enterprise": "e5",
                "period": 2014,
                "rating": "poor",
                "rule": "r",
                "decided_on": "2015-01-01",
            },
        ],
        "inspections": [
            {
                "inspection": f"v{n}",
                "enterprise": f"e{n}",
                "opened": day(-30 - 300 * (n == 4)),
                "recorded_on": day(-29),
                **VISIT,
            }
            for n in (3, 4)
        ],
        "sanctions": [{"inspection": "v4", "act": "fine", "decided_on": day(-300), "grave": 1}],
    }


@pytest.fixture(scope="module")
def store(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(hand_source(tmp_path_factory.mktemp("week") / "source", tables()))


@pytest.fixture(scope="module")
def bundle(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model of the store's own features in which filed staff matter."""
    living = matrix(store, "enterprise", AS_OF)
    label = np.arange(len(living)) % 3 == 0
    choices = {
        "verbosity": -1,
        "min_data_in_leaf": 2,
        "num_threads": 1,
        "seed": 1,
        "min_data_in_bin": 1,
    }
    texts = []
    for objective, y in (("binary", label), ("poisson", label + 1)):
        table = lightgbm.Dataset(living.values, y, feature_name=list(living.names))
        texts.append(
            lightgbm.train({**choices, "objective": objective}, table, 5).model_to_string()
        )
    frozen = frozen_features(catalogue_of(store).features("enterprise"), living)
    parts = Parts(
        "undeclared_workers",
        "2015-01-01",
        frozen,
        Calibration((-3.0, 3.0), (0.05, 0.9)),
        texts[0],
        texts[1],
        living,
        {"source": "hand"},
        {},
    )
    return load_bundle(write_bundle(tmp_path_factory.mktemp("bundles"), parts))


@pytest.fixture(scope="module")
def the_plan(store: Store, bundle: Bundle) -> WeekPlan:
    return planned_week(store, bundle, week_of(store, MONDAY + 3, SEED))


def facts(store: Store, name: str) -> Facts:
    return enterprise_facts(store, POLICY, AS_OF).get(store.code("enterprise", name), Facts())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("e0", Facts(complaints=(AS_OF - 9,))),
        ("e1", Facts(medals=((AS_OF - 100, None),))),
        ("e6", Facts(medals=((AS_OF - 100, AS_OF - 6),))),
        ("e2", Facts(exposure=(AS_OF - 40, AS_OF + 400))),
        ("e3", Facts(visited=AS_OF - 30)),
        ("e4", Facts(visited=AS_OF - 330, sanctions=1, grave=1, refused=1)),
        ("e5", Facts(appraised="poor")),
        ("e7", Facts()),
        ("e9", Facts()),
    ],
)
def test_the_facts_are_those_known_by_the_day(store: Store, name: str, expected: Facts) -> None:
    assert facts(store, name) == expected


def test_an_enterprise_lies_in_the_cell_of_its_latest_row(store: Store) -> None:
    cells = cells_of(store, AS_OF)
    assert len(cells) == FIRMS - 1
    assert store.texts("cell")[cells[store.code("enterprise", "e7")]] == "c1"


def test_every_living_enterprise_is_in_one_list_and_every_list_fits(the_plan: WeekPlan) -> None:
    cells = plan_as_json(the_plan)["cells"]
    assert [cell["cell"] for cell in cells] == [None, "c0", "c1", "c2"]
    assert sum(cell["units"] for cell in cells) == FIRMS
    assert all(cell["planned_minutes"] <= cell["minutes"] for cell in cells)
    assert sum(len(cell["visits"]) for cell in cells) > 5


def test_four_fifths_of_a_week_are_planned_where_its_monday_is_a_holiday(
    the_plan: WeekPlan,
) -> None:
    minutes = {cell.cell: cell.minutes for cell in the_plan.plan.cells}
    assert minutes["c2"] == 3 * 2400 * (50 + 50 + 25) // 100 * 4 // 5
    assert minutes["c0"] + minutes["c1"] == minutes["c2"]


def test_complaints_lead_exposures_follow_and_medal_holders_are_not_scored(
    the_plan: WeekPlan,
) -> None:
    first = {
        cell["cell"]: cell["visits"][0]
        for cell in plan_as_json(the_plan)["cells"]
        if cell["visits"]
    }
    assert (first["c0"]["enterprise"], first["c0"]["why"]) == ("e0", "complaint")
    assert (first["c2"]["enterprise"], first["c2"]["why"]) == ("e2", "exposure")
    visits = [visit for cell in plan_as_json(the_plan)["cells"] for visit in cell["visits"]]
    assert not {visit["enterprise"] for visit in visits if visit["why"] == "score"} & {"e1", "e3"}


def test_the_same_input_gives_the_same_plan_and_another_seed_another(
    store: Store,
    bundle: Bundle,
    the_plan: WeekPlan,
) -> None:
    again = planned_week(store, bundle, week_of(store, MONDAY, SEED))
    assert plan_as_json(again) == plan_as_json(the_plan)
    other = planned_week(store, bundle, week_of(store, MONDAY, "other"))
    assert other.number != the_plan.number
    assert other.plan.draw.number != the_plan.plan.draw.number


@pytest.fixture
def asleep(write_source: Write) -> Callable[..., Store]:
    """`asleep(months)`: sixty firms of which e0 (complained of), e2 (exposed) and e10 to e29 do nothing but for e10 in 2010."""

    def opened(months: int) -> Store:
        silent = {"e0", "e2", *(f"e{n}" for n in range(10, 30))}
        held = tables()
        held["tax_payroll"] = [
            row for row in held["tax_payroll"] if row["enterprise"] not in silent
        ]
        held["tax_payroll"].append(
            {"enterprise": "e10", "month": "2005-01", "employees": 9, "recorded_on": "2005-02-10"}
        )
        old = {"worker": "w", "enterprise": "e10", "recorded_on": "2005-02-10"}
        held["employment"] = [{"started": "2005-01-01", "ended": "2005-01-31", **old}]
        held["contributions"] = [
            {
                "scheme": "pension",
                "month": "2005-01",
                "booked": "2005-01",
                "kind": "normal",
                "paid_unit": 1,
                "paid_on": "2005-02-01",
                **old,
            }
        ]
        return open_store(
            write_source(held, f"dormant_months = {months}\n", folder=f"silent{months}")
        )

    return opened


def test_a_plan_counts_its_dormant_firms_and_leaves_their_visits_to_complaint_and_lottery(
    asleep: Callable[..., Store],
    bundle: Bundle,
) -> None:
    store, busy = asleep(6), asleep(60)
    week, awake = (planned_week(one, bundle, week_of(one, MONDAY, SEED)) for one in (store, busy))
    said = plan_as_json(week)
    assert said["dormant"] == {
        "months": 6,
        "since": "2014-12-01",
        "living": FIRMS,
        "firms": 22,
        "untold": [],
    }
    visits = [visit for cell in said["cells"] for visit in cell["visits"]]
    dormant = {visit["enterprise"]: visit["why"] for visit in visits if visit["dormant"]}
    assert dormant["e0"] == "complaint"
    assert set(dormant.values()) <= {"complaint", "lottery"}
    assert dormant.get("e2") != "exposure"
    assert {visit["why"] for visit in visits if not visit["dormant"]} >= {"score"}
    assert "休眠 dormant: 22 户" in plan_as_text(week)
    assert plan_as_json(awake)["dormant"]["firms"] == 0
    assert [cell.drawn for cell in week.plan.cells] == [cell.drawn for cell in awake.plan.cells]


def test_scores_and_features_do_not_change_by_dormancy(
    asleep: Callable[..., Store], bundle: Bundle
) -> None:
    stores = asleep(6), asleep(60)
    cities = [matrix(store, "enterprise", AS_OF) for store in stores]
    assert cities[0].values.tobytes() == cities[1].values.tobytes()
    plans = [planned_week(store, bundle, week_of(store, MONDAY, SEED)) for store in stores]
    assert plans[0].scores.raw.tobytes() == plans[1].scores.raw.tobytes()
    assert len(plans[0].dormancy.codes) != len(plans[1].dormancy.codes)


def test_a_source_without_payroll_contributions_and_employment_plans_as_if_none_were_dormant(
    the_plan: WeekPlan,
) -> None:
    said = plan_as_json(the_plan)
    assert said["dormant"]["firms"] is None
    assert not any(visit["dormant"] for cell in said["cells"] for visit in cell["visits"])


def test_a_complaint_known_only_after_the_day_changes_nothing(
    write_source: Write,
    bundle: Bundle,
    the_plan: WeekPlan,
) -> None:
    later = tables()
    later["complaints"] = later["complaints"][:1]
    fresh = open_store(write_source(later, folder="later"))
    lists = [
        [(cell["cell"], cell["visits"]) for cell in plan_as_json(plan)["cells"]]
        for plan in (planned_week(fresh, bundle, week_of(fresh, MONDAY, SEED)), the_plan)
    ]
    assert lists[0] == lists[1]


def test_the_journal_can_be_read_back_as_tables_of_the_contract(
    write_source: Write,
    the_plan: WeekPlan,
    tmp_path: Path,
) -> None:
    plans, draws = write_journal(the_plan, tmp_path / "source")
    assert read_parquet(draws)["inclusion_probability"].min() > 0
    source = write_source(tables())
    written = (source / "source.toml").read_text("utf-8")
    (source / "source.toml").write_text(written.replace("2015-06-30", "2015-07-31"), "utf-8")
    counts: dict[str, Any] = open_store(source).summary["tables"]
    visits = sum(len(cell.visits) for cell in the_plan.plan.cells)
    assert visits == read_parquet(plans).height == counts["plans"]["accepted"]
    assert counts["draws"]["accepted"] == FIRMS - 1
    assert counts["plans"]["refused"] == counts["draws"]["refused"] == 0
    assert write_journal(the_plan, tmp_path / "source") == (plans, draws)


def test_the_drawn_are_visited_and_stand_in_the_draw_with_their_probability(
    the_plan: WeekPlan, tmp_path: Path
) -> None:
    plans, draws = (read_parquet(path) for path in write_journal(the_plan, tmp_path))
    drawn = set(draws.filter(pl.col("drawn") == 1)["enterprise"])
    assert drawn
    assert drawn <= set(plans["enterprise"])
    assert set(plans.filter(pl.col("why") == "lottery")["enterprise"]) <= drawn


def test_the_largest_staff_that_is_told_decides_the_minutes(store: Store) -> None:
    living = matrix(store, "enterprise", AS_OF)
    staff = dict(zip(living.keys.tolist(), staff_of(living, POLICY).tolist(), strict=True))
    assert (staff["e0"], staff["e10"]) == (5.0, 75.0)
    assert set(POLICY.visit.staff) & set(living.names)


@pytest.mark.parametrize("name", ["nonsense", "industry"])
def test_staff_that_no_number_of_an_enterprise_tells_is_refused_before_anything_is_computed(
    store: Store, name: str
) -> None:
    catalogue = catalogue_of(store)
    visit = POLICY.visit.model_copy(update={"staff": ("staff", name)})
    wrong = POLICY.model_copy(update={"visit": visit})
    check_staff_features(catalogue, POLICY, "enterprise")
    with pytest.raises(PolicyError, match=f"visit.staff names '{name}'.*lssi dictionary"):
        check_staff_features(catalogue, wrong, "enterprise")
    with pytest.raises(PolicyError, match=r"visit\.staff"):
        eve_of(store, None, wrong, as_of=AS_OF, planned=(MONDAY, MONDAY + 6))  # type: ignore[arg-type]


def test_a_source_without_teams_needs_minutes(write_source: Write, bundle: Bundle) -> None:
    poor = {
        name: rows
        for name, rows in tables().items()
        if name not in ("cells", "members", "holidays")
    }
    store = open_store(write_source(poor, folder="poor"))
    with pytest.raises(
        PolicyError, match="has no table of teams; give the person-minutes of a list with --minutes"
    ):
        planned_week(store, bundle, week_of(store, MONDAY, SEED))
    lists = planned_week(store, bundle, week_of(store, MONDAY, "seed", 1500)).plan.cells
    assert {cell.minutes for cell in lists} == {1500}


def test_a_week_beyond_the_history_is_refused(store: Store) -> None:
    assert week_of(store, day_of("2015-07-05"), "s").as_of == AS_OF
    assert week_of(store, day_of("2015-07-07"), "s").as_of == store.complete_to
    with pytest.raises(
        HistoryError, match="complete to 2015-06-30, too early for the week of 2015-07-13"
    ):
        week_of(store, day_of("2015-07-13"), "s")


def test_the_text_for_reading_names_every_cell(the_plan: WeekPlan) -> None:
    text = plan_as_text(the_plan)
    assert all(f"\n{name}: " in text for name in ("-", "c0", "c1", "c2"))
    assert "e0 投诉 complaint" in text


def test_a_visit_says_within_what_its_number_lies_and_without_an_interval_says_none(
    the_plan: WeekPlan,
) -> None:
    numbers = np.full(len(the_plan.place), 12.2)
    ends = replace(
        the_plan.scores,
        expected=numbers,
        lower=np.full(len(numbers), 3.0),
        upper=np.full(len(numbers), 31.0),
        coverage=0.9,
    )
    week = replace(the_plan, scores=ends)
    visits = [visit for cell in plan_as_json(week)["cells"] for visit in cell["visits"]]
    assert visits and all(
        visit["interval"] == {"lower": 3.0, "upper": 31.0, "coverage": 0.9} for visit in visits
    )
    assert "预计 expected 12.2 (90 %: 3–31)" in plan_as_text(week)
    without = plan_as_json(replace(week, scores=replace(ends, lower=None, upper=None)))
    assert all(visit["interval"] is None for cell in without["cells"] for visit in cell["visits"])


def test_what_is_listed_and_what_is_not_adds_up_to_the_register(the_plan: WeekPlan) -> None:
    sums = plan_as_json(the_plan)["reconciliation"]
    assert sums["whole"]
    assert sums["register"] == FIRMS == sums["scored"] + sums["not_living"]
    assert sum(sums["listed"].values()) + sum(sums["left_out"].values()) == sums["scored"]
    assert (sums["left_out"]["no_cell"], sums["left_out"]["waived"]) == (1, 1)
    text = plan_as_text(the_plan)
    assert f"登记 register {FIRMS} = " in text
    assert "奖牌免日常检查 a medal waives routine visits, or a category" in text


def test_a_halted_model_lists_nobody_by_score_and_the_lottery_goes_on(
    store: Store, bundle: Bundle, the_plan: WeekPlan
) -> None:
    halt = Halt("7-0123456789", "2015-06-28", "数据停了", "a feed has stopped")
    week = planned_week(store, bundle, week_of(store, MONDAY, SEED), halt)
    said = plan_as_json(week)
    whys = {visit["why"] for cell in said["cells"] for visit in cell["visits"]}
    assert "score" not in whys and {"complaint", "exposure"} <= whys
    assert [cell.drawn for cell in week.plan.cells] == [cell.drawn for cell in the_plan.plan.cells]
    assert said["model"]["halt"]["record_id"] == halt.record_id
    assert said["reconciliation"]["left_out"]["halted"] > 0
    assert "停用 halted" in plan_as_text(week) and "a feed has stopped" in plan_as_text(week)
    assert week.number != the_plan.number


def test_a_week_from_before_the_training_is_refused_by_its_days(bundle: Bundle) -> None:
    trained = day_of(bundle.manifest.as_of)
    before, after = (Week(trained + 1 + days, trained + days, SEED, None) for days in (-1, 0))
    check_not_before_training(bundle, after)
    with pytest.raises(PolicyError, match=r"trained as of 2015-01-01 .* --retrospective"):
        check_not_before_training(bundle, before)


def test_one_cell_is_shown_alone_and_an_unknown_one_is_refused(the_plan: WeekPlan) -> None:
    said = plan_as_json(the_plan)
    assert [cell["cell"] for cell in of_cell(said, "c1")["cells"]] == ["c1"]
    assert [cell["cell"] for cell in of_cell(said, "-")["cells"]] == [None]
    with pytest.raises(PolicyError, match=r"cell 'c9' has no list .* such as -, c0"):
        of_cell(said, "c9")


def test_a_long_plan_says_how_many_more_visits_each_list_has(
    the_plan: WeekPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = plan_as_text(the_plan)
    assert " more: --cell" not in whole
    monkeypatch.setattr("models.policy.plan_text.MOST_VISITS", 1)
    short = plan_as_text(the_plan)
    for cell in plan_as_json(the_plan)["cells"]:
        more = len(cell["visits"]) - FIRST_VISITS
        assert (f"{more} more: --cell {cell['cell']}" in short) is (more > 0)


def test_every_visit_stands_once_on_the_sheet_of_its_team_and_on_the_page(
    the_plan: WeekPlan, tmp_path: Path
) -> None:
    said = plan_as_json(the_plan)
    page, *teams = write_plan_sheets(said, tmp_path)
    listed = [visit["enterprise"] for cell in said["cells"] for visit in cell["visits"]]
    on_sheets: list[str] = []
    for path in teams:
        rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
        on_sheets += [row["企业 enterprise"] for row in rows]
        cells = {
            cell["cell"] for cell in said["cells"] if path.stem.endswith(f"team-{cell['team']}")
        }
        assert {row["网格 cell"] for row in rows} <= cells
    assert sorted(on_sheets) == sorted(listed)
    text = page.read_text("utf-8")
    assert all(text.count(f"<td>{name}</td>") == 1 for name in listed)
    before = [path.read_bytes() for path in (page, *teams)]
    assert [path.read_bytes() for path in write_plan_sheets(said, tmp_path)] == before


def test_a_directory_stands_on_the_sheets_and_not_in_the_plan(
    the_plan: WeekPlan, tmp_path: Path
) -> None:
    said = plan_as_json(the_plan)
    listed = [visit["enterprise"] for cell in said["cells"] for visit in cell["visits"]]
    known = {"name": "<b>厂</b>", "address": "南京路1号", "telephone": "0532-1"}
    page, *teams = write_plan_sheets(said, tmp_path / "with", {listed[0]: known})
    rows = [
        row for path in teams for row in csv.DictReader(path.read_text("utf-8-sig").splitlines())
    ]
    contacts = {row["企业 enterprise"]: (row["名称 name"], row["电话 telephone"]) for row in rows}
    assert contacts[listed[0]] == ("<b>厂</b>", "0532-1")
    assert {contacts[name] for name in listed[1:]} <= {("", "")} and len(contacts) == len(listed)
    text = page.read_text("utf-8")
    assert "<td>南京路1号</td>" in text and "<b>" not in text
    assert said == plan_as_json(the_plan) and "南京路" not in str(said)
    without, *_ = write_plan_sheets(said, tmp_path / "without", {})
    assert "名称 name" not in without.read_text("utf-8")


@pytest.mark.parametrize("sign", list("=+-@\t\r"))
def test_a_spreadsheet_computes_no_name_of_a_firm(
    the_plan: WeekPlan, tmp_path: Path, sign: str
) -> None:
    said = plan_as_json(the_plan)
    listed = [visit["enterprise"] for cell in said["cells"] for visit in cell["visits"]]
    name = f'{sign}HYPERLINK("http://example.org")'
    known = {"name": name, "address": "", "telephone": ""}
    _, *teams = write_plan_sheets(said, tmp_path, dict.fromkeys(listed, known))
    for path in teams:
        with path.open(encoding="utf-8-sig", newline="") as file:
            assert {row["名称 name"] for row in csv.DictReader(file)} == {f"'{name}"}


def test_a_sheet_shows_a_name_as_text_and_a_team_as_a_file(
    the_plan: WeekPlan, tmp_path: Path
) -> None:
    said = plan_as_json(the_plan)
    cell = next(cell for cell in said["cells"] if cell["visits"])
    cell["team"] = "../<b>t/1"
    page, *teams = write_plan_sheets({**said, "cells": [cell]}, tmp_path / "out")
    assert [path.parent for path in teams] == [tmp_path / "out"]
    assert "<b>" not in page.read_text("utf-8")


def test_why_names_the_reason_of_every_living_enterprise_that_the_sums_count(
    the_plan: WeekPlan,
) -> None:
    answers = {unit.name: why_listed(the_plan, unit.name) for unit in the_plan.units}
    sums = plan_as_json(the_plan)["reconciliation"]
    reasons = Counter(one["decided_by"] for one in answers.values() if not one["listed"])
    assert dict(reasons) == sums["left_out"]
    assert Counter(one["decided_by"] for one in answers.values() if one["listed"]) == sums["listed"]
    for one in answers.values():
        assert why_lines(one)
        assert bool(one["would"]) is not one["listed"]
        if one["would_need_workers"] is not None:
            assert one["would_need_workers"] >= one["score"]["expected_workers"] * 0.99
    assert answers["e1"]["decided_by"] == "waived"
    assert answers["e3"]["decided_by"] == "resting"
    assert answers["e0"]["decided_by"] == "complaint"
