"""What moves one score: its contributions as reasons sum them, in words, as rows of a table and as a waterfall."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from models.bundle.manifest import FrozenFeature
from models.explain.explain import TOLERANCE
from models.explain.leads import leads_among
from models.explain.wording import MISSING, value_beside
from serving.ledger.record import Case, Record
from serving.replay.legal_basis import LegalBasis
from serving.replay.two_places import rounds_to_zero, size_in_words
from serving.replay.waterfall import Bar, Language, waterfall

LOWERING = 5
"""Parts at most that are shown because they lower the score."""
SHOWN_ROWS = 10
"""Contributions that a reader sees without unfolding the others; a choice: as many as the waterfall draws."""
WIDE = 54
"""Columns of a chart's label, a Chinese character taking two."""
OTHERS = {"zh": "其余各项合计", "en": "all others together"}
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Named:
    """What a bundle and a source call things: features by name, and the target in both languages ("" if unknown).

    `bases` holds by feature the law that lets it be read.
    """

    features: Mapping[str, FrozenFeature]
    target_zh: str = ""
    target_en: str = ""
    bases: Mapping[str, LegalBasis] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a score: its contribution, the place of the feature that says it, and whether a reason tells it."""

    contribution: float
    place: int
    told: bool


def moving_parts(record: Record, case: Case, named: Named) -> list[Part]:
    """Return the parts of a score as reasons sum them, by lead; the reasons alone where the model is not at hand."""
    places = {name: place for place, name in enumerate(record.features)}
    recorded = {str(reason["feature"]): float(reason["contribution"]) for reason in case.reasons}
    if not _is_named(record, named):
        return [Part(size, places[name], told=True) for name, size in recorded.items()]
    if not len(case.contributions):
        return []
    features = [named.features[name] for name in record.features]
    parts = []
    for lead in leads_among(features, case.contributions):
        in_words = [name for name in lead.members if name in recorded]
        says_it = [*in_words, *lead.members][0]
        parts.append(Part(lead.contribution, places[says_it], bool(in_words)))
    return parts


def _is_named(record: Record, named: Named) -> bool:
    """Tell whether the bundle of a record is at hand, so that its features have words."""
    return set(record.features) <= named.features.keys()


def shown_contributions(record: Record, case: Case, named: Named) -> list[dict[str, Any]]:
    """Return each part of a score that is not zero, the largest first: in words, with its number and its legal basis.

    Where the model is not at hand, the parts are the single features, by their bare names.
    """
    parts = moving_parts(record, case, named)
    if not _is_named(record, named):
        single = enumerate(case.contributions.tolist())
        parts = [Part(size, place, told=False) for place, size in single] or parts
    largest_first = sorted(parts, key=lambda part: -abs(part.contribution))
    return [_row_of(record, case, named, part) for part in largest_first if part.contribution]


def _row_of(record: Record, case: Case, named: Named, part: Part) -> dict[str, Any]:
    return {
        "zh": feature_words(record, case, named, part.place, "zh"),
        "en": feature_words(record, case, named, part.place, "en"),
        "size": size_in_words(part.contribution),
        "way": "up" if part.contribution > 0 else "down",
        "basis": named.bases.get(record.features[part.place]),
    }


def mitigating_rows(record: Record, case: Case, named: Named) -> list[dict[str, Any]]:
    """Return what lowers the score most, with the same numbers as the chart's bars; what shows as zero lowers nothing."""
    lowest_first = sorted(moving_parts(record, case, named), key=lambda part: part.contribution)
    lowering = [part for part in lowest_first[:LOWERING] if part.contribution < 0]
    seen = [part for part in lowering if not rounds_to_zero(part.contribution)]
    return [_row_of(record, case, named, part) for part in seen]


def chart(record: Record, case: Case, named: Named, language: Language) -> Markup | None:
    """Return the waterfall of a score, None where its contributions were not recorded."""
    if not len(case.contributions):
        return None
    bars = []
    for part in moving_parts(record, case, named):
        whole_meaning, whole_value = meaning_beside_value(record, case, named, part.place, language)
        # a value takes half the room at most, its meaning what is left
        value = clipped(whole_value, WIDE // 2)
        meaning = clipped(whole_meaning, WIDE - width(value))
        bars.append(Bar(with_colon(meaning, value, language), part.contribution, part.told))
    remainder = float(case.contributions.sum()) - sum(bar.contribution for bar in bars)
    if abs(remainder) > TOLERANCE:
        bars.append(Bar(OTHERS[language], remainder))
    return Markup(waterfall(record.base, bars, language))


def feature_words(record: Record, case: Case, named: Named, place: int, language: Language) -> str:
    """Return one feature's meaning and value in words; its bare name where the bundle is not at hand."""
    meaning, value = meaning_beside_value(record, case, named, place, language)
    return with_colon(meaning, value, language)


def meaning_beside_value(
    record: Record, case: Case, named: Named, place: int, language: Language
) -> tuple[str, str]:
    """Return what a feature means and its value of one case, both in words."""
    name = record.features[place]
    feature = named.features.get(name)
    meaning, unit = name, ""
    if feature is not None:
        meaning = feature.zh if language == "zh" else feature.en
        unit = feature.unit
    if name in record.categories:
        return meaning, case.texts.get(name, MISSING[language])
    return meaning, value_beside(meaning, float(case.values[place]), unit, language)


def with_colon(meaning: str, value: str, language: Language) -> str:
    """Return what something means and its value."""
    colon = "：" if language == "zh" else ": "
    return f"{meaning}{colon}{value}"


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
