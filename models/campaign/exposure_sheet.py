"""The sheet of public exposure: candidates with the rows behind them, publications, and who has paid."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from features.arrays import NULL
from features.calendar import date_of
from features.store.store import Store
from models.campaign.arrears import Debt
from models.campaign.exposures import Exposures, Publication, publications
from models.campaign.sheet import (
    Row,
    Sheet,
    facts_text,
    in_order,
    rule_heading,
    rule_line,
    shown_lines,
)
from models.policy.policy_facts import is_intensified

COLUMNS = {
    "rank": pa.int64(),
    "enterprise": pa.string(),
    "within_quota": pa.bool_(),
    "contribution_arrears": pa.int64(),
    "wage_arrears": pa.int64(),
    "facts": pa.string(),
}
NOTE = {
    "zh": "候选只依据逾期未履行的处理决定，不用任何评分；是否公布由人决定。",
    "en": "Candidates rest on sanctions that were not obeyed in their term, never on a score; a person decides who is named.",
}


def exposure_sheet(store: Store, given: Exposures) -> Sheet:
    """Return the sheet of public exposure; amounts are in fen."""
    rows = _candidates(store, given)
    heading = rule_heading(store.source.name, given.policy, given.as_of) | {
        "living": given.living,
        "quota": given.quota,
        "candidates": len(given.candidates),
        "already_named": given.already_named,
        "below_least": given.below,
        "publications": [_publication_json(one) for one in publications(given)],
        "exposed": _exposed(store, given),
        "note": NOTE,
    }
    lines = _lines(heading, rows)
    return Sheet(heading=heading, called="to_be_named", rows=rows, columns=COLUMNS, lines=lines)


def _candidates(store: Store, given: Exposures) -> list[Row]:
    """Return a row for each candidate, who owes most first."""
    texts = store.dictionary("enterprise")
    rows: list[Row] = []
    for rank, (code, debt) in enumerate(given.candidates, 1):
        row = {
            "rank": rank,
            "enterprise": texts.text(code),
            "within_quota": rank <= given.quota,
            "contribution_arrears": debt.contributions,
            "wage_arrears": debt.wages,
            "facts": _facts(debt),
        }
        rows.append(row)
    return rows


def _facts(debt: Debt) -> list[Row]:
    return [{"table": table, "row_id": row_id} for table, row_id in debt.facts]


def _publication_json(publication: Publication) -> Row:
    return {
        "published_on": str(date_of(publication.published_on)),
        "exposed": publication.exposed,
        "wage_arrears": publication.wage_arrears,
        "contribution_arrears": publication.contribution_arrears,
        "paid_by_next_day": publication.paid_by_next_day,
        "repaid": publication.repaid,
        "unpaid": publication.exposed - publication.repaid,
        "intensified": publication.intensified,
    }


def _exposed(store: Store, given: Exposures) -> list[Row]:
    """Return a row for each enterprise that was named, by its number and then by day."""
    rows = given.published
    names = store.dictionary("enterprise").texts_of(rows.enterprise).tolist()
    still_runs = is_intensified(rows, given.policy, given.as_of).tolist()
    columns = zip(
        names, rows.day.tolist(), rows.columns["repaid_on"].tolist(), still_runs, strict=True
    )
    listed: list[Row] = []
    for place, (name, day, repaid_on, intensified) in enumerate(columns):
        has_repaid = repaid_on != NULL and repaid_on <= given.as_of
        entry: dict[str, Any] = {
            "enterprise": name,
            "published_on": str(date_of(day)),
            "repaid_on": str(date_of(repaid_on)) if has_repaid else None,
            "days_to_repay": repaid_on - day if has_repaid else None,
            "intensified": intensified,
            "facts": [{"table": "exposures", "row_id": rows.row_id[place]}],
        }
        listed.append(entry)
    return in_order(listed)


def _lines(heading: Row, rows: list[Row]) -> list[str]:
    """Return the lines for a terminal: publications, and the candidates."""
    lines = [rule_line("社会公布 public exposure", heading)]
    lines += [_publication_line(one) for one in heading["publications"]]
    lines.append(
        f"候选 candidates: {heading['candidates']:,}，名额 quota {heading['quota']:,}"
        f"（已公布 named already {heading['already_named']:,}，金额不足 too little "
        f"{heading['below_least']:,}）"
    )
    lines += shown_lines([_line(row) for row in rows])
    return [*lines, f"{NOTE['zh']} {NOTE['en']}"]


def _publication_line(one: Row) -> str:
    return (
        f"{one['published_on']}: 公布 exposed {one['exposed']}, 次日前缴清 paid by the next day "
        f"{one['paid_by_next_day']}, 已缴清 repaid {one['repaid']}, 未缴 unpaid {one['unpaid']}, "
        f"加强检查中 intensified {one['intensified']}"
    )


def _line(row: Row) -> str:
    """Return a candidate in one line: rank, amounts in yuan, rows."""
    contributions = f"{row['contribution_arrears'] / 100:,.2f}"
    wages = f"{row['wage_arrears'] / 100:,.2f}"
    amounts = f"欠费 contributions CNY {contributions}, 欠薪 wages CNY {wages}"
    return f"{row['rank']} {row['enterprise']}: {amounts} | {facts_text(row['facts'])}"
