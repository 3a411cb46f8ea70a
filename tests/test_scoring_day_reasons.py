"""The reasons on a week's lists: those that `lssi why` tells, without the numbers of rows, on every form of the plan."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from features.calendar import day_of
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.champions import ModelKey
from serving.scoring.day_reasons import STRONGEST, day_reasons, listed_reasons
from serving.scoring.promoted_models import promoted
from tests.said import Say

WEEK = ("--week", "2015-07-06", "--minutes", "2400", "--preview")
AS_OF = day_of("2015-06-30")
SENTENCES = ("zh", "en")


@pytest.fixture(scope="module")
def store(trained_home: Path, city_2000: Path) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(trained_home))
        return open_store(city_2000)


def is_part_of(short: str, long: str) -> bool:
    """Tell whether a text is another with parts left out."""
    rest = iter(long)
    return all(sign in rest for sign in short)


def visits_of(plan: Any) -> list[dict[str, Any]]:
    return [visit for cell in plan["cells"] for visit in cell["visits"]]


def test_units_of_a_list_have_the_reasons_of_each_alone_and_name_no_row(
    store: Store, trained_home: Path
) -> None:
    bundle = promoted(trained_home / "bundles", ModelKey(store.source.name, "undeclared_workers"))
    units = store.texts("enterprise")[40:0:-4]
    together = listed_reasons(store, bundle, AS_OF, units)
    for unit in units:
        alone = day_reasons(store, bundle, AS_OF, unit)
        assert len(together[unit]) == len(alone) <= STRONGEST
        for listed, told in zip(together[unit], alone, strict=True):
            without = {name: value for name, value in told.items() if name not in SENTENCES}
            assert listed == listed | without
            rows = [row for fact in told["facts"] for row in fact["row_ids"]]
            for language in SENTENCES:
                assert not any(row in listed[language] for row in rows), listed[language]
                assert is_part_of(listed[language], told[language])
    named = [reason for reasons in together.values() for reason in reasons if reason["facts"]]
    assert named and any(fact["row_ids"] for reason in named for fact in reason["facts"])


def test_every_form_of_a_plan_says_the_reasons_of_each_visit(
    trained_home: Path,
    city_2000: Path,
    say: Say,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(trained_home))
    plan = say("plan", city_2000, *WEEK, "--out", tmp_path, "--json").json
    text = say("plan", city_2000, *WEEK).out
    pages = {Path(file).suffix: [] for file in plan["files"]}
    for file in plan["files"]:
        pages[Path(file).suffix].append(Path(file).read_text("utf-8-sig"))
    [page] = pages[".html"]
    lines = [row for sheet in pages[".csv"] for row in csv.DictReader(sheet.splitlines())]
    on_sheet = {row["企业 enterprise"]: row["分数的理由 reasons of the score"] for row in lines}
    visits = visits_of(plan)
    assert sum(bool(visit["reasons"]) for visit in visits) >= 3
    for visit in visits:
        assert len(visit["reasons"]) <= STRONGEST
        for reason in visit["reasons"]:
            assert f"{reason['contribution']:+.2f} {reason['zh']} {reason['en']}" in text
            told = f"{reason['zh']} {reason['en']} → 核查 check: {reason['check_zh']}"
            assert told in on_sheet[visit["enterprise"]] and told in page
