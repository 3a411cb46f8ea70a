"""The words of an expected number: what share of what it is, within what it should lie, and what raises it most."""

from __future__ import annotations

import math

import numpy as np

from features.matrix import Matrix
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.bundle.interval import Interval
from models.bundle.manifest import FrozenFeature
from models.bundle.number import Number
from models.bundle.score import Scores
from models.explain.sentence import SAYS, meaning_and_value, statement
from models.explain.shap_kernel import contributions
from models.explain.wording import LANGUAGES, range_words, value_beside, value_words

RAISING = 3
"""Features that are named because they raise the number; a choice, as many as reasons without a direction."""
RANGE = {"zh": "（{coverage}的检查查出{ends}）", "en": " ({ends} in {coverage} of visits)"}
FROM = {"zh": "{lower}以上", "en": "{lower} or more"}
EXPECTED = {"zh": "预计{number}{range}：", "en": "Expected: {number}{range}; "}
SHARED = {
    "zh": "模型估计的比例{share}，乘以可能的最多数{stake}（{most}，另加{least}），按规模的修正{factor}已计入",
    "en": "the model gives a share of {share} of the most possible, {stake} ({most}, and {least} besides), "
    "with the correction for its size, {factor}",
}
UNSHARED = {
    "zh": "模型直接估计数量，没有上限，按规模的修正{factor}已计入",
    "en": "the model gives the number itself, which nothing bounds, with the correction for its size, {factor}",
}
TIMES = {"zh": "，每人{each}", "en": ", {each} each"}
RAISED = {"zh": "；使其升高最多的：{features}", "en": "; raised most by {features}"}
LIST = {"zh": "；", "en": "; "}
"""Between features: each may be a sentence of its own with commas in it."""
BARE = "ratio"
"""The unit whose number says nothing without the numbers that it is made of."""


def expected_words(
    bundle: Bundle, matrix: Matrix, scores: Scores, row: int
) -> dict[str, str] | None:
    """Return one sentence in each language on how a case's number was made; None where the bundle keeps no way.

    `matrix` is of one row, which stands at place `row` of the scores.
    """
    number = bundle.manifest.number
    interval = scores.interval_of(row)
    if number is None or interval is None:
        return None
    expected = float(scores.expected_of(row) or 0.0)
    inputs = bundle.matrix(matrix)
    raising = _raising(bundle, inputs)
    sentences = {}
    for language in LANGUAGES:
        parts = [
            _expected(expected, interval, bundle.manifest.unit_expected, language),
            _made(bundle, number, inputs, expected, language),
            _raised(bundle, raising, matrix, language),
        ]
        sentences[language] = "".join(parts)
    return sentences


def _expected(expected: float, interval: Interval, unit: str, language: str) -> str:
    if math.isinf(interval.upper):
        ends = FROM[language].format(lower=value_words(interval.lower, unit, language))
    else:
        ends = range_words(interval.lower, interval.upper, unit, language)
    coverage = value_words(interval.coverage, "share", language)
    between = RANGE[language].format(coverage=coverage, ends=ends)
    number = value_words(expected, unit, language)
    return EXPECTED[language].format(number=number, range=between)


def _made(bundle: Bundle, number: Number, inputs: Floats, expected: float, language: str) -> str:
    """Return of what a number is a share, and its correction: the share is told with the correction in it."""
    names = bundle.manifest.names
    factor = float(number.correction(names, inputs)[0])
    corrected = value_words(factor, "ratio", language)
    if math.isinf(number.most(names, inputs)[0]):
        return UNSHARED[language].format(factor=corrected)
    at_stake = float(number.at_stake(names, inputs)[0])
    unit = bundle.manifest.unit_expected
    return SHARED[language].format(
        share=value_words(expected / at_stake, "share", language),
        stake=value_words(at_stake, unit, language),
        most=_most(bundle, number, inputs, language),
        least=value_words(number.least, unit, language),
        factor=corrected,
    )


def _most(bundle: Bundle, number: Number, inputs: Floats, language: str) -> str:
    """Return the feature that tells the most at stake, with its value: the first of those that tell as much."""
    most = float(number.at_stake(bundle.manifest.names, inputs)[0] - number.least) / number.each
    stakes = {
        place: feature
        for place, feature in enumerate(bundle.features)
        if feature.name in number.stake
    }
    feature = next(
        (each for place, each in stakes.items() if np.isclose(inputs[0, place], most)),
        next(iter(stakes.values())),
    )
    meaning = feature.zh if language == "zh" else feature.en
    value = value_beside(meaning, most, feature.unit, language)
    words = SAYS[language].format(meaning=meaning, value=value)
    if feature.unit == number.unit:
        return words
    each = value_words(number.each, number.unit, language)
    return words + TIMES[language].format(each=each)


def _raising(bundle: Bundle, inputs: Floats) -> list[FrozenFeature]:
    """Return the features that raise the share, in the order of their exact contributions to it."""
    if bundle.count_forest is None:
        return []
    shares = contributions(bundle.count_forest, inputs)[0]
    most_first = np.argsort(-shares, kind="stable")
    return [bundle.features[place] for place in most_first.tolist() if shares[place] > 0]


def _raised(bundle: Bundle, raising: list[FrozenFeature], matrix: Matrix, language: str) -> str:
    """Return what raises a number most, each feature as reasons say it, or nothing where none does.

    A ratio of which the parts are not known is passed over, and the next feature is named: "trend: 4" tells nobody anything.
    """
    declared = {feature.name: feature for feature in bundle.features}
    phrases: list[str] = []
    for feature in raising:
        words = statement(feature, declared, matrix, (), language)
        is_bare = words == meaning_and_value(feature, matrix, language)
        if not (is_bare and feature.unit == BARE):
            phrases.append(words)
    if not phrases:
        return ""
    return RAISED[language].format(features=LIST[language].join(phrases[:RAISING]))
