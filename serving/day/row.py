"""A row of a scored day: one unit as a case, and the bytes of it that its leaf is the hash of.

A row has numbers in columns and its words, reasons and facts, as one compressed text in the column `told`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle.interval import Interval
from models.explain.wording import LANGUAGES
from serving.ledger import merkle
from serving.ledger.entries import canonical, sha256_of
from serving.ledger.float_bits import bits_of
from serving.ledger.record import Case

WORDED = ("expected_words", "facts", "reasons")
"""The fields of a case that are words: made only for the units within reach, and kept as one text."""

UNKNOWN = -1
"""What stands in a column for a unit of which nobody can tell whether it is dormant."""
DORMANT = {UNKNOWN: None, 0: False, 1: True}


def words_of_case(case: Case) -> bytes:
    """Return the words of a case: its reasons with their facts, and those of its number, as canonical JSON."""
    return canonical({name: getattr(case, name) for name in WORDED})


def fields_of_words(text: bytes) -> dict[str, Any]:
    """Return the fields of a case that its words hold; empty ones for a case without words, whose text is empty."""
    if not text:
        return {"expected_words": None, "facts": {}, "reasons": ()}
    values: dict[str, Any] = json.loads(text)
    words = values["expected_words"]
    # canonical JSON sorts by name, and an answer says Chinese first
    in_order = words and {language: words[language] for language in LANGUAGES}
    return {"facts": values["facts"], "reasons": values["reasons"], "expected_words": in_order}


def leaf_of_case(case: Case, words: bytes) -> bytes:
    """Return the hash of a unit's leaf, over its case and its words (b"" for none); every float counts by its bits."""
    content = {
        "as_of": case.as_of,
        "contributions": bits_of(case.contributions),
        "dormant": case.dormant,
        "key": case.key,
        "of": case.of,
        "rank": case.rank,
        "scores": bits_of(scores_of(case)),
        "texts": case.texts,
        "told": sha256_of(words) if words else None,
        "values": bits_of(case.values),
    }
    return merkle.leaf_hash(canonical(content))


def scores_of(case: Case) -> NDArray[np.float64]:
    """Return the five numbers of a case, what the model does not say as NaN."""
    interval = case.interval
    lower, upper = (np.nan, np.nan) if interval is None else (interval.lower, interval.upper)
    expected = np.nan if case.expected is None else case.expected
    return np.array([case.raw, case.probability, expected, lower, upper])


@dataclass(frozen=True, eq=False)
class DayView:
    """The columns of a scored day by name, in memory or mapped, with what a case needs beside them.

    `categories` has the texts of each feature that is one, by the code that stands in `values`; `cells` gives the values or
    contributions of a unit, float64 (F,), by the name of the column and the place.
    """

    as_of: int
    units: int
    coverage: float | None
    features: Sequence[str]
    categories: Mapping[str, Sequence[str]]
    columns: Mapping[str, NDArray[Any]]
    cells: Callable[[str, int], NDArray[np.float64]]

    def case(self, place: int, key: str, words: bytes) -> Case:
        """Return the unit at a place as a case with its words (b"" for none)."""
        expected = self._number("expected", place)
        values, texts = self._vector(place)
        return Case(
            key=key,
            as_of=self.as_of,
            values=values,
            texts=texts,
            raw=self._number("raw", place),
            probability=self._number("probability", place),
            expected=None if np.isnan(expected) else expected,
            contributions=self.cells("contributions", place),
            rank=int(self.columns["rank"][place]),
            of=self.units,
            dormant=DORMANT[int(self.columns["dormant"][place])],
            interval=self._interval(place),
            **fields_of_words(words),
        )

    def _number(self, name: str, place: int) -> float:
        return float(self.columns[name][place])

    def _interval(self, place: int) -> Interval | None:
        """Return the interval of a unit; None where the model has none."""
        lower = self._number("lower", place)
        if np.isnan(lower):
            return None
        return Interval(lower, self._number("upper", place), self.coverage or 0.0)

    def _vector(self, place: int) -> tuple[NDArray[np.float64], dict[str, str]]:
        """Return the features of a unit as a record has them: a category's place holds 0 or NaN, its text stands apart."""
        values = self.cells("values", place).copy()
        texts: dict[str, str] = {}
        for feature, name, choices in self._choices:
            code = values[feature]
            if not np.isnan(code):
                texts[name] = choices[int(code)]
                values[feature] = 0.0
        return values, texts

    @cached_property
    def _choices(self) -> list[tuple[int, str, Sequence[str]]]:
        places = {name: place for place, name in enumerate(self.features)}
        return [(places[name], name, choices) for name, choices in self.categories.items()]
