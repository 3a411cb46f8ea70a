"""A reason as the page of a record shows it: its sentence, and below it the facts, the rows once, and the legal basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from features.online.fact import Fact
from models.explain.sentence import more_rows, table_and_days, without_rows
from models.explain.wording import value_beside
from serving.ledger.reasons import fact_of
from serving.ledger.record import Plain
from serving.replay.contributions import LANGUAGES, Named, with_colon
from serving.replay.two_places import size_in_words
from serving.replay.waterfall import Language

ROWS_OF = {"zh": ("{count} 行", "{count} 行"), "en": ("{count} rows", "{count} row")}
AND = {"zh": "，", "en": ", "}


def shown_reason(reason: Plain, named: Named) -> dict[str, Any]:
    """Return what the page shows of a reason; the row numbers of its sentence stand in `rows` alone, to be unfolded.

    A sentence of another form keeps its numbers, and `rows` is empty.
    """
    facts = [fact_of(fact) for fact in reason["facts"]]
    sources = _sources(facts)
    shown: dict[str, Any] = {
        "size": size_in_words(reason["contribution"]),
        "basis": named.bases.get(str(reason["feature"])),
    }
    for language in LANGUAGES:
        shown[language] = without_rows(reason[language], sources, language)
        # a record of an earlier version says nothing of what to check
        shown[f"check_{language}"] = reason.get(f"check_{language}", "")
        shown[f"facts_{language}"] = [_fact(fact, language) for fact in facts]
    sentences = [shown[language] for language in LANGUAGES]
    shown["rows"] = [_rows(fact) for fact in sources if not _names_rows(sentences, fact)]
    return shown


def _names_rows(sentences: Sequence[str], fact: Fact) -> bool:
    return any(row in sentence for sentence in sentences for row in fact.row_ids)


def _sources(facts: Sequence[Fact]) -> list[Fact]:
    """Return the facts with rows of their own: two that rest on the same rows count once."""
    by_place = {(fact.table, fact.first, fact.last, fact.row_ids): fact for fact in facts}
    return [fact for fact in by_place.values() if fact.row_ids]


def _rows(fact: Fact) -> dict[str, Any]:
    """Return the row numbers of a fact, the same in both languages, between words in each."""
    rows: dict[str, Any] = {"numbers": fact.row_ids}
    for language in LANGUAGES:
        rows[f"place_{language}"] = table_and_days(fact, language)
        rows[f"more_{language}"] = more_rows(fact, language)
    return rows


def _fact(fact: Fact, language: Language) -> str:
    """Return what the rows of a fact are, and how many."""
    meaning = fact.zh if language == "zh" else fact.en
    count = ROWS_OF[language][fact.n_rows == 1].format(count=f"{fact.n_rows:,}")
    if fact.value is None:
        return with_colon(meaning, count, language)
    value = value_beside(meaning, fact.value, fact.unit, language)
    return with_colon(meaning, f"{value}{AND[language]}{count}", language)
