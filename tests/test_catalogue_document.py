"""The feature dictionary: complete in both languages, generated, and clear of what is forbidden."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from features.catalogue.document import (
    catalogue_as_json,
    catalogue_page,
    families,
    forbidden,
    whole_catalogue,
)
from features.catalogue.language import AGGREGATES
from features.catalogue.model import FORBIDDEN, Catalogue
from features.catalogue.parse import read_catalogue
from features.catalogue.syntax import FUNCTIONS
from features.catalogue.validate import (
    check_catalogue,
    check_feature,
    check_measure,
    columns_read,
    every_table,
    forbidden_in,
)
from features.errors import CatalogueError

ROOT = Path(__file__).parents[1]
HAN = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def whole() -> Catalogue:
    return whole_catalogue()


def catalogue_with(tmp_path: Path, *lines: str) -> Catalogue:
    """Return the catalogue with a feature file of some lines."""
    place = tmp_path / "more.txt"
    place.write_text("\n".join(lines) + "\n", "utf-8")
    return read_catalogue(lambda _table: True, extra=place)


def test_the_page_in_docs_is_what_the_declarations_generate(whole: Catalogue) -> None:
    assert (ROOT / "docs" / "features.md").read_text("utf-8") == catalogue_page(whole), (
        "lssi dictionary > docs/features.md"
    )


def test_every_family_used_is_declared_and_every_family_declared_is_used(whole: Catalogue) -> None:
    assert {feature.family for feature in whole.declared.values()} | {"attributes"} == set(
        families()
    )


def test_every_meaning_is_told_in_both_languages(whole: Catalogue) -> None:
    said = catalogue_as_json(whole)
    told = [
        *said["features"],
        *said["measures"],
        *said["windows"],
        *said["stored"],
        *said["families"],
        *said["forbidden"],
        *[family["legal_basis"] for family in said["families"]],
    ]
    assert len(told) > 400
    for one in told:
        assert HAN.search(one["zh"]), one
        assert one["en"] and not HAN.search(one["en"]), one


def test_a_legal_basis_cites_an_article_or_asks_for_a_lawyer() -> None:
    for family in families().values():
        assert "第" in family.law_zh or "待法律人员核对" in family.law_zh, family
        assert (
            "art." in family.law_en or "to be checked by the bureau's lawyers" in family.law_en
        ), family
        assert ("核对" in family.law_zh) == ("to be checked" in family.law_en), family


def test_the_catalogue_reads_only_what_exists_and_nothing_forbidden(whole: Catalogue) -> None:
    check_catalogue(whole)
    for measure in whole.measures.values():
        if measure.table != "protected":
            assert not any(forbidden_in(name) for name in columns_read(measure)), measure.name
    assert not any("protected" in feature.tables for feature in whole.declared.values())


def test_every_word_of_the_forbidden_list_has_its_reason() -> None:
    assert tuple(forbidden()) == FORBIDDEN


def test_every_entry_names_what_a_reader_needs(whole: Catalogue) -> None:
    said = {one["name"]: one for one in catalogue_as_json(whole)["features"]}
    assert len(said) == len(whole.declared) >= 250
    assert all(one["tables"] and one["formula"] and one["unit"] for one in said.values())
    assert said["hires_90d"]["windows"] == ["90d"]
    assert said["share_not_enrolled"]["measures"] == [
        "hires",
        "leavings",
        "pension_in",
        "pension_out",
    ]
    assert said["billed_mean_peer"]["peers"] == ["billed_mean_365d by kind"]


def test_the_reference_names_every_word_of_the_language(whole: Catalogue) -> None:
    text = catalogue_page(whole)
    for word in (*AGGREGATES, *FUNCTIONS):
        assert re.search(rf"`{word}[(`]", text), word


def test_what_a_source_cannot_compute_is_listed_with_the_table_it_needs() -> None:
    without = read_catalogue(lambda table: table not in ("utilities", "tax_payroll"))
    said = catalogue_as_json(without, "small")
    assert {"utilities", "tax_payroll"} <= set(said["left_out"].values())
    assert not any("utilities" in one["tables"] for one in said["features"])
    assert "## 未算 · Left out" in catalogue_page(without, "small")
    assert json.loads(json.dumps(said)) == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "measure | m | payslips | enterprise | month | | 1 | count | 工资单 | slips",
            "table 'payslips'",
        ),
        (
            "measure | m | tax_payroll | enterprise | month | | bonus | fen | 奖金 | bonus",
            "no column 'bonus'",
        ),
        (
            "measure | m | tax_payroll | enterprise | payroll | | 1 | count | 行 | rows",
            "placed by 'payroll'",
        ),
        ("measure | m | protected | worker | | | sex | count | 性别 | sex", "protected"),
        (
            "measure | m | members | member | started | | 1 | count | 成员 | members",
            "forbidden list",
        ),
        (
            "measure | m | tax_payroll | enterprise | month | recorded_at > 1 | 1 | count | 行 | rows",
            "no column 'recorded_at'",
        ),
    ],
)
def test_a_measure_that_reads_what_it_may_not_is_refused(
    tmp_path: Path, line: str, said: str
) -> None:
    with pytest.raises(CatalogueError, match=said):
        check_measure(catalogue_with(tmp_path, line).measure("m"), every_table())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "enterprise | x | sum(hires, 45d) | persons | up | staff | 入职 | hires |",
            "window '45d' is not declared",
        ),
        (
            "enterprise | x | peak(hires, 90d) | persons | up | staff | 入职 | hires |",
            "needs a window of months",
        ),
        (
            "enterprise | x | sum(worker_claims, 90d) | count | up | staff | 申领 | claims |",
            "grouped by 'worker'",
        ),
        (
            "enterprise | x | peer(staff, kin) | count | up | staff | 同类 | peers |",
            "peers share 'kin'",
        ),
        (
            "enterprise | inspector_x | staff | persons | up | staff | 在职 | staff |",
            "forbidden list",
        ),
        ("enterprise | 9x | staff | persons | up | staff | 在职 | staff |", "letters, digits"),
    ],
)
def test_a_feature_that_rests_on_nothing_is_refused(tmp_path: Path, line: str, said: str) -> None:
    catalogue = catalogue_with(tmp_path, line)
    with pytest.raises(CatalogueError, match=said):
        check_feature(catalogue, list(catalogue.features("enterprise"))[-1])
