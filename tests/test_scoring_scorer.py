from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import LedgerError, RequestError, TargetError, UnknownId
from models.explain.explain import TOLERANCE
from serving.answers import Answer
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head
from serving.ledger.record import record_of
from serving.scoring.opening import open_scorer
from serving.scoring.recorded_scoring import AT_ONCE, Desk
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import KEPT_DAYS, Question, answer_of
from serving.settings import Settings

FIRMS, CLAIMS = ("undeclared_workers", "enterprise"), ("fraudulent_claim", "claim")
MOMENT = datetime(2015, 7, 1, 8, 30, tzinfo=UTC)
REGISTER = {
    "enterprises": [
        {
            "enterprise": "NEW",
            "since": "2014-01-01",
            "kind": "company",
            "registered": "2014-01-01",
            "section": "C",
            "recorded_on": "2014-01-05",
        }
    ]
}
PAYROLL = {
    "tax_payroll": [
        {"enterprise": "NEW", "month": "2015-05", "employees": 265, "recorded_on": "2015-06-10"}
    ]
}


@pytest.fixture(scope="module")
def scorer(city_2000: Path, trained_home: Path) -> Iterator[Scorer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(trained_home))
        yield open_scorer(Settings(trained_home, city_2000))


@pytest.fixture(scope="module")
def firms(scorer: Scorer) -> list[str]:
    """Five enterprises: two from the top of the day, one from the middle, two from the end."""
    ranks = scorer.ranks["undeclared_workers"]
    order = np.argsort(-ranks.raw, kind="stable")
    return [str(ranks.keys[order[place]]) for place in (0, 1, len(ranks) // 2, -2, -1)]


def test_cases_come_in_the_order_asked_with_their_ranks_among_all_living(
    scorer: Scorer, firms: list[str]
) -> None:
    scoring = scorer.by_id(*FIRMS, firms)
    assert [case.key for case in scoring.cases] == firms
    raw = scorer.ranks["undeclared_workers"].raw
    for case in scoring.cases:
        assert (case.rank, case.of, case.as_of) == (
            1 + int((raw > case.raw).sum()),
            len(raw),
            scorer.day,
        )
    assert [case.rank for case in scoring.cases] == sorted(case.rank or 0 for case in scoring.cases)


def test_a_unit_scores_to_the_bit_alone_as_in_company(scorer: Scorer, firms: list[str]) -> None:
    together = scorer.by_id(*FIRMS, firms)
    for case in together.cases[:2]:
        [alone] = scorer.by_id(*FIRMS, [case.key]).cases
        assert (alone.raw, alone.probability, alone.expected) == (
            case.raw,
            case.probability,
            case.expected,
        )
        assert alone.contributions.tobytes() == case.contributions.tobytes()
        assert (alone.facts, alone.reasons) == (case.facts, case.reasons)


def test_contributions_sum_to_the_score_and_reasons_are_its_positive_parts(
    scorer: Scorer, firms: list[str]
) -> None:
    scoring = scorer.by_id(*FIRMS, firms)
    for case in scoring.cases:
        assert abs(scoring.base + case.contributions.sum() - case.raw) <= TOLERANCE
        assert all(reason["contribution"] > 0 for reason in case.reasons)
        # only the main source of a score may stand without rows
        assert sum(not reason["facts"] for reason in case.reasons) <= 1
        assert case.reasons or case.contributions.sum() <= 0
        sizes = [reason["contribution"] for reason in case.reasons]
        assert sizes == sorted(sizes, reverse=True)
    assert scoring.cases[0].reasons


def test_a_reason_names_table_rows_and_days_in_both_languages(
    scorer: Scorer, firms: list[str]
) -> None:
    for reason in scorer.by_id(*FIRMS, firms[:1]).cases[0].reasons:
        for fact in reason["facts"]:
            assert fact["first"] <= fact["last"] <= "2015-06-30"
            assert (
                fact["row_ids"]
                and fact["row_ids"][0] in reason["zh"]
                and fact["row_ids"][0] in reason["en"]
            )
            assert any("\u4e00" <= letter <= "\u9fff" for letter in reason["zh"])


def test_an_answer_says_of_each_firm_whether_it_is_dormant_in_words_too(
    scorer: Scorer, firms: list[str]
) -> None:
    assert scorer.dormancy is not None
    last = scorer.store.code("enterprise", firms[-1])
    asleep = replace(scorer, dormancy=replace(scorer.dormancy, codes=np.array([last]), untold=()))
    answer = answer_of(asleep.store, asleep.by_id(*FIRMS, firms), asleep.dormancy)
    units = Answer.model_validate({**answer, "record_id": "1-0000000000"}).units
    assert [unit.dormant for unit in units] == [False, False, False, False, True]
    said = [unit.dormant_words and unit.dormant_words.model_dump() for unit in units]
    assert said == [None] * 4 + [scorer.dormancy.words]
    assert scorer.dormancy.words["en"].startswith(
        "dormant: has filed, paid and employed nobody since 2014-12-01"
    )
    assert scorer.dormancy.words["zh"].startswith("休眠：自 2014-12-01 起")
    assert [unit.score for unit in units] == [
        case.probability for case in scorer.by_id(*FIRMS, firms).cases
    ]


def test_nothing_is_said_of_dormancy_where_it_cannot_be_told(
    scorer: Scorer, firms: list[str]
) -> None:
    assert scorer.dormancy is not None
    untold = replace(scorer, dormancy=replace(scorer.dormancy, untold=("tax_payroll",)))
    sent = scorer.by_history(*FIRMS, "NEW", REGISTER | PAYROLL)
    said = [
        untold.by_id(*FIRMS, firms[:1]),
        sent,
        replace(scorer, dormancy=None).by_id(*FIRMS, firms[:1]),
    ]
    assert [case.dormant for scoring in said for case in scoring.cases] == [None, None, None]


def test_a_claim_is_scored_by_its_own_model(scorer: Scorer) -> None:
    key = str(scorer.ranks["fraudulent_claim"].keys[0])
    scoring = scorer.by_id(*CLAIMS, [key])
    assert (scoring.bundle.target, scoring.cases[0].key, scoring.cases[0].expected) == (
        "fraudulent_claim",
        key,
        None,
    )


@pytest.mark.parametrize(
    ("target", "entity"),
    [
        ("fraudulent_claim", "enterprise"),
        ("undeclared_workers", "claim"),
        ("unknown", "enterprise"),
        ("", "provider"),
    ],
)
def test_a_target_without_a_model_of_that_entity_is_refused(
    scorer: Scorer, target: str, entity: str
) -> None:
    with pytest.raises(TargetError, match="no model scores"):
        scorer.by_id(target, entity, ["E0000001"])


def test_one_unknown_id_refuses_the_whole_request_and_is_named(
    scorer: Scorer, firms: list[str]
) -> None:
    with pytest.raises(UnknownId, match="'E9999999' is not in the history complete to 2015-06-30"):
        scorer.by_id(*FIRMS, [*firms, "E9999999"])


def test_a_history_that_is_sent_is_scored_and_says_what_it_shares_and_what_is_missing(
    scorer: Scorer,
) -> None:
    scoring = scorer.by_history(*FIRMS, "NEW", REGISTER | PAYROLL)
    [case] = scoring.cases
    assert scoring.met == {
        "day": "2015-06-30",
        "shared": {"section": "C"},
        "tables": ["enterprises", "tax_payroll"],
    }
    assert case.history == REGISTER | PAYROLL
    names = scoring.bundle.manifest.names
    missing = {name for name, empty in zip(names, np.isnan(case.values), strict=True) if empty}
    assert {"contributors_last", "complaints_all", "staff"} & set(names) <= missing
    assert 0 < case.probability < 1


def test_a_fact_in_a_history_that_is_sent_counts(scorer: Scorer) -> None:
    bare = scorer.by_history(*FIRMS, "NEW", REGISTER).cases[0]
    more = scorer.by_history(*FIRMS, "NEW", REGISTER | PAYROLL).cases[0]
    assert bare.values.tobytes() != more.values.tobytes()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (PAYROLL, "should hold table 'enterprises'"),
        (REGISTER | {"spells": [{"a": 1}]}, "table 'spells' that this source does not hold"),
        (REGISTER | {"tax_payroll": [{"employes": 1}]}, "unknown column 'employes'"),
        (
            REGISTER
            | {
                "tax_payroll": [
                    {
                        "enterprise": "NEW",
                        "month": "May",
                        "employees": 1,
                        "recorded_on": "2015-06-10",
                    }
                ]
            },
            "month should be a month such as 2015-06",
        ),
        (
            REGISTER
            | {
                "tax_payroll": [
                    {"enterprise": "NEW", "month": "2015-05", "recorded_on": "2015-06-10"}
                ]
            },
            "employees is missing",
        ),
        (
            REGISTER
            | {
                "tax_payroll": [
                    {
                        "enterprise": "NEW",
                        "month": "2015-05",
                        "employees": 1.5,
                        "recorded_on": "2015-06-10",
                    }
                ]
            },
            "employees should be a whole number of persons",
        ),
    ],
)
def test_a_history_that_breaks_the_contract_is_refused_by_table_row_and_column(
    scorer: Scorer, rows: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        scorer.by_history(*FIRMS, "NEW", rows)


def desk_at(scorer: Scorer, path: Path) -> Desk:
    return Desk(scorer, Ledger(path), lambda: MOMENT)


def test_the_answer_is_what_the_record_holds(
    scorer: Scorer, firms: list[str], tmp_path: Path
) -> None:
    desk = desk_at(scorer, tmp_path / "ledger.db")
    answer = asyncio.run(desk.by_id(*FIRMS, firms[:2], Question("system", "d" * 64, None)))
    stored = find(tmp_path / "ledger.db", answer.record_id)
    record = record_of(stored.payload or b"")
    assert {**record.answer, "record_id": answer.record_id} == json.loads(answer.model_dump_json())
    assert (record.caller, record.at, record.bundle) == (
        "system",
        "2015-07-01T08:30:00.000+00:00",
        answer.model_digest,
    )
    assert stored.entry["keep_until"] == scorer.day + 1 + KEPT_DAYS
    assert [unit.score for unit in answer.units] == [case.probability for case in record.cases]
    desk.close()


def test_a_long_list_is_answered_in_one_record_in_its_order(scorer: Scorer, tmp_path: Path) -> None:
    desk, ids = (
        desk_at(scorer, tmp_path / "ledger.db"),
        scorer.ranks["undeclared_workers"].keys[: AT_ONCE + 3].tolist(),
    )
    answer = asyncio.run(desk.by_id(*FIRMS, ids[::-1], Question("system", "d" * 64, None)))
    assert [unit.id for unit in answer.units] == ids[::-1]
    assert head(tmp_path / "ledger.db").size == 1
    desk.close()


def test_a_short_request_overtakes_a_long_one(scorer: Scorer, tmp_path: Path) -> None:
    desk, keys = (
        desk_at(scorer, tmp_path / "ledger.db"),
        scorer.ranks["undeclared_workers"].keys.tolist(),
    )
    ended: list[int] = []

    async def one(ids: list[str]) -> None:
        await desk.by_id(*FIRMS, ids, Question("system", "d" * 64, None))
        ended.append(len(ids))

    async def both() -> None:
        await asyncio.gather(one(keys[: 4 * AT_ONCE]), one(keys[-1:]))

    asyncio.run(both())
    assert ended == [1, 4 * AT_ONCE]
    desk.close()


def test_a_retry_gets_the_first_record_and_its_answer(
    scorer: Scorer, firms: list[str], tmp_path: Path
) -> None:
    desk, asked = (
        desk_at(scorer, tmp_path / "ledger.db"),
        Question("system", "d" * 64, "system:once"),
    )
    first = asyncio.run(desk.by_id(*FIRMS, firms[:1], asked))
    again = asyncio.run(desk.by_id(*FIRMS, firms[:1], asked))
    other = asyncio.run(desk.by_id(*FIRMS, firms[:1], Question("system", "d" * 64, None)))
    assert again == first
    assert other.record_id != first.record_id
    assert head(tmp_path / "ledger.db").size == 2
    desk.close()


def test_without_a_record_there_is_no_answer(
    scorer: Scorer, firms: list[str], tmp_path: Path
) -> None:
    desk = desk_at(scorer, tmp_path / "ledger.db")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as broken:
        broken.execute("DROP TABLE payloads")
    with pytest.raises(LedgerError):
        asyncio.run(desk.by_id(*FIRMS, firms[:1], Question("system", "d" * 64, None)))
    desk.close()
    with pytest.raises(LedgerError, match="closed"):
        asyncio.run(desk.by_id(*FIRMS, firms[:1], Question("system", "d" * 64, None)))


def test_a_refused_request_leaves_no_record(
    scorer: Scorer, firms: list[str], tmp_path: Path
) -> None:
    desk = desk_at(scorer, tmp_path / "ledger.db")
    with pytest.raises(UnknownId):
        asyncio.run(desk.by_id(*FIRMS, [firms[0], "E9999999"], Question("system", "d" * 64, None)))
    assert head(tmp_path / "ledger.db").size == 0
    desk.close()
