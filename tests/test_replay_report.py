"""The report is one page that says everything in two languages, proves itself, runs nothing and fetches nothing."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from features.catalogue.document import families
from features.engine.matrices import matrix as matrix_of_day
from features.errors import RequestError
from models.bundle.manifest import FrozenFeature
from models.bundle.score import score
from models.explain.reasons import leads
from models.explain.sentence import source_words, table_and_days
from serving.ledger.admin_act import AdminAct, admin_entry
from serving.ledger.ledger import Ledger
from serving.ledger.read import Proof, proof_holds
from serving.ledger.reasons import fact_of
from serving.ledger.record import Plain
from serving.proof.checkpoint import parse_checkpoint
from serving.replay.report import exhibit_of, report
from serving.replay.two_places import size_in_words
from serving.replay.waterfall import SHOWN, Bar, waterfall
from serving.scoring.batch import write_batch_rows
from tests.recorded import AT, LAST, Home, erased, home_of, recorded

DIGEST = re.compile(r'<code class="digest">([0-9a-f]{64})</code>')


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which three units were scored and recorded."""
    return home_of(tmp_path_factory)


@pytest.fixture(scope="module")
def page(home: Home) -> str:
    return report(exhibit_of(home.path, home.record_id, AT))


def of(home: Home, record_id: str, unit: str | None = None) -> str:
    return report(exhibit_of(home.path, record_id, AT, unit))


def test_the_page_says_score_rank_and_reasons_of_every_unit_in_both_languages(
    home: Home, page: str
) -> None:
    text = unescape(page)
    assert home.record_id in text and home.bundle.digest in text and home.record.store in text
    for case in home.record.cases:
        assert (
            case.key in text
            and f"{100 * case.probability:.1f}%" in text
            and f"rank of {case.of}" in text
        )
        assert case.interval is not None and case.expected_words is not None
        ends = f"{case.interval.lower:,.0f}–{case.interval.upper:,.0f}"
        assert ends in text and "found in 90 % of visits" in text
        assert case.expected_words["zh"] in text and case.expected_words["en"] in text
        for reason in case.reasons:
            assert said(reason, "zh") in text and said(reason, "en") in text
            assert reason["check_zh"] in text and reason["check_en"] in text
            assert all(row in reason["en"] for fact in reason["facts"] for row in fact["row_ids"])


def said(reason: Plain, language: str) -> str:
    """Return the sentence of a reason as the page shows it: with the table and days of its facts, without their rows."""
    sentence = str(reason[language])
    for fact in map(fact_of, reason["facts"]):
        sentence = sentence.replace(source_words(fact, language), table_and_days(fact, language))
    return sentence


def test_row_numbers_stand_once_below_their_reason_and_are_folded(home: Home, page: str) -> None:
    bodies = re.findall(r'<tr class="said">.*?</tbody>', page, re.DOTALL)
    reasons = [reason for case in home.record.cases for reason in case.reasons]
    assert len(bodies) == len(reasons) > 2
    for body, reason in zip(bodies, reasons, strict=True):
        folded = "".join(re.findall(r"<details.*?</details>", body, re.DOTALL))
        places = {(fact["table"], fact["first"], *fact["row_ids"]) for fact in reason["facts"]}
        numbers = Counter(row for place in places for row in place[2:])
        assert numbers == Counter(re.findall(r"<code>(.*?)</code>", folded))
        assert not any(row in body.replace(folded, "") for row in numbers)


def test_a_sentence_of_another_form_keeps_its_row_numbers(home: Home) -> None:
    case = home.record.cases[0]
    reason = next(one for one in case.reasons if any(fact["row_ids"] for fact in one["facts"]))
    rows = [row for fact in reason["facts"] for row in fact["row_ids"]]
    older = {**reason, "zh": f"旧句（{rows[0]}）", "en": f"older words ({rows[0]})"}
    record = replace(home.record, cases=(replace(case, reasons=[older]),), reasons_form=1)
    [body] = re.findall(
        r'<tr class="said">.*?</tbody>', of(home, recorded(home.path, record)), re.DOTALL
    )
    assert f"older words ({rows[0]})" in body
    assert f"<code>{rows[0]}</code>" not in body


def test_every_contribution_stands_with_its_legal_basis_also_where_no_reason_does(
    home: Home, page: str
) -> None:
    laws = families()
    for case in home.record.cases:
        assert all(
            laws[feature_of(home, one["feature"]).family].law_zh in page for one in case.reasons
        )
    alone = replace(home.record.cases[0], reasons=[])
    record_id = recorded(home.path, replace(home.record, cases=(alone,)))
    shown = unescape(of(home, record_id))
    assert "No fact with records raises this score." in shown
    assert '<details class="contributions" open>' in shown
    moving = [lead for lead in leads(home.bundle, alone.contributions) if lead.contribution]
    rows = re.findall(
        r'<tr><td><span class="zh".*?</tr>', shown[shown.index('class="parts"') :], re.DOTALL
    )
    listed = [row for row in rows if 'class="size' in row]
    assert len(listed) == len(moving) > 2
    sizes = [row[row.rindex('">') + 2 : row.index("</td></tr>")] for row in listed]
    assert sorted(sizes) == sorted(size_in_words(lead.contribution) for lead in moving)
    assert all("法律依据" in row and "Legal basis" in row for row in listed)


def feature_of(home: Home, name: str) -> FrozenFeature:
    return next(feature for feature in home.bundle.features if feature.name == name)


def test_the_page_carries_the_passport_of_its_model(home: Home, page: str) -> None:
    assert home.bundle.digest[:12] in page and "cases up to 2015-06-30" in page
    assert "the ledger holds no approval of this model" in page
    content = {
        "source": "random",
        "target": home.record.target,
        "version": 7,
        "digest": home.bundle.digest,
        "although": "a trial",
    }
    promoted(home.path, {**content, "target": "another", "version": 8})
    promoted(home.path, content)
    approved = of(home, recorded(home.path, home.record))
    assert "7 号，" in approved and "director, 2015-07-01 00:02; although: a trial" in approved
    promoted(home.path, {**content, "version": 9, "digest": "00" * 32})
    later = of(home, recorded(home.path, home.record))
    assert "the ledger holds no approval of this model" in later


def promoted(path: Path, content: dict[str, Any]) -> None:
    """Write a promotion into the ledger of a home."""
    act = AdminAct("promote", "director", {"target": content["target"]}, content)
    moment = datetime(2015, 7, 1, 0, 2, tzinfo=UTC)
    with Ledger(path / "ledger.db") as ledger:
        ledger.append(admin_entry(act, moment=moment, kept_days=1_000)).result()


def test_a_bar_and_its_reason_say_the_same_number(home: Home, page: str) -> None:
    reasons = [reason for case in home.record.cases for reason in case.reasons]
    assert len(reasons) >= 3
    drawn = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawn) == 2 * len(home.record.cases)
    for case, chart in zip(home.record.cases, drawn[::2], strict=True):
        for reason in case.reasons:
            assert f">{reason['contribution']:+.2f}<" in chart


def test_the_page_says_that_a_person_decides(page: str) -> None:
    assert "不是认定" in page and "由人决定" in page
    assert "neither a finding nor a ground for sanction" in page and "a person decides" in page


def test_the_page_names_what_lowers_the_priority(home: Home, page: str) -> None:
    lowest = leads(home.bundle, home.record.cases[0].contributions)[-1]
    assert lowest.contribution < 0
    feature = next(one for one in home.bundle.features if one.name == lowest.members[0])
    assert f"{feature.zh}：" in unescape(page) and f"{feature.en}: " in unescape(page)


def test_the_page_says_in_words_what_could_not_be_computed(home: Home, page: str) -> None:
    record, text = home.record, unescape(page)
    meanings = {feature.name: feature for feature in home.bundle.features}
    lacking = [
        meanings[name]
        for name, value in zip(record.features, record.cases[0].values, strict=True)
        if value != value
    ]
    assert lacking and "；".join(feature.zh for feature in lacking) in text
    assert "; ".join(feature.en for feature in lacking) in text


def test_the_page_carries_a_proof_that_holds(home: Home, page: str) -> None:
    proof = page[page.index("Proof of the record") :]
    entry = unescape(re.search(r"<pre>(\{.*?\})</pre>", proof).group(1))  # type: ignore[union-attr]
    leaf, *path, root = DIGEST.findall(proof[: proof.index("<pre>lssi-risk")])
    sequence, size = map(int, re.search(r"<dd>(\d+) / (\d+)</dd>", proof).groups())  # type: ignore[union-attr]
    assert leaf == sha256(b"\x00" + entry.encode()).hexdigest() and home.record_id.endswith(
        leaf[:10]
    )
    assert proof_holds(Proof("", sequence, size, leaf, tuple(path), root))
    kept = parse_checkpoint(
        unescape(re.search(r"<pre>(lssi-risk/.*?)</pre>", proof, re.DOTALL).group(1))
    )  # type: ignore[union-attr]
    assert (sequence, size, len(path)) == (3, 5, 3)
    assert (kept.size, kept.root.hex(), kept.at) == (size, root, AT)


def test_the_page_runs_nothing_and_fetches_nothing(page: str) -> None:
    assert "<script" not in page and "javascript:" not in page and not re.search(r"\son\w+=", page)
    assert "default-src 'none'" in page and "@import" not in page
    links = set(re.findall(r"https?://[^\s\"'<]+", page))
    assert links <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"(src|href)=", page.replace('xlink:href="#', ""))


def test_the_page_has_the_same_bytes_every_time(home: Home, page: str) -> None:
    assert of(home, home.record_id) == of(home, home.record_id)


def test_the_page_replays_what_it_shows(home: Home, page: str) -> None:
    assert page.count("逐位一致") >= 9 * len(home.record.cases) and "不一致" not in page
    case = replace(home.record.cases[0], raw=0.5)
    other = of(home, recorded(home.path, replace(home.record, cases=(case,))))
    assert "recorded 0.5, rebuilt" in other and "something differs" in other


def test_what_a_record_holds_is_shown_as_text_never_as_markup(home: Home) -> None:
    case = home.record.cases[0]
    hostile = "<script>alert(1)</script>"
    reason = {
        **case.reasons[0],
        "zh": hostile,
        "facts": [{**case.reasons[0]["facts"][0], "row_ids": [hostile]}],
    }
    texts = dict.fromkeys(home.record.categories, hostile)
    record = replace(
        home.record,
        caller=hostile,
        cases=(replace(case, key=hostile, reasons=[reason], texts=texts),),
    )
    found = of(home, recorded(home.path, replace(record, store="city-00")))
    assert hostile not in found and "&lt;script&gt;" in found


def test_the_page_says_of_a_dormant_firm_that_it_is_and_of_a_batch_how_many(
    home: Home, page: str
) -> None:
    first, *others = home.record.cases
    record = replace(
        home.record,
        cases=(replace(first, dormant=True), *others),
        answer={"dormant": {"firms": 7, "living": 90}},
    )
    said = of(home, recorded(home.path, record))
    assert said.count("截至日为休眠企业") == said.count("Dormant on the as-of day") == 1
    assert "<dd>7 / 90</dd>" in said
    assert "休眠" not in page
    assert "Dormant" not in page


def test_one_unit_can_be_shown_alone(home: Home) -> None:
    second = home.record.cases[1].key
    alone = of(home, home.record_id, second)
    assert (
        alone.count('<section class="unit">') == 1 and f'<span class="key">{second}</span>' in alone
    )


def test_a_page_of_too_many_units_is_refused(home: Home) -> None:
    many = replace(
        home.record, cases=tuple(replace(home.record.cases[0], key=f"E{n}") for n in range(21))
    )
    with pytest.raises(
        RequestError, match="holds 21 units, a page at most 20; name one with --unit"
    ):
        of(home, recorded(home.path, many))


def test_a_row_of_a_batch_is_shown_with_its_own_proof(home: Home) -> None:
    matrix = matrix_of_day(home.store, "enterprise", LAST)
    rows = write_batch_rows(home.path / "batches", matrix, score(home.bundle, matrix))
    answer = {"coverage": 0.9}
    batch = replace(home.record, kind="batch", cases=(), rows=rows, answer=answer)
    record_id = recorded(home.path, batch)
    with pytest.raises(RequestError, match=f"holds {len(matrix)} units"):
        of(home, record_id)
    shown = of(home, record_id, home.record.cases[0].key)
    assert "found in 90 % of visits" in shown and "raised most by" in shown
    assert "Proof of this row in its batch" in shown and rows.root in shown and "made now" in shown
    assert all(
        unescape(shown).count(said(reason, "zh")) == 1 for reason in home.record.cases[0].reasons
    )


def test_an_expired_record_still_shows_its_proof(home: Home) -> None:
    record_id = recorded(home.path, home.record, keep_until=LAST)
    erased(home.path / "ledger.db", LAST + 1)
    shown = of(home, record_id)
    assert "has expired and was erased" in shown and home.record.cases[0].key not in DIGEST.sub(
        "", shown
    )
    assert '<section class="unit">' not in shown and len(DIGEST.findall(shown)) >= 3


def test_a_lost_model_leaves_what_was_recorded_and_says_so(home: Home) -> None:
    shown = of(home, recorded(home.path, replace(home.record, bundle="00" * 32)))
    assert (
        "Not rebuilt: what is shown is what was recorded." in shown
        and "is gone; restore the folder" in shown
    )
    assert said(home.record.cases[0].reasons[0], "zh") in unescape(shown)
    assert "all others together" in shown
    for reason in home.record.cases[0].reasons:
        assert f">{reason['contribution']:+.2f}<" in shown


def test_the_waterfall_keeps_its_text_and_its_bytes() -> None:
    steps = [Bar(f"特征 {n}", (-1) ** n / (n + 1)) for n in range(SHOWN + 4)]
    drawn = waterfall(-2.0, steps, "zh")
    assert drawn == waterfall(-2.0, list(reversed(steps)), "zh")
    assert "特征 0" in drawn and "其余 4 项合计" in drawn and "对数几率" in drawn
    total = -2.0 + sum(step.contribution for step in steps)
    assert f"{total:.2f}".replace("-", "−") in drawn
    assert "log-odds" in waterfall(-2.0, steps, "en")


def test_what_a_reason_tells_has_a_bar_of_its_own_however_small() -> None:
    large = [Bar(f"feature {n}", 1.0 + n) for n in range(SHOWN + 3)]
    drawn = waterfall(0.0, [*large, Bar("told", 0.01, told=True), Bar("not told", 0.02)], "en")
    assert ">told<" in drawn and ">+0.01<" in drawn
    assert "not told" not in drawn and "the other 4 together" in drawn


def test_a_score_without_contributions_has_a_waterfall_of_its_two_ends() -> None:
    drawn = waterfall(0.25, [Bar("nothing", 0.0)], "en")
    assert "nothing" not in drawn and drawn.count("0.25") >= 2
