"""The sheet of an appraisal: every living enterprise with its class, the rows behind it, and counts that add up."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.arrays import NULL
from features.calendar import date_of
from features.store.store import Store
from models.campaign.appraisal import YOUNG, Appraised
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
    "period": pa.int64(),
    "class": pa.string(),
    "sanctions": pa.int64(),
    "grave": pa.int64(),
    "refused": pa.int64(),
    "visits": pa.int64(),
    "recorded": pa.string(),
    "facts": pa.string(),
}
NOTE = {
    "zh": "评价只依据截至当日已知的事实与处罚，不用任何评分；未检查过的企业没有处罚，并不等于守法。",
    "en": "An appraisal rests on facts and sanctions known by the day, never on a score; that an enterprise nobody visited "
    "has no sanction does not show that it complies.",
}


def appraisal_sheet(store: Store, given: Appraised) -> Sheet:
    """Return the sheet of an appraisal, in the order of the enterprises' numbers."""
    rows = _rows(store, given)
    heading = rule_heading(store.source.name, given.period.policy, given.as_of) | {
        "period": given.period.year,
        "first": str(date_of(given.period.first)),
        "last": str(date_of(given.period.last)),
        "living": len(given.codes),
        "appraised": int((given.places != YOUNG).sum()),
        "too_young": int((given.places == YOUNG).sum()),
        "classes": _classes(given),
        "recorded_otherwise": sum(_is_recorded_otherwise(row) for row in rows),
        "note": NOTE,
    }
    lines = _lines(heading, rows)
    return Sheet(heading=heading, called="enterprises", rows=rows, columns=COLUMNS, lines=lines)


def _rows(store: Store, given: Appraised) -> list[Row]:
    """Return a row for each living enterprise; the class of one too young is None."""
    names = store.dictionary("enterprise").texts_of(given.codes).tolist()
    classes = [grade.name for grade in given.period.policy.appraisal.grades]
    ids_of = given.sanctions.row_ids()
    recorded = _recorded_names(store, given)
    columns = zip(
        given.codes.tolist(),
        names,
        given.places.tolist(),
        given.counts.sanctions.tolist(),
        given.counts.grave.tolist(),
        given.counts.refused.tolist(),
        given.visits.tolist(),
        recorded,
        strict=True,
    )
    rows: list[Row] = []
    for code, name, place, sanctions, grave, refused, visits, rating in columns:
        row = {
            "enterprise": name,
            "period": given.period.year,
            "class": None if place == YOUNG else classes[place],
            "sanctions": sanctions,
            "grave": grave,
            "refused": refused,
            "visits": visits,
            "recorded": rating,
            "facts": facts_as_json("sanctions", ids_of.get(code, ())),
        }
        rows.append(row)
    return in_order(rows)


def _recorded_names(store: Store, given: Appraised) -> list[str | None]:
    """Return the class that the source's own appraisal gave each enterprise."""
    if not store.has("appraisals"):
        return [None] * len(given.codes)
    ratings = store.column("appraisals", "rating").choices
    codes = given.recorded.tolist()
    return [None if code == NULL else ratings[code] for code in codes]


def _is_recorded_otherwise(row: Row) -> bool:
    """Tell whether the source's own appraisal gave another class."""
    return None not in (row["class"], row["recorded"]) and row["class"] != row["recorded"]


def _classes(given: Appraised) -> dict[str, Row]:
    """Return of each class how many enterprises have it, and how many of them nobody visited in the period."""
    is_unvisited = given.visits == 0
    classes: dict[str, Row] = {}
    for place, grade in enumerate(given.period.policy.appraisal.grades):
        is_in = given.places == place
        classes[grade.name] = {
            "enterprises": int(is_in.sum()),
            "never_visited": int(np.sum(is_in & is_unvisited)),
        }
    return classes


def _lines(heading: Row, rows: list[Row]) -> list[str]:
    """Return the lines for a terminal: the counts, and the enterprises below the best class."""
    first, last = heading["first"], heading["last"]
    title = f"评价 appraisal {heading['period']}: {first} – {last}"
    lines = [rule_line(title, heading)]
    for name, counts in heading["classes"].items():
        number, unvisited = counts["enterprises"], counts["never_visited"]
        lines.append(f"{name}: {number:,}（期内未检查 not visited in the period {unvisited:,}）")
    lines.append(f"登记时间不足，未评 too young to be appraised: {heading['too_young']:,}")
    lines.append(f"存续企业合计 living enterprises in all: {heading['living']:,}")
    otherwise = heading["recorded_otherwise"]
    lines.append(f"与库中评价不同 recorded otherwise by the source: {otherwise:,}")
    best = next(iter(heading["classes"]))
    below = [row for row in rows if row["class"] not in (None, best)]
    lines += shown_lines([_line(row) for row in below])
    return [*lines, f"{NOTE['zh']} {NOTE['en']}"]


def _line(row: Row) -> str:
    """Return an enterprise in one line: its class, its sanctions and their rows."""
    sanctions = f"处罚 sanctions {row['sanctions']}, 重大 grave {row['grave']}, 拒不改正 refused {row['refused']}"
    return f"{row['class']} {row['enterprise']}: {sanctions} | {facts_text(row['facts'])}"
