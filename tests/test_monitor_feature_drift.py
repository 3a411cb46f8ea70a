"""Laws of drift: what is alike is not told as moved, what moved is told as one thing, and no order of rows matters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, false_discovery_control

from features.matrix import Matrix
from models.bundle.manifest import TREES, FrozenFeature, Manifest
from training.monitor.causes import moved_tables
from training.monitor.feature_drift import (
    WatchedColumn,
    adjusted_chances,
    feature_drift,
    homogeneity,
)
from training.monitor.feeds import COMES, STOPPED, THIN, feed_word
from training.monitor.limits import monitor_limits
from training.monitor.reasons import feature_reasons
from training.monitor.shared_values import DayUnits
from training.monitor.watched_features import WatchedFeatures, watched_features

LIMITS = monitor_limits()
UNITS = 400
TABLES = ("contributions", "tax_payroll", "utilities")
KINDS = ("agency", "branch", "company")


def names_of(table: str, number: int = 12) -> list[str]:
    return [f"{table}_{place}" for place in range(number)]


NAMES = [name for table in TABLES for name in names_of(table)]


def manifest() -> Manifest:
    """A model of twelve numbers of each of three tables, and the kind of a unit."""
    words = {"unit": "", "direction": "none", "family": "f", "zh": "某", "en": "some"}
    numbers = [
        FrozenFeature(name=name, expression=name, tables=(name.rpartition("_")[0],), **words)
        for name in NAMES
    ]
    kind = FrozenFeature(
        name="kind", expression="kind", tables=("enterprises",), categories=KINDS, **words
    )
    return Manifest(
        format=TREES,
        target="undeclared_workers",
        entity="enterprise",
        as_of="2015-01-01",
        features=(*numbers, kind),
        calibration_raw=(0.0,),
        calibration_probability=(0.5,),
        versions={},
        origin={},
        metrics={},
    )


def units(seed: int, kinds: tuple[str, ...] = KINDS) -> DayUnits:
    """Units of a day: whole numbers that fall off, a tenth of them missing, in forty cells."""
    draw = np.random.default_rng(seed)
    values = np.floor(draw.lognormal(1.0, 1.0, (UNITS, len(NAMES) + 1)))
    values[draw.random(values.shape) < 0.1] = np.nan
    values[:, -1] = draw.integers(0, len(kinds), UNITS)
    keys = np.array([f"e{place}" for place in range(UNITS)], np.str_)
    days = np.zeros(UNITS, np.int32)
    matrix = Matrix("enterprise", keys, days, (*NAMES, "kind"), values, {"kind": kinds})
    return DayUnits(matrix, {"cell": np.arange(UNITS) % 40})


def changed(day: DayUnits, names: list[str], change: float) -> DayUnits:
    """Return a day whose values of some features are so much larger, or missing where the change is NaN."""
    values = day.matrix.values.copy()
    for name in names:
        place = day.matrix.names.index(name)
        values[: UNITS // 2, place] += change
    matrix = day.matrix
    return DayUnits(
        Matrix(matrix.entity, matrix.keys, matrix.as_of, matrix.names, values, matrix.categories),
        day.keys,
    )


def watched(then: DayUnits, now: DayUnits) -> WatchedFeatures:
    return watched_features(manifest(), then, now, LIMITS)


def test_where_nothing_changed_chance_is_told_as_drift_in_a_twentieth_of_redraws_at_most() -> None:
    redraws = 40
    false = 0
    for seed in range(redraws):
        drifts = watched(units(seed), units(seed + redraws)).drifts
        least = min(min(drift.values.chance, drift.missing.chance) for drift in drifts)
        false += least <= LIMITS.error
    assert false <= 0.05 * redraws


@pytest.mark.parametrize(("change", "part"), [(9.0, "values"), (np.nan, "missing")])
def test_a_table_that_changes_is_told_as_that_table_and_as_one_thing(
    change: float, part: str
) -> None:
    seen = watched(units(1), changed(units(2), names_of("utilities"), change))
    assert [(table.table, len(table.moved)) for table in seen.tables] == [("utilities", 12)]
    assert seen.alone == ()
    assert all(part in parts for parts in seen.moved.values())
    [reason] = feature_reasons(seen, [], LIMITS)
    assert reason.about == "table utilities" and reason.word == LIMITS.word.table_moved


def test_a_feature_that_moves_by_itself_is_named_and_no_table_is() -> None:
    seen = watched(units(1), changed(units(2), ["tax_payroll_3"], 9.0))
    assert (seen.tables, seen.alone) == ((), ("tax_payroll_3",))


def test_a_text_that_training_never_saw_is_named_with_its_units_and_is_not_missing() -> None:
    seen = watched(units(1), units(2, (*KINDS, "合伙")))
    [new] = seen.never_seen
    codes = units(2, (*KINDS, "合伙")).matrix.column("kind")
    assert (new.feature, new.texts, new.units) == ("kind", ("合伙",), int((codes == 3).sum()))
    [drift] = [drift for drift in seen.drifts if drift.name == "kind"]
    assert drift.missing_now == 0.0 and "values" in seen.moved["kind"]


def test_the_order_of_units_changes_nothing() -> None:
    then, now = units(1), changed(units(2), names_of("utilities"), 2.0)
    turned = now.take(np.arange(UNITS)[::-1])
    assert watched(then, turned).plain() == watched(then, now).plain()


def test_one_cell_that_changes_does_not_move_what_all_units_of_a_cell_share() -> None:
    days = []
    for in_first_cell in (7.0, 8.0):
        of_cell = np.arange(40) % 10 + 10.0
        of_cell[0] = in_first_cell
        day = units(1)
        day.matrix.values[:, 0] = of_cell[day.keys["cell"]]
        days.append(day)
    assert NAMES[0] not in watched(*days).moved
    one_each = [DayUnits(day.matrix, {}) for day in days]
    one_each[1].matrix.values[:40, 0] = 99.0
    assert NAMES[0] in watched(*one_each).moved


def test_a_table_is_told_before_one_that_shares_its_features() -> None:
    tables_of = {"a": ("x",), "b": ("x",), "c": ("x", "y"), "d": ("y",), "e": ("y",)}
    told = moved_tables(tables_of, {"a", "b", "c"}, LIMITS)
    assert [(table.table, table.moved) for table in told] == [("x", ("a", "b", "c"))]


def test_the_tests_are_those_of_another_library() -> None:
    counts = np.array([[30, 20, 50], [20, 40, 45]])
    assert homogeneity(counts) == pytest.approx(chi2_contingency(counts).pvalue)
    chances = np.random.default_rng(1).random(30) ** 3
    assert adjusted_chances(chances) == pytest.approx(false_discovery_control(chances, method="by"))


def test_a_day_without_values_is_no_number() -> None:
    nothing = np.full(UNITS, np.nan)
    [drift] = feature_drift([WatchedColumn("x", nothing, np.ones(UNITS))], LIMITS)
    assert drift.values.psi is None and drift.moved(LIMITS) == ("missing",)


@pytest.mark.parametrize(
    ("rows", "least", "word"),
    [(0, 200, STOPPED), (5, 200, THIN), (150, 200, COMES), (0, 3, COMES), (0, None, COMES)],
)
def test_a_feed_stops_where_rows_came_before_and_a_lean_one_may_be_empty(
    rows: int, least: int | None, word: str
) -> None:
    assert feed_word(rows, least, LIMITS) == word
