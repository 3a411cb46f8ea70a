"""One unit of a report: its figures, reasons, mitigating contributions, waterfall and replay, ready to be shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.bundle.interval import Interval
from serving.ledger.record import Case, Record
from serving.replay.checks import CaseReplay, Check
from serving.replay.contributions import (
    LANGUAGES,
    SHOWN_ROWS,
    Named,
    chart,
    meaning_beside_value,
    mitigating_rows,
    shown_contributions,
)
from serving.replay.report_reason import shown_reason
from serving.replay.waterfall import Language

FIELDS = {
    "raw": ("原始分", "raw score"),
    "probability": ("校准概率", "calibrated probability"),
    "expected": ("预计数", "expected number"),
    "interval": ("预计数的区间", "interval of the number"),
    "expected_words": ("预计数的说明", "words of the number"),
    "explainer": ("说明方法", "explainer"),
    "base": ("平均起点", "average start"),
    "contributions": ("各项贡献", "contributions"),
    "reasons": ("理由", "reasons"),
    "reason_words": ("理由的措辞", "words of the reasons"),
    "facts": ("事实", "facts"),
    "second_engine": ("第二引擎所算的分数", "the score by the second engine"),
    "vector": ("特征值（由当日数据重算）", "features, from the history"),
    "rank": ("名次", "rank"),
}
STATES = {
    "identical": ("逐位一致", "identical to the bit"),
    "different": ("不一致", "different"),
    "not_rebuilt": ("未重算", "not rebuilt"),
}
VERDICTS = {
    True: (
        "已由本记录保存的内容和经核对的模型重新计算：凡重算之项，逐位一致。",
        "Computed again from what this record keeps and the checked model: what was rebuilt is identical to the bit.",
    ),
    False: (
        "重新计算的结果与记录不一致，见下表。",
        "Computed again, something differs from the record: see the table.",
    ),
}


def unit_of(
    record: Record, case: Case, named: Named, replayed: CaseReplay | None
) -> dict[str, Any]:
    """Return what the page shows of one unit."""
    checks = () if replayed is None else replayed.checks
    verdict = VERDICTS[replayed is None or replayed.identical]
    expected, rank, of = case.expected, case.rank, case.of
    contributions = shown_contributions(record, case, named)
    return {
        "key": case.key,
        "percent": f"{100 * case.probability:.1f}%",
        "expected": None if expected is None else f"{expected:.1f}",
        "interval": case.interval and _interval(case.interval),
        "expected_words": case.expected_words,
        "rank": None if rank is None else f"{rank:,}",
        "of": None if of is None else f"{of:,}",
        "dormant": bool(case.dormant),
        "reasons": [shown_reason(reason, named) for reason in case.reasons],
        "mitigating": mitigating_rows(record, case, named),
        "contributions": contributions[:SHOWN_ROWS],
        "smaller": contributions[SHOWN_ROWS:],
        **{
            f"missing_{language}": _missing(record, case, named, language) for language in LANGUAGES
        },
        **{f"chart_{language}": chart(record, case, named, language) for language in LANGUAGES},
        "checks": [_check(check) for check in checks],
        "is_identical": replayed is None or replayed.identical,
        "verdict_zh": verdict[0],
        "verdict_en": verdict[1],
    }


def _interval(interval: Interval) -> dict[str, str]:
    upper = "∞" if np.isinf(interval.upper) else f"{interval.upper:,.0f}"
    return {
        "ends": f"{interval.lower:,.0f}–{upper}",
        "coverage": f"{100 * interval.coverage:.0f} %",
    }


def _missing(record: Record, case: Case, named: Named, language: Language) -> list[str]:
    """Return what the features without a value mean."""
    places = np.flatnonzero(np.isnan(case.values))
    return [meaning_beside_value(record, case, named, int(place), language)[0] for place in places]


def _check(check: Check) -> dict[str, str]:
    field, state = FIELDS[check.field], STATES[check.state]
    return {
        "field_zh": field[0],
        "field_en": field[1],
        "state": check.state,
        "state_zh": state[0],
        "state_en": state[1],
        "zh": check.zh,
        "en": check.en,
    }
