"""Laws of the roles of attributes: features read what has a legal basis, and nothing else, whatever its name."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from features.calendar import day_of
from features.catalogue.document import entry
from features.catalogue.parse import read_catalogue
from features.catalogue.roles import PROTECTED, WITHOUT_BASIS
from features.check.load_report import check_lines, summary_of
from features.engine.matrices import catalogue_of, matrix
from features.errors import CatalogueError, SourceError
from features.ingest.source import find_source
from features.ingest.source_toml import declaration_of
from features.store.append import feed
from features.store.opening import open_store
from features.store.store import Store
from tests.said import Say
from training.certificate.declarations import barred
from training.runs.candidate_features import declared_candidates

Write = Callable[..., Path]
SOURCES = Path(__file__).parents[1] / "sources"
DAY = day_of("2015-06-30")
BASIS = 'basis = "社会保险法第八十八条 · Social Insurance Law, art. 88"\n'
SHIELDED = "protected = true\n"
WOMEN = "measure | women | {table} | enterprise | {day} | gender == 1 | 1 | persons | 女 | women\n"
COUNTED = "enterprise | women_365d | sum(women, 365d) | persons | none | claims | 女 | women |"


def gender(role: str, table: str = "claims") -> str:
    """Return the declaration of an attribute in a role."""
    return f'[[attribute]]\ntable = "{table}"\nname = "gender"\ntype = "flag"\nzh = "性别"\nen = "gender"\n{role}'


def opened(write: Write, toml: str) -> Store:
    claims = [
        {"claim": f"c{n}", "worker": f"w{n}", "enterprise": "e1", "filed_on": "2015-06-01"}
        | {"scheme": "medical", "gender": n % 2, "recorded_on": "2015-06-02"}
        for n in range(4)
    ]
    firm = {"enterprise": "e1", "since": "2014-01-01", "recorded_on": "2014-01-02"}
    return open_store(write({"claims": claims, "enterprises": [firm]}, toml))


def file_of(folder: Path, text: str) -> Path:
    path = folder / "more.txt"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("role", "reason"), [("", WITHOUT_BASIS), (SHIELDED, PROTECTED)])
def test_an_attribute_without_a_basis_is_left_out_by_name_and_check_says_so(
    write_source: Write, role: str, reason: str
) -> None:
    store = opened(write_source, gender(role))
    catalogue = catalogue_of(store)
    assert catalogue.left_out["attr_gender"] == f"claims.gender: {reason}"
    assert "attr_gender" not in matrix(store, "claim", DAY).names
    assert barred(catalogue, store.source) == []
    [line] = [line for line in check_lines(summary_of(store)) if "claims.gender" in line]
    assert "不作特征 no feature" in line


def test_an_attribute_with_a_basis_is_a_feature_that_states_it(write_source: Write) -> None:
    store = opened(write_source, gender(BASIS))
    catalogue = catalogue_of(store)
    assert matrix(store, "claim", DAY).column("attr_gender").tolist() == [0, 1, 0, 1]
    said = entry(catalogue, catalogue.feature("attr_gender"))
    assert "art. 88" in said["legal_basis"]["en"]
    assert summary_of(store)["attributes_left_out"] == {}


@pytest.mark.parametrize("role", ["", SHIELDED])
@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("claim", "claim | woman | attr(gender) | flag | none | claim | 女 | woman |"),
        ("claim", "claim | woman | 1 - attr_gender | flag | none | claim | 女 | woman |"),
        ("claim", "claim | woman | newest(claim_gender, all) | flag | none | claim | 女 | a |"),
        ("claim", "claim | woman | peer(attr_gender, worker) | flag | none | claim | 女 | a |"),
        ("enterprise", WOMEN.format(table="claims", day="filed_on") + COUNTED),
    ],
)
def test_a_feature_file_that_reads_it_is_refused_with_what_would_have_to_be_stated(
    write_source: Write, tmp_path: Path, role: str, entity: str, text: str
) -> None:
    store = opened(write_source, gender(role))
    with pytest.raises(CatalogueError) as refused:
        declared_candidates(store, file_of(tmp_path, text), entity)
    line = str(refused.value)
    assert "\n" not in line and "'gender' of claims" in line and "protected = true" in line
    assert ('name = "gender" say basis = "LAW"' in line) == (role == "")


def test_a_feature_file_may_read_what_has_a_basis(write_source: Write, tmp_path: Path) -> None:
    store = opened(write_source, gender(BASIS))
    text = WOMEN.format(table="claims", day="filed_on") + COUNTED
    fresh = declared_candidates(store, file_of(tmp_path, text), "enterprise")
    women = fresh.of(matrix(fresh.engine(store), "enterprise", DAY))
    assert women.values.tolist() == [[2.0]]


def test_an_attribute_of_a_visit_serves_labels_without_a_basis_and_features_with_one(
    write_source: Write, tmp_path: Path
) -> None:
    visit = {"inspection": "i1", "enterprise": "e1", "kind": "routine", "opened": "2015-05-01"}
    visit |= {f"examined_{kind}": 1 for kind in range(1, 6)} | {"gender": 1}
    firm = {"enterprise": "e1", "since": "2014-01-01"}
    tables = {"inspections": [visit], "enterprises": [firm]}
    store = open_store(write_source(tables, gender("", "inspections")))
    assert summary_of(store)["attributes_left_out"] == {}
    text = WOMEN.format(table="inspections", day="opened") + COUNTED
    with pytest.raises(CatalogueError, match="'gender' of inspections"):
        declared_candidates(store, file_of(tmp_path, text), "enterprise")
    stated = open_store(write_source(tables, gender(BASIS, "inspections"), folder="stated"))
    assert declared_candidates(stated, file_of(tmp_path, text), "enterprise").names


def test_a_role_is_one_of_two_and_no_basis_lifts_the_forbidden_list(write_source: Write) -> None:
    with pytest.raises(SourceError, match="leave one out"):
        find_source(write_source({"claims": []}, gender(SHIELDED + BASIS)))
    named = gender(BASIS).replace('"gender"', '"claimant_sex"', 1)
    forbidden = find_source(write_source({"claims": []}, named, folder="named"))
    with pytest.raises(CatalogueError, match="no basis lets a feature read it"):
        read_catalogue(lambda _table: True, forbidden.declaration.attribute)
    shielded = find_source(write_source({"claims": []}, gender(SHIELDED), folder="shielded"))
    assert read_catalogue(lambda _table: True, shielded.declaration.attribute).left_out


def test_a_basis_may_be_stated_while_a_store_is_fed(write_source: Write) -> None:
    claims = [{"claim": "c1", "worker": "w1", "filed_on": "2015-06-01", "scheme": "medical"}]
    rows = [row | {"gender": 1, "recorded_on": "2015-06-01"} for row in claims]
    place = write_source({"claims": rows}, gender(""))
    feed(find_source(place), day_of("2015-06-01"))
    assert "attr_gender" not in catalogue_of(open_store(place)).declared
    write_source({"claims": rows}, gender(BASIS))
    feed(find_source(place), day_of("2015-06-02"))
    assert "attr_gender" in catalogue_of(open_store(place)).declared


@pytest.mark.parametrize("name", ["california", "carclaims", "chicago", "core_platform"])
def test_every_attribute_of_the_sources_here_has_its_role(name: str) -> None:
    values = tomllib.loads((SOURCES / name / "source.toml").read_text("utf-8"))
    declaration = declaration_of({"complete_to": date(2015, 6, 30)} | values, "source.toml")
    catalogue = read_catalogue(lambda _table: True, declaration.attribute)
    assert not [feature for feature in catalogue.left_out if feature.startswith("attr_")]


def test_check_says_in_one_line_what_is_missing(say: Say, write_source: Write) -> None:
    claim = {"claim": "c1", "worker": "w1", "filed_on": "2015-06-01", "scheme": "medical"}
    place = write_source({"claims": [claim | {"gender": 1}]}, gender(""))
    [line] = [line for line in say("check", place).out.splitlines() if "claims.gender" in line]
    assert "未声明法律依据" in line and 'basis = "…"' in line
