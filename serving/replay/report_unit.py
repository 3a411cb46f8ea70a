"""One unit of a report: its figures, reasons, mitigating contributions, waterfall and replay, ready to be shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from features.online.fact import Fact
from models.bundle.interval import Interval
from models.bundle.manifest import FrozenFeature
from models.explain.explain import TOLERANCE
from models.explain.leads import leads_among
from models.explain.wording import MISSING, value_beside
from serving.ledger.reasons import fact_of
from serving.ledger.record import Case, Plain, Record
from serving.replay.checks import CaseReplay, Check
from serving.replay.waterfall import Bar, Language, waterfall

LOWERING = 5
"""Parts at most that are shown because they lower the score."""
WIDE = 54
"""Columns of a chart's label, a Chinese character taking two."""
ROWS_OF = {"zh": ("{count} 行", "{count} 行"), "en": ("{count} rows", "{count} row")}
AND = {"zh": "，", "en": ", "}
OTHERS = {"zh": "其余各项合计", "en": "all others together"}
LANGUAGES: tuple[Language, ...] = ("zh", "en")
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


@dataclass(frozen=True, slots=True)
class Named:
    """What a bundle and a source call things: features by name, and the target in both languages ("" if unknown)."""

    features: Mapping[str, FrozenFeature]
    target_zh: str = ""
    target_en: str = ""


def unit_of(
    record: Record, case: Case, named: Named, replayed: CaseReplay | None
) -> dict[str, Any]:
    """Return what the page shows of one unit."""
    checks = () if replayed is None else replayed.checks
    verdict = VERDICTS[replayed is None or replayed.identical]
    expected, rank, of = case.expected, case.rank, case.of
    return {
        "key": case.key,
        "percent": f"{100 * case.probability:.1f}%",
        "expected": None if expected is None else f"{expected:.1f}",
        "interval": case.interval and _interval(case.interval),
        "expected_words": case.expected_words,
        "rank": None if rank is None else f"{rank:,}",
        "of": None if of is None else f"{of:,}",
        "dormant": bool(case.dormant),
        "reasons": [_reason(reason) for reason in case.reasons],
        "mitigating": _mitigating(record, case, named),
        **{
            f"missing_{language}": _missing(record, case, named, language) for language in LANGUAGES
        },
        **{f"chart_{language}": _chart(record, case, named, language) for language in LANGUAGES},
        "checks": [_check(check) for check in checks],
        "verdict_zh": verdict[0],
        "verdict_en": verdict[1],
    }


def _interval(interval: Interval) -> dict[str, str]:
    upper = "∞" if np.isinf(interval.upper) else f"{interval.upper:,.0f}"
    return {
        "ends": f"{interval.lower:,.0f}–{upper}",
        "coverage": f"{100 * interval.coverage:.0f} %",
    }


def _reason(reason: Plain) -> dict[str, Any]:
    """Return what the page shows of a reason: its sentence, which has table, days and row numbers, and what stands below."""
    shown: dict[str, Any] = {"size": _size(reason["contribution"])}
    facts = [fact_of(fact) for fact in reason["facts"]]
    for language in LANGUAGES:
        shown[language] = reason[language]
        # a record of an earlier version says nothing of what to check
        shown[f"check_{language}"] = reason.get(f"check_{language}", "")
        shown[f"facts_{language}"] = [_fact(fact, language) for fact in facts]
    return shown


def _fact(fact: Fact, language: Language) -> str:
    """Return what the rows of a fact are, and how many."""
    meaning = fact.zh if language == "zh" else fact.en
    count = ROWS_OF[language][fact.n_rows == 1].format(count=f"{fact.n_rows:,}")
    if fact.value is None:
        return _colon(meaning, count, language)
    value = value_beside(meaning, fact.value, fact.unit, language)
    return _colon(meaning, f"{value}{AND[language]}{count}", language)


def _mitigating(record: Record, case: Case, named: Named) -> list[dict[str, str]]:
    """Return what lowers the score most, with the same numbers as the chart's bars."""
    lowest_first = sorted(_parts(record, case, named), key=lambda part: part.contribution)
    return [
        {
            "zh": feature_words(record, case, named, part.place, "zh"),
            "en": feature_words(record, case, named, part.place, "en"),
            "size": _size(part.contribution),
        }
        for part in lowest_first[:LOWERING]
        if part.contribution < 0
    ]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a score: its contribution, the place of the feature that says it, and whether a reason tells it."""

    contribution: float
    place: int
    told: bool


def _parts(record: Record, case: Case, named: Named) -> list[Part]:
    """Return the parts of a score as reasons sum them, by lead; the reasons alone where the model is not at hand."""
    places = {name: place for place, name in enumerate(record.features)}
    told = {str(reason["feature"]): float(reason["contribution"]) for reason in case.reasons}
    if not places.keys() <= named.features.keys():
        return [Part(size, places[name], told=True) for name, size in told.items()]
    if not len(case.contributions):
        return []
    features = [named.features[name] for name in record.features]
    parts = []
    for lead in leads_among(features, case.contributions):
        in_words = [name for name in lead.members if name in told]
        says_it = [*in_words, *lead.members][0]
        parts.append(Part(lead.contribution, places[says_it], bool(in_words)))
    return parts


def _missing(record: Record, case: Case, named: Named, language: Language) -> list[str]:
    """Return what the features without a value mean."""
    places = np.flatnonzero(np.isnan(case.values))
    return [_meaning_and_value(record, case, named, int(place), language)[0] for place in places]


def feature_words(record: Record, case: Case, named: Named, place: int, language: Language) -> str:
    """Return one feature's meaning and value in words; its bare name where the bundle is not at hand."""
    meaning, value = _meaning_and_value(record, case, named, place, language)
    return _colon(meaning, value, language)


def _meaning_and_value(
    record: Record, case: Case, named: Named, place: int, language: Language
) -> tuple[str, str]:
    name = record.features[place]
    feature = named.features.get(name)
    meaning, unit = name, ""
    if feature is not None:
        meaning = feature.zh if language == "zh" else feature.en
        unit = feature.unit
    if name in record.categories:
        return meaning, case.texts.get(name, MISSING[language])
    return meaning, value_beside(meaning, float(case.values[place]), unit, language)


def _colon(meaning: str, value: str, language: Language) -> str:
    colon = "：" if language == "zh" else ": "
    return f"{meaning}{colon}{value}"


def _chart(record: Record, case: Case, named: Named, language: Language) -> Markup | None:
    if not len(case.contributions):
        return None
    bars = []
    for part in _parts(record, case, named):
        whole_meaning, whole_value = _meaning_and_value(record, case, named, part.place, language)
        # a value takes half the room at most, its meaning what is left
        value = clipped(whole_value, WIDE // 2)
        meaning = clipped(whole_meaning, WIDE - width(value))
        bars.append(Bar(_colon(meaning, value, language), part.contribution, part.told))
    remainder = float(case.contributions.sum()) - sum(bar.contribution for bar in bars)
    if abs(remainder) > TOLERANCE:
        bars.append(Bar(OTHERS[language], remainder))
    return Markup(waterfall(record.base, bars, language))


def width(text: str) -> int:
    """Return the room that a text takes, a Chinese character counting two.

    >>> width("参保 2")
    6
    """
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def clipped(text: str, room: int) -> str:
    """Return a text cut to a room, with a mark where it was cut.

    >>> clipped("税务申报人数", 12), clipped("税务申报人数", 8)
    ('税务申报人数', '税务申…')
    """
    if width(text) <= room:
        return text
    beginning = text
    # two columns are left for the mark
    while beginning and width(beginning) > room - 2:
        beginning = beginning[:-1]
    return f"{beginning.rstrip()}…"


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


def _size(contribution: float) -> str:
    return f"{contribution:+.2f}".replace("-", "\N{MINUS SIGN}")
