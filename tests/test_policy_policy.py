"""The dated policy and what it says of a unit."""

from __future__ import annotations

from importlib import resources

import pytest

from features.calendar import day_of
from features.errors import PolicyError
from models.policy.policy import policies, policy_of, policy_on
from models.policy.policy_status import Facts, standing_of

TEXT = resources.files("models.policy").joinpath("rules/qingdao-2012.toml").read_text("utf-8")
DAY = day_of("2015-07-06")


def test_the_rule_set_in_force_is_the_latest_that_has_begun() -> None:
    assert policy_on(day_of("2016-12-31")).rule == "qingdao-2012"
    assert policy_on(day_of("2017-01-01")).rule == "national-2017"


def test_before_the_first_rule_set_there_is_none() -> None:
    with pytest.raises(
        PolicyError, match="no rule set is in force on 2011-12-31; the first begins on 2012-01-01"
    ):
        policy_on(day_of("2011-12-31"))


def test_published_rule_sets_have_names_and_digests_of_their_own_and_speak_both_languages() -> None:
    found = policies()
    assert (
        len({policy.rule for policy in found})
        == len({policy.digest for policy in found})
        == len(found)
        >= 2
    )
    assert all(policy.zh and policy.en for policy in found)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("percent = 10 ", "percent = 0 ", "lottery.percent"),
        ("weight = 2.0", "weight = nan", "weight"),
        ("rest = 182", "rest = -1", "routine.rest"),
        ("rest = 182", "rest = 182\nwish = 1", "routine.wish"),
        ('rule = "qingdao-2012"', "", "rule"),
        ("more = 1920", "more = 'long'", "visit.more"),
        ("[medal]", "[medal", "TOML"),
    ],
)
def test_a_wrong_line_of_a_rule_set_is_named(old: str, new: str, where: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=where):
        policy_of(TEXT.replace(old, new))


def test_the_last_class_must_hold_for_any_record() -> None:
    open_end = 'name = "poor"'
    with pytest.raises(PolicyError, match="last class"):
        policy_of(TEXT.replace(open_end, f"{open_end}\nsanctions_at_most = 9"))


@pytest.mark.parametrize(
    ("sanctions", "grave", "city", "nation"),
    [
        (0, 0, "full", "A"),
        (1, 0, "medium", "B"),
        (2, 0, "medium", "B"),
        (3, 0, "poor", "C"),
        (1, 1, "poor", "C"),
    ],
)
def test_the_class_follows_from_facts_found(
    sanctions: int, grave: int, city: str, nation: str
) -> None:
    for day, name in (("2015-01-01", city), ("2018-01-01", nation)):
        assert policy_on(day_of(day)).appraisal.class_of(sanctions=sanctions, grave=grave) == name


def test_visits_to_more_staff_never_take_fewer_minutes() -> None:
    minutes = [policy_on(DAY).visit.minutes_of(staff) for staff in range(0, 1000, 7)]
    assert minutes == sorted(minutes)


def stand(**facts: object) -> object:
    return standing_of(Facts(**facts), policy_on(DAY), DAY)  # type: ignore[arg-type]


def test_a_unit_that_nobody_has_looked_at_has_no_class_and_full_weight() -> None:
    standing = stand()
    assert (standing.grade, standing.weight, standing.waived) == (None, 1.0, False)


def test_a_decided_class_goes_before_counted_sanctions_and_sets_the_weight() -> None:
    assert stand(appraised="poor", visited=DAY - 400).weight == 2.0
    assert stand(sanctions=3, visited=DAY - 400).grade == "poor"
    assert stand(visited=DAY - 400).grade == "full"


@pytest.mark.parametrize(
    ("medal", "waived"),
    [
        ((DAY - 10, None), True),
        ((DAY - 730, None), True),
        ((DAY - 731, None), False),
        ((DAY + 1, None), False),
        ((DAY - 10, DAY - 1), False),
        ((DAY - 10, DAY), True),
    ],
)
def test_a_medal_waives_while_it_runs(medal: tuple[int, int | None], waived: bool) -> None:
    standing = stand(medal=medal)
    assert (standing.waived, standing.weight == 0) == (waived, waived)


def test_exposure_intensifies_even_a_medal_holder() -> None:
    standing = stand(medal=(DAY - 10, None), exposure=(DAY - 5, None))
    assert (standing.waived, standing.intensified, standing.exposure_due, standing.weight) == (
        False,
        True,
        True,
        2.0,
    )


def test_an_exposed_unit_is_due_again_after_the_declared_days() -> None:
    assert not stand(exposure=(DAY - 300, None), visited=DAY - 182).exposure_due
    assert stand(exposure=(DAY - 300, None), visited=DAY - 183).exposure_due
    assert not stand(exposure=(DAY - 300, DAY - 1), visited=DAY - 200).intensified


@pytest.mark.parametrize(
    ("complaints", "visited", "waiting"),
    [
        ((DAY - 5,), None, DAY - 5),
        ((DAY - 61,), None, None),
        ((DAY - 60,), None, DAY - 60),
        ((DAY - 61, DAY - 3), None, DAY - 3),
        ((DAY - 9, DAY - 3), None, DAY - 9),
        ((DAY - 5,), DAY - 5, None),
        ((DAY - 5,), DAY - 6, DAY - 5),
        ((DAY - 9, DAY - 3), DAY - 6, DAY - 3),
    ],
)
def test_a_complaint_waits_until_a_visit_or_the_declared_days(
    complaints: tuple[int, ...],
    visited: int | None,
    waiting: int | None,
) -> None:
    assert stand(complaints=complaints, visited=visited).complaint == waiting


def test_after_a_visit_a_unit_rests_from_scored_visits() -> None:
    assert stand(visited=DAY - 182).weight == 0
    assert stand(visited=DAY - 183).weight > 0
