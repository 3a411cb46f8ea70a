"""Laws of the audit by groups: small groups stay hidden, names and row order change nothing, and an unfair list is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from training.groups.audit import ONE_GROUP, group_report
from training.groups.rates import RATES, Audited
from training.groups.table import AuditAttribute, AuditGroup, group_table
from training.groups.values import Partition

NUMBER = 600
CAPACITY = 120
LEAST = group_table().least


def list_of(bonus: float = 0.0, seed: int = 7) -> tuple[Audited, np.ndarray]:
    """Return cases of two like groups, and the list by a score that adds a bonus to the second."""
    draw = np.random.default_rng(seed)
    group = draw.integers(0, 2, NUMBER)
    risk = draw.beta(2, 5, NUMBER)
    label = (draw.random(NUMBER) < risk).astype(np.float64)
    score = risk + bonus * group
    listed = np.zeros(NUMBER, np.bool_)
    listed[np.argsort(-score)[:CAPACITY]] = True
    label[draw.random(NUMBER) < 0.2] = np.nan
    days = np.where(label == 1, draw.integers(5, 60, NUMBER), np.nan)
    ids = np.array([f"c{place:04d}" for place in draw.permutation(NUMBER)], np.str_)
    chance = np.full(NUMBER, 0.8)
    ones = np.ones(NUMBER)
    return Audited(ids, np.arange(NUMBER), listed, label, risk, chance, ones, days), group


def parted(name: str, member: np.ndarray, *names: str) -> Partition:
    groups = tuple(AuditGroup(name=each, zh="甲", en=each) for each in names)
    return Partition(AuditAttribute(name=name, zh="乙", en=name), groups, member.astype(np.int64))


def report(cases: Audited, *partitions: Partition, **more: Any) -> dict[str, Any]:
    said = group_report(cases, partitions, seed=1, not_known=more)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    return said


def differing(said: dict[str, Any]) -> set[str]:
    return {row["rate"] for row in said["pairs"] if row["differ"]}


def test_a_list_that_adds_a_bonus_to_one_group_is_told_and_a_fair_one_is_not() -> None:
    cases, group = list_of()
    assert differing(report(cases, parted("town", group, "a", "b"))) == set()
    cases, group = list_of(bonus=0.15)
    unfair = report(cases, parted("town", group, "a", "b"))
    assert {"selection_rate", "false_positive_rate"} <= differing(unfair)
    [pair] = [row for row in unfair["pairs"] if row["rate"] == "selection_rate"]
    assert pair["group"] == "a" and pair["other"] == "b" and pair["high"] < 0


def test_rates_are_those_counted_by_hand() -> None:
    cases, group = list_of(bonus=0.1)
    said = report(replace(cases, chance=np.ones(NUMBER)), parted("town", group, "a", "b"))
    value = {(row["group"], row["rate"]): row["value"] for row in said["rates"]}
    for place, name in enumerate("ab"):
        inside = group == place
        label, listed = cases.label[inside], cases.listed[inside]
        assert value[name, "selection_rate"] == pytest.approx(listed.mean())
        assert value[name, "false_positive_rate"] == pytest.approx(listed[label == 0].mean())
        assert value[name, "false_negative_rate"] == pytest.approx(1 - listed[label == 1].mean())
        assert value[name, "precision"] == pytest.approx(np.nanmean(label[listed]))
        told = cases.probability[inside][~np.isnan(label)].sum()
        assert value[name, "calibration"] == pytest.approx(np.nansum(label) / told)
        days = cases.days[inside][label == 1]
        assert value[name, "days_to_detection"] == pytest.approx(days.mean())
    assert {row["rate"] for row in said["rates"]} == {rate.name for rate in RATES}
    assert said["weights"] == "equal"


def test_a_case_with_half_the_chance_of_a_label_weighs_twice() -> None:
    cases, group = list_of(bonus=0.1)
    half = np.where(np.arange(NUMBER) % 2, 0.4, 0.8)
    said = report(replace(cases, chance=half), parted("town", group, "a", "b"))
    clean = (cases.label == 0) & (group == 0)
    expected = np.average(cases.listed[clean], weights=1 / half[clean])
    [row] = [
        row for row in said["rates"] if row["group"] == "a" and row["rate"] == "false_positive_rate"
    ]
    assert row["value"] == pytest.approx(expected) and said["weights"] == "inverse_propensity"


def test_the_order_of_the_rows_moves_no_bit() -> None:
    cases, group = list_of(bonus=0.1)
    mixed = np.random.default_rng(2).permutation(NUMBER)
    other = report(cases.take(mixed), parted("town", group[mixed], "a", "b"))
    assert other == report(cases, parted("town", group, "a", "b"))


def test_other_names_of_groups_move_no_number() -> None:
    cases, _ = list_of()
    group = np.arange(NUMBER) % 3
    said = report(cases, parted("town", group, "a", "b", "c"))
    other = report(cases, parted("town", (group + 1) % 3, "z", "x", "y"))
    renamed = dict(zip("abc", "xyz", strict=True))

    def values(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["value"], row["low"], row["high"]

    numbers = {(row["group"], row["rate"]): values(row) for row in other["rates"]}
    for row in said["rates"]:
        assert numbers[renamed[row["group"]], row["rate"]] == values(row)


def shown_sums(said: dict[str, Any], count: str) -> dict[str, int]:
    """Return by attribute what the JSON says of a count, added up over its groups."""
    sums: dict[str, int] = {}
    for row in said["groups"]:
        sums[row["attribute"]] = sums.get(row["attribute"], 0) + (row[count] or 0)
    return sums


def test_a_group_of_three_is_suppressed_and_cannot_be_had_by_subtraction() -> None:
    cases, _ = list_of()
    place = np.arange(NUMBER)
    # three in c; the towns of the country are just those of d and e
    town = np.select([place < 3, place < 40, place < 200, place < 300], [2, 0, 1, 3], 4)
    land = (town > 2).astype(np.int64)
    said = report(
        cases,
        parted("town", town, "a", "b", "c", "d", "e"),
        parted("land", land, "city", "country"),
    )
    words = {row["group"]: row["word"] for row in said["groups"]}
    hidden = {name for name, word in words.items() if word.startswith("suppressed")}
    assert "c" in hidden and not hidden & {"d", "e", "city", "country"}
    for row in [*said["groups"], *said["rates"]]:
        numbers = [value for value in row.values() if isinstance(value, int | float)]
        assert bool(numbers) != (row["group"] in hidden) or row["word"]
    assert not any({row["group"], row["other"]} & hidden for row in said["pairs"])
    # what is missing from the whole is more than the three, and at least as many as may be shown
    assert NUMBER - shown_sums(said, "cases")["town"] >= LEAST > 3
    # no combination of what is shown, or of its sums by land, gives the three
    indicators = [town == index for index, name in enumerate("abcde") if name not in hidden]
    indicators += [land == 0, land == 1, place >= 0]
    basis = np.array(indicators, np.float64).T
    three = (town == 2).astype(np.float64)
    fitted = basis @ np.linalg.lstsq(basis, three, rcond=None)[0]
    assert np.abs(three - fitted).max() > 0.1


def test_two_attributes_that_hide_the_same_group_do_not_tell_it_for_each_other() -> None:
    cases, _ = list_of()
    place = np.arange(NUMBER)
    few = np.where(place < 5, 0, 1 + place % 2)
    many = np.where(place < 5, 0, 1 + place % 3)
    said = report(cases, parted("one", few, "x", "a", "b"), parted("two", many, "x", "c", "d", "e"))
    for attribute in ("one", "two"):
        hidden = [row for row in said["groups"] if row["attribute"] == attribute and row["word"]]
        assert {row["group"] for row in hidden} > {"x"}


def test_a_small_group_beside_one_other_hides_both() -> None:
    cases, _ = list_of()
    said = report(cases, parted("town", (np.arange(NUMBER) < 3).astype(int), "a", "b"))
    assert [row["cases"] for row in said["groups"]] == [None, None]
    assert all(row["word"].startswith("suppressed") for row in said["rates"])


def test_units_count_and_not_their_cases() -> None:
    cases, _ = list_of()
    of_three_units = replace(cases, unit=np.where(cases.unit < 60, cases.unit % 3, cases.unit))
    group = (np.arange(NUMBER) >= 60).astype(int) + (np.arange(NUMBER) >= 300)
    said = report(of_three_units, parted("town", group, "a", "b", "c"))
    assert said["groups"][0]["word"] == f"suppressed: fewer than {LEAST} units"


def test_what_cannot_be_said_has_a_word() -> None:
    cases, group = list_of()
    clean = replace(cases, label=np.where(group == 1, 0.0, cases.label))
    said = report(clean, parted("town", group, "a", "b"), days_to_detection="not known: no days")
    words = {(row["group"], row["rate"]): row["word"] for row in said["rates"]}
    assert words["b", "false_negative_rate"] == "not estimable: it would rest on 0 units"
    assert words["a", "false_negative_rate"] == "" == words["b", "false_positive_rate"]
    assert words["a", "days_to_detection"] == "not known: no days"


def test_a_constant_attribute_an_absent_one_and_a_test_without_cases_are_no_crash() -> None:
    cases, _ = list_of()
    same = parted("town", np.zeros(NUMBER), "a", "unknown")
    attribute = AuditAttribute(name="sex", zh="性别", en="sex")
    absent = Partition(attribute, (), np.empty(0, np.int64), "not known: no table")
    said = report(cases, same, absent)
    assert [row["word"] for row in said["attributes"]] == [ONE_GROUP, "not known: no table"]
    assert said["pairs"] == [] and len(said["rates"]) == 2 * len(RATES)
    nothing = np.empty(0, np.int64)
    empty = report(cases.take(nothing), parted("town", nothing, "a", "b"))
    assert empty["rates"] == [] and empty["attributes"][0]["word"] == "no case of the test"
