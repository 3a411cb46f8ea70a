"""Laws of reasons: one fact is told once, in two languages, with table, rows and days, and holds when it is tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from features.calendar import day_of
from features.matrix import Matrix
from features.online.fact import Fact
from models.bundle.bundle import Bundle, Parts
from models.bundle.manifest import FrozenFeature
from models.bundle.score import score
from models.explain.evidence import evidence_limits, makes_sense, usual
from models.explain.explain import explain
from models.explain.leads import leads
from models.explain.reasons import Reason, mitigations_of, reasons_of
from models.explain.wording import span_words
from tests.alone import evidence, raw_without

MAY = (day_of("2015-05-01"), day_of("2015-05-31"))


def filed(measure: str, *row_ids: str, n_rows: int = 1) -> Fact:
    """A fact by hand."""
    return Fact(
        measure,
        "tax_payroll",
        "税务申报人数",
        "staff filed with tax",
        265,
        "persons",
        *MAY,
        row_ids or ("t1",),
        n_rows,
    )


@dataclass(frozen=True)
class ByHand:
    """A history in which each number of a case is one fact, and is missing without it."""

    row: Matrix

    def facts(self, feature: str) -> Sequence[Fact]:
        if np.isnan(self.row.column(feature)[0]):
            return ()
        return (filed(feature, f"row of {feature}"),)

    def without(self, fact: Fact) -> Matrix:
        values = self.row.values.copy()
        values[0, self.row.names.index(fact.measure)] = np.nan
        return replace(self.row, values=values)


@dataclass(frozen=True)
class OneFact(ByHand):
    """A history in which every number of a case rests on one and the same fact."""

    def facts(self, feature: str) -> Sequence[Fact]:
        return (replace(filed("all"), zh=feature, en=feature),)

    def without(self, fact: Fact) -> Matrix:
        lost = np.nan if fact.measure == "all" else 0.0
        return replace(self.row, values=np.full_like(self.row.values, lost))


@dataclass(frozen=True)
class TwoWays(ByHand):
    """A history in which each number goes with either of two facts, one of more rows than the other."""

    def facts(self, feature: str) -> Sequence[Fact]:
        return [
            replace(fact, n_rows=rows, last=fact.last - rows)
            for fact in super().facts(feature)
            for rows in (9, 2)
        ]


def dressed(bundle: Bundle, **changes: dict[str, Any]) -> Bundle:
    """The bundle with other declarations of some features, each a family of its own unless told."""
    features = [
        FrozenFeature(
            **(
                feature.model_dump()
                | {"family": feature.name, "direction": "none"}
                | changes.get(feature.name, {})
            )
        )
        for feature in bundle.features
    ]
    return replace(
        bundle, manifest=bundle.manifest.model_copy(update={"features": tuple(features)})
    )


def reasons(bundle: Bundle, row: Matrix) -> list[Reason]:
    contributions = explain(bundle, row).contributions[0]
    return reasons_of(bundle, row, contributions, evidence(bundle, row, contributions, ByHand(row)))


def case(staff: float = 265, gap: float = 98) -> Matrix:
    values = np.array([[staff, gap, 1.0, np.nan, 0.0, 1.0]])
    names = ("staff", "gap", "months_late", "kwh", "sector", "kind")
    categories = {
        "sector": tuple(f"行业 {code}" for code in range(40)),
        "kind": ("agency", "branch", "company"),
    }
    return Matrix(
        "enterprise", np.array(["e1"]), np.array([16616], dtype=np.int32), names, values, categories
    )


def test_a_reason_names_table_rows_and_days_in_both_languages(model_bundle: Bundle) -> None:
    bundle = dressed(
        model_bundle,
        gap={
            "reason_zh": "{declared_month}税务申报{declared}人，养老在保{staff}人",
            "reason_en": "tax payroll reports {declared} staff in {declared_month}, {staff} are enrolled",
        },
    )
    [reason] = reasons_of(
        bundle, case(staff=167), np.array([0, 0.5, 0, 0, 0, 0]), {"gap": [filed("declared")]}
    )
    assert reason.zh == "2015年5月税务申报265人，养老在保167人（税务工资申报，2015年5月，行 t1）"
    assert reason.en == (
        "tax payroll reports 265 staff in May 2015, 167 are enrolled "
        "(payroll as filed with the tax bureau, May 2015, row t1)"
    )
    assert (reason.feature, reason.contribution, reason.facts) == ("gap", 0.5, (filed("declared"),))


def test_without_a_template_the_meaning_the_value_and_the_fact_are_said(
    model_bundle: Bundle,
) -> None:
    fact = filed("declared", "t1", "t2", n_rows=7)
    same = replace(fact, value=98)
    [reason] = reasons_of(
        dressed(model_bundle), case(), np.array([0, 0.5, 0, 0, 0, 0]), {"gap": [fact]}
    )
    assert (
        reason.zh == "特征 gap：98人（税务申报人数265人：税务工资申报，2015年5月，行 t1、t2等7行）"
    )
    assert reason.en == (
        "feature gap: 98 persons (staff filed with tax 265 persons: "
        "payroll as filed with the tax bureau, May 2015, rows t1, t2 and 5 more)"
    )
    [shorter] = reasons_of(
        dressed(model_bundle), case(), np.array([0, 0.5, 0, 0, 0, 0]), {"gap": [same]}
    )
    assert shorter.zh == "特征 gap：98人（税务工资申报，2015年5月，行 t1、t2等7行）"


def test_a_template_that_names_what_is_not_known_gives_way_to_the_meaning(
    model_bundle: Bundle,
) -> None:
    for place in ("{nothing}", "{kwh}"):  # no such feature; a feature that is missing here
        bundle = dressed(
            model_bundle, gap={"reason_zh": f"申报{place}人", "reason_en": f"{place} filed"}
        )
        [reason] = reasons_of(
            bundle, case(), np.array([0, 0.5, 0, 0, 0, 0]), {"gap": [filed("declared")]}
        )
        assert reason.en.startswith("feature gap: 98 persons") and "{" not in reason.zh + reason.en


def test_features_of_one_family_and_tables_are_told_once_with_their_sum(
    model_bundle: Bundle,
) -> None:
    bundle = dressed(
        model_bundle,
        staff={"family": "compared"},
        gap={"family": "compared"},
        months_late={"family": "compared"},
    )
    found = leads(bundle, np.array([0.25, 0.5, -0.125, 0.0, 0.5, 0.0]))
    assert [(lead.contribution, lead.members) for lead in found] == [
        (0.625, ("gap", "staff")),
        (0.5, ("sector",)),
    ]
    facts = {"gap": [filed("gap")], "staff": [filed("staff")]}
    [reason] = reasons_of(bundle, case(), np.array([0.25, 0.5, -0.125, 0.0, 0.0, 0.0]), facts)
    assert (reason.feature, reason.contribution) == ("gap", 0.625)


def test_what_lowers_the_score_is_told_apart(model_bundle: Bundle) -> None:
    contributions = np.array([0.25, -0.5, -0.75, 0.0, 0.0, 0.0])
    facts = {name: [filed(name)] for name in ("staff", "gap", "months_late")}
    bundle = dressed(model_bundle)
    assert [reason.feature for reason in reasons_of(bundle, case(), contributions, facts)] == [
        "staff"
    ]
    assert [reason.feature for reason in mitigations_of(bundle, case(), contributions, facts)] == [
        "months_late",
        "gap",
    ]


@pytest.mark.parametrize(
    ("direction", "unit", "value", "raises", "said"),
    [
        ("up", "persons", 5, True, True),
        ("up", "persons", 3, True, False),
        ("up", "persons", 3, False, True),
        ("down", "days", 3, True, True),
        ("down", "days", 5, True, False),
        ("down", "days", 5, False, True),
        ("none", "persons", -5, True, True),
        ("none", "persons2", 5, True, False),
        ("up", "persons", np.nan, True, False),
    ],
)
def test_a_value_is_told_only_on_the_side_of_the_median_that_its_direction_says(
    model_bundle: Bundle, direction: str, unit: str, value: float, raises: bool, said: bool
) -> None:
    gap = FrozenFeature(
        **(model_bundle.features[1].model_dump() | {"unit": unit, "direction": direction})
    )
    assert makes_sense(gap, np.array([value]), 4.0, raises=raises).tolist() == [said]


def test_what_is_not_above_zero_is_no_reason_where_more_is_worse(model_bundle: Bundle) -> None:
    gap = model_bundle.features[1]
    assert makes_sense(gap, np.array([1.0, -3.0]), -4.0, raises=True).tolist() == [True, False]


def test_the_usual_value_is_the_lower_median_of_the_probe(model_bundle: Bundle) -> None:
    staff = np.sort(model_bundle.probe.inputs[:, 0])
    staff = staff[~np.isnan(staff)]
    assert usual(model_bundle)["staff"] == staff[(len(staff) - 1) // 2]


def test_evidence_is_only_what_lowers_the_score_when_it_is_taken_away(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    bundle = dressed(model_bundle)
    told = 0
    for position in range(60):
        row = model_parts.probe.row(position)
        contributions = explain(bundle, row).contributions[0]
        history = ByHand(row)
        facts = evidence(bundle, row, contributions, history)
        raw = score(bundle, row).raw[0]
        for reason in reasons_of(bundle, row, contributions, facts):
            assert all(raw_without(bundle, history, fact) < raw for fact in reason.facts)
            told += 1
    assert told > 60


@dataclass(frozen=True)
class NoFact(ByHand):
    """A history of which no rows can be taken away."""

    def facts(self, feature: str) -> Sequence[Fact]:
        assert feature in self.row.names
        return ()


def test_a_score_above_its_base_never_comes_without_a_reason(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    bundle, above = dressed(model_bundle), 0
    for position in range(60):
        row = model_parts.probe.row(position)
        contributions = explain(bundle, row).contributions[0]
        facts = evidence(bundle, row, contributions, NoFact(row))
        told = reasons_of(bundle, row, contributions, facts)
        if contributions.sum() <= 0:
            assert not told
            continue
        above += 1
        [reason] = told
        assert reason.facts == () and reason.contribution > 0
        assert reason.feature in leads(bundle, contributions)[0].members
        assert "None" not in reason.en and reason.zh
    assert above > 10


def test_rows_that_one_measure_told_are_not_told_again_by_another(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    bundle = dressed(model_bundle)

    class SameRows(ByHand):
        """A history in which each number is counted by a measure of its own from the same rows."""

        def facts(self, feature: str) -> Sequence[Fact]:
            return (filed(feature, "t1"),)

    for position in range(30):
        row = model_parts.probe.row(position)
        contributions = explain(bundle, row).contributions[0]
        facts = evidence(bundle, row, contributions, SameRows(row))
        assert len(reasons_of(bundle, row, contributions, facts)) <= 1


def test_no_fact_is_told_twice(model_parts: Parts, model_bundle: Bundle) -> None:
    bundle = dressed(model_bundle)
    for position in range(30):
        row = model_parts.probe.row(position)
        history = OneFact(row)
        facts = evidence(bundle, row, explain(bundle, row).contributions[0], history)
        raising = reasons_of(bundle, row, explain(bundle, row).contributions[0], facts)
        assert len(raising) <= 1


def test_the_narrowest_of_the_facts_that_matter_is_told(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    bundle, told = dressed(model_bundle), []
    for position in range(30):
        row = model_parts.probe.row(position)
        contributions = explain(bundle, row).contributions[0]
        for reason in reasons_of(
            bundle, row, contributions, evidence(bundle, row, contributions, TwoWays(row))
        ):
            told += [fact.n_rows for fact in reason.facts]
    assert set(told) == {2}


def test_what_hardly_moves_the_score_is_not_told(model_parts: Parts, model_bundle: Bundle) -> None:
    bundle = dressed(model_bundle)
    row = next(
        model_parts.probe.row(place)
        for place in range(60)
        if len(reasons(bundle, model_parts.probe.row(place))) > 1
    )
    contributions = explain(bundle, row).contributions[0]
    first, second, *_ = reasons_of(
        bundle, row, contributions, evidence(bundle, row, contributions, ByHand(row))
    )
    faint = contributions.copy()
    faint[row.names.index(second.feature)] = first.contribution * evidence_limits().least_share / 2
    assert second.feature not in evidence(bundle, row, faint, ByHand(row))


def test_features_without_a_declared_direction_only_fill_up_to_a_few(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    none = dressed(model_bundle)
    some = dressed(model_bundle, staff={"direction": "down"}, months_late={"direction": "down"})
    mixed = 0
    for position in range(40):
        row = model_parts.probe.row(position)
        names = [{reason.feature for reason in reasons(bundle, row)} for bundle in (none, some)]
        assert max(map(len, names)) <= evidence_limits().undirected
        mixed += bool(names[1] & {"staff", "months_late"} and names[1] - {"staff", "months_late"})
    assert mixed


def test_the_same_case_and_facts_give_the_same_words(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    row = model_parts.probe.row(5)
    contributions = explain(model_bundle, row).contributions[0]
    facts = evidence(model_bundle, row, contributions, ByHand(row))
    assert reasons_of(model_bundle, row, contributions, facts) == reasons_of(
        model_bundle, row, contributions, facts
    )
    assert span_words(16616, 16616, "zh") == "2015年6月30日"
