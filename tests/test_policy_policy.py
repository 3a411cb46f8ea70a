"""The dated policy and what it says of a unit."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from features.calendar import day_of
from features.errors import PolicyError
from models.optimum.dated_rules import check_neighbours
from models.optimum.list_rules import VisitMinutes
from models.policy.campaign_rules import Grade, check_classes
from models.policy.policy import policies, policy_of, policy_on
from models.policy.policy_status import Facts, standing_of

RULES = resources.files("models.policy").joinpath("rules")
TEXT = RULES.joinpath("qingdao-2012.toml").read_text("utf-8")
BOUND = st.none() | st.integers(0, 3)
Bounds = tuple[int | None, int | None, int | None]
DAY = day_of("2015-07-06")
FROZEN = {
    "qingdao-2012": "806d8ee3c1f9ff9ffbb5e9f76279b7fbf39df0c5f2f631b8ff83b8a23397eb8a",
    "national-2017": "d806a6320cddfbd2e5d536e1cf20d10b46a782a1b01d0dd0c07f7f6acf0f72cb",
}
"""The digest of every published rule set. One that decisions rest on is never changed: a later one follows it."""


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
        ("percent = 10 ", "percent = 31 ", "lottery.percent"),
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


WRONG_KINDS = {
    "int": ["true", '"10"', "10.0", "2012-01-01", "[10]", "{ a = 1 }", "0x" + "f" * 5000],
    "float": ["true", '"0.5"', "nan", "inf", "2012-01-01", "9" * 400, "1e-320"],
    "date": [
        "20131200",
        "0",
        '"1325376000"',
        "2012-01-01T00:00:00+14:00",
        "9999-12-31",
        "1899-12-31",
    ],
    "name": ['""', '"a\\nb\\u001b"', '"a b"', "7", '"' + "a" * 65 + '"', '"a\\u200d"'],
    "text": ['""', '"\\u001b[2J"', '"\\u202e"', "true"],
    "list": ["[]", '"staff"', "{ a = 1 }", "7"],
}
"""By the kind of a value what must not pass for it, as TOML."""
KINDS_OF = {
    "lottery.percent": ("int", "percent = 10 "),
    "exchange.yuan_per_worker": ("int", "yuan_per_worker = 12000"),
    "visit.more": ("int", "more = 1920"),
    "medal.quota.full_size": ("int", "full_size = 433193"),
    "medal.order.0.step": ("float", "step = 365.0"),
    "first_day": ("date", "first_day = 2012-01-01"),
    "last_day": ("date", "last_day = 2016-12-31"),
    "rule": ("name", 'rule = "qingdao-2012"'),
    "appraisal.class.0.name": ("name", 'name = "full"'),
    "en": ("text", 'en = "appraised'),
    "visit.staff": ("list", 'staff = ["staff", "declared_last"]'),
    "appraisal.acts": ("list", 'acts = ["order", "fine", "referral"]'),
}


@pytest.mark.parametrize("key", KINDS_OF)
def test_a_value_of_another_kind_is_refused_with_its_key_and_what_was_given(key: str) -> None:
    kind, line = KINDS_OF[key]
    assert line in TEXT
    name = line.partition(" ")[0]
    rest_of_line = " # " if kind == "text" else ""
    for value in WRONG_KINDS[kind]:
        if key == "appraisal.class.0.name" and value == '"a b"':
            continue  # a class may have words for a name
        with pytest.raises(PolicyError) as refused:
            policy_of(TEXT.replace(line, f"{name} = {value}{rest_of_line}", 1))
        says = str(refused.value)
        assert f" {key}: " in says
        assert "got " in says or "should not be empty" in says
        assert says.isprintable() and len(says) < 300


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 9000])
def test_a_text_that_exhausts_the_parser_is_refused(value: str) -> None:
    with pytest.raises(PolicyError, match="should be TOML"):
        policy_of(TEXT.replace("more = 1920", f"more = {value}"))


def test_a_whole_number_may_stand_for_a_weight_and_changes_no_digest() -> None:
    assert policy_of(TEXT.replace("weight = 2.0", "weight = 2")).digest == policy_of(TEXT).digest


def test_the_usual_open_end_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = rule_folder(
        tmp_path / "rules", city={"last_day = 2016-12-31": "last_day = 9999-12-31"}
    )
    with pytest.raises(PolicyError, match=r"city.toml: .*last_day.*leave last_day out"):
        policies(folder)


@given(st.dates() | st.just(date.max))
def test_any_last_day_of_the_calendar_is_compared_without_a_traceback(last: date) -> None:
    published = policies()
    before = published[0].model_copy(update={"last_day": last})
    if last == published[0].last_day:
        return
    with pytest.raises(PolicyError, match=r"overlap|close the gap"):
        check_neighbours(before, published[1])


ROWS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), max_size=5)


@given(rows=ROWS, more=st.integers(1, 60))
def test_rows_of_minutes_are_accepted_exactly_if_each_holds_and_none_falls(
    rows: list[tuple[int, int]], more: int
) -> None:
    steps = [{"up_to": up_to, "minutes": minutes} for up_to, minutes in rows]
    declared = {"staff": ["staff"], "minutes": steps, "more": more}
    sizes = [up_to for up_to, _ in rows]
    lengths = [*(minutes for _, minutes in rows), more]
    if sizes == sorted(set(sizes)) and lengths == sorted(lengths):
        visit = VisitMinutes.model_validate(declared)
        assert [visit.minutes_of(size) for size in [*sizes, 61]] == lengths
    else:
        with pytest.raises(ValidationError, match=r"rising order|no fewer minutes"):
            VisitMinutes.model_validate(declared)


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


def test_a_published_rule_set_never_changes_in_silence() -> None:
    assert {policy.rule: policy.digest for policy in policies()} == FROZEN


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "sanctions_at_most = 2       # assumed",
            "sanctions_at_most = 0",
            "class 'medium' can never hold, for every record that it allows is 'full' already",
        ),
        ("sanctions_at_most = 0", "", "class 'medium' can never hold"),
        ('name = "medium"', 'name = "full"', "two classes are called 'full'"),
        (
            'class = "full"',
            'class = "best"',
            "medal.class should be one of full, medium, poor; got 'best'",
        ),
        (
            "last_day = 2016-12-31",
            "last_day = 2011-12-31",
            "ends on 2011-12-31, before its first day",
        ),
        ("sanctions_at_most = 0", "sanctions_at_most = -1", "sanctions_at_most"),
        ('level = "normal"', 'level = "none"', "level"),
        ('acts = ["order", "fine", "referral"]', "acts = []", "acts"),
        ("full_size = 433193", "full_size = 0", "full_size"),
    ],
)
def test_a_rule_set_that_cannot_be_meant_is_refused(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=re.escape(says)):
        policy_of(TEXT.replace(old, new, 1))


@given(st.lists(st.tuples(BOUND, BOUND, BOUND), min_size=1, max_size=4))
def test_a_class_is_refused_exactly_if_no_record_reaches_it(bounds: list[Bounds]) -> None:
    grades = [
        Grade(
            name=f"c{place}",
            weight=1.0,
            level="normal",
            sanctions_at_most=sanctions,
            grave_at_most=grave,
            refused_at_most=refused,
        )
        for place, (sanctions, grave, refused) in enumerate([*bounds, (None, None, None)])
    ]
    ruled = policy_on(DAY).appraisal.model_copy(update={"grades": tuple(grades)})
    records = [
        (sanctions, grave, refused)
        for sanctions in range(6)
        for grave in range(sanctions + 1)
        for refused in range(sanctions + 1)
    ]
    reached = {ruled.class_of(sanctions=s, grave=g, refused=r) for s, g, r in records}
    medal = policy_on(DAY).medal.model_copy(update={"grade": "c0"})
    if len(reached) == len(grades):
        check_classes("r", ruled, medal)
    else:
        with pytest.raises(PolicyError, match="can never hold"):
            check_classes("r", ruled, medal)


def rule_folder(place: Path, **changed: dict[str, str]) -> Path:
    """Return a folder with the published rule sets, in whose files texts are replaced."""
    names = {"city": "qingdao-2012", "nation": "national-2017"}
    place.mkdir()
    for short, name in names.items():
        text = RULES.joinpath(f"{name}.toml").read_text("utf-8")
        for old, new in changed.get(short, {}).items():
            assert old in text
            text = text.replace(old, new)
        (place / f"{short}.toml").write_text(text, "utf-8")
    return place


@pytest.mark.parametrize(
    ("city", "nation", "says"),
    [
        (
            {"last_day = 2016-12-31": "last_day = 2016-11-30"},
            {},
            "no rule set is in force from 2016-12-01 to 2016-12-31",
        ),
        (
            {"last_day = 2016-12-31": "last_day = 2017-01-01"},
            {},
            "lasts to 2017-01-01 and 'national-2017' begins on 2017-01-01: they overlap",
        ),
        (
            {"last_day = 2016-12-31\n": ""},
            {"first_day = 2017-01-01": "first_day = 2012-01-01"},
            "both begin on 2012-01-01; only one may be in force",
        ),
        ({}, {'rule = "national-2017"': 'rule = "qingdao-2012"'}, "two rule sets are called"),
        ({"[medal]": "[medal"}, {}, "city.toml: a rule set should be TOML"),
    ],
)
def test_rule_sets_that_clash_or_leave_days_without_any_are_refused(
    tmp_path: Path, city: dict[str, str], nation: dict[str, str], says: str
) -> None:
    folder = rule_folder(tmp_path / "rules", city=city, nation=nation)
    with pytest.raises(PolicyError, match=re.escape(says)):
        policies(folder)


def test_a_day_after_the_last_rule_set_has_none(tmp_path: Path) -> None:
    ended = {"first_day = 2017-01-01": "first_day = 2017-01-01\nlast_day = 2019-12-31"}
    folder = rule_folder(tmp_path / "rules", nation=ended)
    assert policy_on(day_of("2019-12-31"), folder).rule == "national-2017"
    with pytest.raises(PolicyError, match="the last, 'national-2017', ended on 2019-12-31"):
        policy_on(day_of("2020-01-01"), folder)


def test_a_folder_without_rule_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="holds no rule set; copy one of models/policy/rules/"):
        policies(tmp_path)
    with pytest.raises(PolicyError, match="--rules should be a folder of rule sets"):
        policies(tmp_path / "nowhere")


def test_visits_to_more_staff_never_take_fewer_minutes() -> None:
    minutes = [policy_on(DAY).visit.minutes_of(staff) for staff in range(0, 1000, 7)]
    assert minutes == sorted(minutes)


@pytest.mark.parametrize(
    ("medals", "is_waived"),
    [
        ((), False),
        # over on the Sunday before, on the Monday, and begun on the Sunday or the day after
        (((DAY - 700, DAY - 1),), False),
        (((DAY - 700, DAY),), True),
        (((DAY + 6, DAY + 700),), True),
        (((DAY + 7, DAY + 700),), False),
        # a renewal that is known already
        (((DAY - 700, DAY + 2), (DAY + 3, DAY + 700)), True),
        (((DAY - 700, None), (DAY + 30, None)), True),
    ],
)
def test_a_medal_waives_the_visits_of_a_week_on_one_of_whose_days_it_runs(
    medals: tuple[tuple[int, int | None], ...], is_waived: bool
) -> None:
    friday_before = DAY - 3
    facts = Facts(medals=medals)
    assert standing_of(facts, policy_on(DAY), friday_before, (DAY, DAY + 6)).waived == is_waived


def stand(**facts: object) -> object:
    return standing_of(Facts(**facts), policy_on(DAY), DAY)  # type: ignore[arg-type]


def test_a_unit_that_nobody_has_looked_at_has_no_class_and_full_weight() -> None:
    standing = stand()
    assert (standing.grade, standing.weight, standing.waived) == (None, 1.0, False)


def test_a_decided_class_goes_before_counted_sanctions_and_sets_the_weight() -> None:
    assert stand(appraised="poor", visited=DAY - 400).weight == 2.0
    assert stand(sanctions=3, visited=DAY - 400).grade == "poor"
    assert stand(visited=DAY - 400).grade == "full"


@pytest.mark.parametrize("day", ["2015-07-06", "2018-07-02"])
def test_a_class_lowers_the_weight_of_visited_units_alone_and_raises_that_of_all(day: str) -> None:
    policy = policy_on(day_of(day))
    full = policy.appraisal.unappraised
    for grade in policy.appraisal.grades:
        looked_at = Facts(appraised=grade.name, visited=day_of(day) - 400)
        never = Facts(appraised=grade.name)
        assert standing_of(looked_at, policy, day_of(day)).weight == grade.weight
        assert standing_of(never, policy, day_of(day)).weight == max(grade.weight, full)
        assert standing_of(never, policy, day_of(day)).grade == grade.name


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
    standing = stand(medals=(medal,))
    assert (standing.waived, standing.weight == 0) == (waived, waived)


def test_exposure_intensifies_even_a_medal_holder() -> None:
    standing = stand(medals=((DAY - 10, None),), exposure=(DAY - 5, None))
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
