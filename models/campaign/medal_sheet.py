"""The sheet of medals: candidates in order with what orders them, who is set aside and why, and who holds one."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from features.arrays import NULL
from features.calendar import date_of
from features.store.store import Store
from models.campaign.medals import Medals
from models.campaign.sheet import (
    Row,
    Sheet,
    facts_as_json,
    in_order,
    rule_heading,
    rule_line,
    shown_lines,
)

NOTE = {
    "zh": "奖牌只免日常检查；投诉、预警与抽签仍可检查持有者。候选不依据任何评分，由人决定授予谁。",
    "en": "A medal waives routine visits only; complaints, alerts and the lottery still reach its holder. No score makes a "
    "candidate, and a person decides who gets one.",
}


def medal_sheet(store: Store, given: Medals) -> Sheet:
    """Return the sheet of medals; `facts` of a candidate is empty, for it has none against it."""
    period = given.appraised.period
    rows = _candidates(store, given)
    heading = rule_heading(store.source.name, period.policy, given.appraised.as_of) | {
        "period": period.year,
        "class": period.policy.medal.grade,
        "living": len(given.appraised.codes),
        "quota": given.quota,
        "candidates": len(rows),
        "set_aside": {name: count for name, count in given.reasons.items() if name != "candidate"},
        "order": [criterion.model_dump() for criterion in given.criteria],
        "lacking": given.lacking,
        "holders": _holders(store, given),
        "note": NOTE,
    }
    columns = {"rank": pa.int64(), "enterprise": pa.string(), "within_quota": pa.bool_()}
    columns |= {criterion.feature: pa.float64() for criterion in given.criteria}
    columns["facts"] = pa.string()
    lines = _lines(heading, rows)
    return Sheet(heading=heading, called="to_be_awarded", rows=rows, columns=columns, lines=lines)


def _candidates(store: Store, given: Medals) -> list[Row]:
    """Return a row for each candidate, the best first."""
    names = store.dictionary("enterprise").texts_of(given.candidates).tolist()
    features = [criterion.feature for criterion in given.criteria]
    rows: list[Row] = []
    for rank, (name, values) in enumerate(zip(names, given.values.tolist(), strict=True), 1):
        row = {"rank": rank, "enterprise": name, "within_quota": rank <= given.quota}
        # a value that is unknown is not a number
        row |= {
            feature: value if value == value else None
            for feature, value in zip(features, values, strict=True)
        }
        rows.append(row | {"facts": []})
    return rows


def _holders(store: Store, given: Medals) -> list[Row]:
    """Return a row for each medal held, by the enterprise's number, with the sanctions decided since its first day."""
    rows = given.holders
    days = given.appraised.period.policy.medal.days
    names = store.dictionary("enterprise").texts_of(rows.enterprise).tolist()
    listed: list[Row] = []
    for place, name in enumerate(names):
        ended = int(rows.columns["ended"][place])
        started = int(rows.day[place])
        sanctions = given.sanctions_since.get(int(rows.enterprise[place]), [])
        entry = {
            "enterprise": name,
            "started": str(date_of(started)),
            "waived_until": str(date_of(started + days if ended == NULL else ended)),
            "sanctions_since": facts_as_json("sanctions", sanctions),
            "facts": facts_as_json("medals", [rows.row_id[place]]),
        }
        listed.append(entry)
    return in_order(listed)


def _lines(heading: Row, rows: list[Row]) -> list[str]:
    """Return the lines for a terminal: the quota, who is set aside, and the first candidates."""
    title = f"奖牌 medals, 评价周期 period {heading['period']}"
    set_aside = ", ".join(f"{name} {count:,}" for name, count in heading["set_aside"].items())
    holders = heading["holders"]
    with_sanctions = sum(bool(holder["sanctions_since"]) for holder in holders)
    quota, candidates, living = (heading[name] for name in ("quota", "candidates", "living"))
    lines = [
        rule_line(title, heading),
        f"名额 quota {quota:,}，候选 candidates {candidates:,}，存续 living {living:,}",
        f"不是候选的原因 set aside: {set_aside}",
        f"持有者 holders: {len(holders):,}，其中此后受处理 with sanctions since {with_sanctions:,}",
    ]
    for name, tables in heading["lacking"].items():
        lines.append(f"{name}: 缺表 absent tables: {tables}")
    features = [criterion["feature"] for criterion in heading["order"]]
    lines += shown_lines([_line(row, features) for row in rows])
    return [*lines, f"{NOTE['zh']} {NOTE['en']}"]


def _line(row: Row, features: Sequence[str]) -> str:
    """Return a candidate in one line: rank, number, and what orders it."""
    values = ", ".join(f"{name} {_number(row[name])}" for name in features)
    return f"{row['rank']} {row['enterprise']}: {values}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
