"""What an appeal touches: the other cases of its row, the records that rest on it, and the case scored again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.bundle.bundle import Bundle
from serving.ledger.entries import Receipt
from serving.ledger.read import find
from serving.loop.act_once import Doer, Loop
from serving.loop.appeals import appealed_row, cases_on_row, others_on_row
from serving.loop.records_on_row import RestingRecord, RowInForce, records_on_row
from serving.loop.rescored import rescore
from serving.requests import LodgedAppeal


@dataclass(frozen=True, slots=True)
class AppealEffects:
    """Of an appeal's row the other cases by kind, and the records that rest on it; the appellant's scores before and after."""

    others: Mapping[str, list[str]]
    records: list[RestingRecord]
    rescored: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return the effects as plain values."""
        return {
            "others_on_row": dict(self.others),
            "records_on_row": [record.as_json() for record in self.records],
            "rescored": self.rescored,
        }


def appeal_effects(
    loop: Loop,
    bundles: Mapping[str, Bundle],
    asked: LodgedAppeal,
    *,
    appealed: Receipt,
    doer: Doer,
) -> AppealEffects:
    """Return what an appeal that was recorded touches; an appellant whose appeal is upheld is scored again."""
    row = appealed_row(loop.store, asked.table, asked.row_id)
    # of a repetition, the day is that on which the ledger first knew the appeal
    day = find(loop.ledger.path, appealed.record_id).entry["as_of"]
    in_force = RowInForce(row.table, row.row_id, row.known, until=day)
    return AppealEffects(
        others=others_on_row(loop.store, row, asked),
        records=records_on_row(loop, cases_on_row(loop.store, row), in_force),
        rescored=rescore(loop, bundles, asked, appealed=appealed, doer=doer),
    )


def effect_lines(effects: AppealEffects) -> list[str]:
    """Return the effects in lines for a reader: the two scores, the other cases, then each record."""
    lines = [_rescored_line(pair) for pair in effects.rescored]
    for kind, units in effects.others.items():
        lines.append(f"同据此行 also rests on this row | {kind}: {', '.join(units)}")
    return [*lines, *map(_record_line, effects.records)]


def _rescored_line(rescored: Mapping[str, Any]) -> str:
    was, now = rescored["was"]["score"], rescored["corrected"]["score"]
    head = f"重新评分 scored again | {rescored['target']} | {rescored['as_of']}"
    return (
        f"{head} | 原 as it was {was:.3f} | 更正后 as decided {now:.3f} | {rescored['record_id']}"
    )


_WHAT = {"score": "评分 score", "alert": "预警 alert", "plan": "名单 line of a plan"}
_NAMES = {
    True: "理由写明此行 its reasons name the row",
    False: "理由未写此行 its reasons do not name the row",
    None: "理由已不在 its reasons are no longer there",
}


def _record_line(resting: RestingRecord) -> str:
    statement = resting.said
    shown = resting.as_json()
    words = _NAMES[resting.names_row]
    what = f"{_WHAT[statement.what]} {statement.record_id}"
    return (
        f"据此行的记录 rests on this row | {what} | {shown['as_of']} | {statement.unit} | {words}"
    )
