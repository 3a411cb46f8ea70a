"""A notice tells the firm or person concerned what raised a score, how to object, and nothing of anybody else."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from features.catalogue.document import whole_catalogue
from features.catalogue.others import tells_of_others
from features.contract.tables import contract
from features.engine.matrices import matrix as matrix_of_day
from features.errors import LedgerError, RequestError
from models.bundle.score import score
from models.explain.reasons import leads
from serving.errors import RecordUnknown
from serving.ledger.record import Case
from serving.replay.notice import notice_page, notice_text, notices_of
from serving.replay.notice_words import WORDS
from serving.scoring.batch import write_batch_rows
from tests.recorded import LAST, Home, erased, home_of, recorded
from tests.said import Say

LANGUAGES = ("zh", "en")
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which three units were scored and recorded."""
    return home_of(tmp_path_factory)


def told(home: Home, record_id: str, unit: str | None = None) -> str:
    return notice_text(notices_of(home.path, record_id, unit, LANGUAGES))


def alone(home: Home, case: Case) -> str:
    """Return what the notice of one case says, apart from the number of its record."""
    record_id = recorded(home.path, replace(home.record, cases=(case,)))
    return told(home, record_id).replace(record_id, "RECORD")


def identifiers(source: Path) -> set[str]:
    """Return every identifier of a unit, person or place, and every row number, that a source holds."""
    names: set[str] = set()
    for name, table in contract().items():
        path = source / f"{name}.csv"
        if not path.is_file():
            continue
        ids = [column.name for column in table.columns if column.kind == "id"] + ["row_id"]
        with path.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                names |= {row[column] for column in ids if row.get(column)}
    return names


def test_no_identifier_of_another_person_firm_or_row_stands_in_a_notice(home: Home) -> None:
    every = identifiers(home.path.parent / "source")
    assert len(every) > 1000
    for case in home.record.cases:
        text = told(home, home.record_id, case.key)
        page = notice_page(notices_of(home.path, home.record_id, case.key, LANGUAGES))
        for said in (text, unescape(re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))):
            words = set(re.findall(r"[A-Za-z0-9_-]+", said))
            assert words & every == {case.key}


def test_a_notice_is_the_same_whatever_the_numbers_of_others_are(home: Home) -> None:
    catalogue, case = whole_catalogue(), home.record.cases[0]
    of_others = [
        place
        for place, name in enumerate(home.record.features)
        if name in catalogue.declared and tells_of_others(catalogue, catalogue.feature(name))
    ]
    assert len(of_others) > 20
    changed = case.values.copy()
    changed[of_others] = 987_654.0
    assert alone(home, replace(case, values=changed)) == alone(home, case)
    own = [place for place in range(len(changed)) if place not in of_others]
    different = case.values.copy()
    different[own] = 987_654.0
    assert "987,654" in alone(home, replace(case, values=different))


@pytest.mark.parametrize(
    ("name", "of_others"),
    [
        ("staff", False),
        ("unpaid_share_12m", False),
        ("agency_sent", False),
        ("claimant_claims_365d", False),
        ("billed_claims_365d", False),
        ("base_against_peer", True),
        ("cell_complaints_365d", True),
        ("complaints_all", True),
        ("injury_claims_365d", True),
        ("same_representative", True),
        ("linked_found", True),
        ("cover_staff", True),
        ("provider_claims_365d", True),
        ("mean_against_peer", True),
    ],
)
def test_what_rests_on_rows_of_others_or_would_show_who_complained_tells_of_others(
    name: str, of_others: bool
) -> None:
    catalogue = whole_catalogue()
    assert tells_of_others(catalogue, catalogue.feature(name)) == of_others


def test_what_concerns_others_is_named_by_its_family_alone(home: Home) -> None:
    case = home.record.cases[0]
    contributions = np.zeros(len(case.contributions))
    place = home.record.features.index("complaints_all")
    contributions[place] = 1.0
    reason = {**case.reasons[0], "feature": "complaints_all", "contribution": 1.0}
    text = alone(home, replace(case, contributions=contributions, reasons=[reason]))
    assert "complaints: this concerns others, and to protect them no details are given" in text
    assert "投诉举报：涉及其他单位或个人" in text
    assert reason["en"] not in text


def test_a_notice_tells_the_reasons_in_their_order_and_without_their_rows(home: Home) -> None:
    case = home.record.cases[0]
    text = told(home, home.record_id, case.key)
    places = []
    for reason in case.reasons:
        statement = reason["en"].rsplit(" (", maxsplit=1)[0]
        if statement in text:
            places.append(text.index(statement))
        assert reason["en"] not in text
    assert places and places == sorted(places)


def test_a_notice_says_what_the_score_is_for_and_how_to_object(home: Home) -> None:
    case = home.record.cases[1]
    text = told(home, home.record_id, case.key)
    for language in LANGUAGES:
        words = WORDS[language]
        assert words["title"] in text and words["role_text"] in text
        for point in words["correction_points"]:
            assert point.format(record=home.record_id) in text
    assert "decided by a person" in text and "由工作人员决定" in text
    assert f"{100 * case.probability:.0f}%" in text and home.record_id in text
    assert "payroll as filed with the tax bureau" in text and "税务工资申报" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_in_one_language_has_no_word_of_the_other(home: Home, language: str) -> None:
    [notice] = notices_of(home.path, home.record_id, home.record.cases[0].key, [language])
    text = notice_text([notice])
    assert bool(HAN.search(text)) == (language == "zh")
    assert "{" not in text and "None" not in text and "nan" not in text.split()


def test_the_page_says_what_the_text_says_runs_nothing_and_fetches_nothing(home: Home) -> None:
    notices = notices_of(home.path, home.record_id, home.record.cases[0].key, LANGUAGES)
    page = notice_page(notices)
    for notice in notices:
        for section in notice.sections:
            for said in (section.title, *section.paragraphs, *section.points):
                assert said in unescape(page)
    assert "<script" not in page and "default-src 'none'" in page
    assert not re.search(r"https?://|(src|href)=|@import", page)
    assert page == notice_page(notices)


def test_without_recorded_reasons_what_moves_the_score_most_is_told(home: Home) -> None:
    case = replace(home.record.cases[0], reasons=[], facts={})
    strongest = leads(home.bundle, case.contributions)[0]
    assert strongest.contribution > 0
    assert WORDS["en"]["raised"] in alone(home, case)
    assert alone(home, case).count("\n- ") > 10


def test_a_row_of_a_batch_has_a_notice_too(home: Home) -> None:
    matrix = matrix_of_day(home.store, "enterprise", LAST)
    rows = write_batch_rows(home.path / "batches", matrix, score(home.bundle, matrix))
    batch = replace(home.record, kind="batch", cases=(), rows=rows, answer={"coverage": 0.9})
    record_id = recorded(home.path, batch)
    key = home.record.cases[0].key
    text = told(home, record_id, key)
    assert f"enterprise {key}" in text and WORDS["en"]["raised"] in text
    with pytest.raises(RequestError, match=f"holds {len(matrix)} units, a notice is for one"):
        told(home, record_id)


def test_what_cannot_be_told_is_refused_in_one_line(home: Home) -> None:
    with pytest.raises(RequestError, match=r"holds 3 units, .*; name it with --unit"):
        told(home, home.record_id)
    with pytest.raises(RecordUnknown, match="is not in this ledger of"):
        told(home, "9999-0000000000")
    with pytest.raises(LedgerError, match="this record holds no enterprise of that number"):
        told(home, home.record_id, "nobody")
    expired = recorded(home.path, home.record, keep_until=LAST)
    erased(home.path / "ledger.db", LAST + 1)
    with pytest.raises(LedgerError, match="is erased; its proof remains"):
        told(home, expired, home.record.cases[0].key)


def test_the_command_prints_text_and_writes_a_page_or_text(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(home.path))
    key = home.record.cases[0].key
    words = ("notice", home.record_id, "--unit", key, "--lang", "en")
    printed = say(*words).out
    assert printed.startswith(WORDS["en"]["title"]) and not HAN.search(printed)
    page, text = tmp_path / "notice.html", tmp_path / "notice.txt"
    assert say(*words, "--out", str(page)).out.strip() == str(page)
    assert say(*words, "--out", str(text)).code == 0
    assert text.read_text("utf-8") == printed
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    wrong = say("notice", "12", "--lang", "en")
    assert wrong.code == 2 and len(wrong.err.splitlines()) == 1
