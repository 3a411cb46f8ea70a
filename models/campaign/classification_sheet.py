"""The sheet of the classification: every living enterprise with its category, its level and the rows behind them."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from features.store.store import Store
from models.campaign.classification import LEVELS, UNEXAMINED, Classified
from models.campaign.sheet import (
    Row,
    Sheet,
    facts_as_json,
    facts_text,
    in_order,
    rule_heading,
    rule_line,
    shown_lines,
)

COLUMNS = {
    "enterprise": pa.string(),
    "category": pa.string(),
    "level": pa.string(),
    "because": pa.string(),
    "sanctions": pa.int64(),
    "grave": pa.int64(),
    "refused": pa.int64(),
    "visits": pa.int64(),
    "facts": pa.string(),
}
NO_CATEGORY = "unexamined"
NOTE = {
    "zh": "分类用当日所知的事实，用来安排检查；评价只看已结束的周期。两者都不用评分。",
    "en": "A classification rests on what is known today and serves to order inspections; an appraisal judges a closed period. "
    "Neither uses a score.",
}


def classification_sheet(store: Store, given: Classified) -> Sheet:
    """Return the sheet of a classification, in the order of the enterprises' numbers."""
    rows = _rows(store, given)
    categories = Counter(row["category"] for row in rows)
    levels = Counter(row["level"] for row in rows)
    names = [*(grade.name for grade in given.policy.appraisal.grades), NO_CATEGORY]
    living = len(given.codes)
    heading = rule_heading(store.source.name, given.policy, given.as_of) | {
        "registered": given.registered,
        "closed": given.registered - living,
        "living": living,
        "categories": {name: categories[name] for name in names},
        "levels": {level: levels[level] for level in LEVELS},
        "note": NOTE,
    }
    lines = _lines(heading, rows)
    return Sheet(heading=heading, called="enterprises", rows=rows, columns=COLUMNS, lines=lines)


def _rows(store: Store, given: Classified) -> list[Row]:
    """Return a row for each living enterprise."""
    names = store.dictionary("enterprise").texts_of(given.codes).tolist()
    categories = [grade.name for grade in given.policy.appraisal.grades]
    columns = zip(
        given.codes.tolist(),
        names,
        given.places.tolist(),
        given.level.tolist(),
        given.because.tolist(),
        given.counts.sanctions.tolist(),
        given.counts.grave.tolist(),
        given.counts.refused.tolist(),
        given.visits.tolist(),
        strict=True,
    )
    facts_of = _facts(given)
    rows: list[Row] = []
    for code, name, place, level, because, sanctions, grave, refused, visits in columns:
        row = {
            "enterprise": name,
            "category": NO_CATEGORY if place == UNEXAMINED else categories[place],
            "level": level,
            "because": because,
            "sanctions": sanctions,
            "grave": grave,
            "refused": refused,
            "visits": visits,
            "facts": facts_of.get(code, []),
        }
        rows.append(row)
    return in_order(rows)


def _facts(given: Classified) -> dict[int, list[Row]]:
    """Return the rows behind each enterprise's category and level, by code: sanctions, then medal, then exposure."""
    facts: dict[int, list[Row]] = {}
    tables = (
        ("sanctions", given.sanctions),
        ("medals", given.medals),
        ("exposures", given.exposed),
    )
    for table, rows in tables:
        for code, row_ids in rows.row_ids().items():
            facts.setdefault(code, []).extend(facts_as_json(table, row_ids))
    return facts


def _lines(heading: Row, rows: list[Row]) -> list[str]:
    """Return the lines for a terminal: the counts, and the enterprises under intensified inspection."""
    categories = ", ".join(f"{name} {count:,}" for name, count in heading["categories"].items())
    levels = ", ".join(f"{name} {count:,}" for name, count in heading["levels"].items())
    registered, living, closed = (heading[name] for name in ("registered", "living", "closed"))
    lines = [
        rule_line("分类 classification", heading),
        f"登记 registered {registered:,} = 存续 living {living:,} + 注销 closed {closed:,}",
        f"类别 categories: {categories}",
        f"检查力度 levels: {levels}",
    ]
    intensified = [row for row in rows if row["level"] == "intensified"]
    lines += shown_lines([_line(row) for row in intensified])
    return [*lines, f"{NOTE['zh']} {NOTE['en']}"]


def _line(row: Row) -> str:
    """Return an enterprise in one line: its level, what sets it, and the rows behind it."""
    return (
        f"{row['level']} {row['enterprise']}: {row['because']}, {row['category']} | "
        f"{facts_text(row['facts'])}"
    )
