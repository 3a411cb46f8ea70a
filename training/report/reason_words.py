"""Reasons in both languages: why a figure is missing, as the JSON of a training says it, and the same in Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from features.text_files import declaration_lines, declaration_text

NOT_ESTIMABLE = "not estimable: "
NOT_KNOWN = "not known"
DECLARED = "reason_words.txt"


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """A text in both languages."""

    zh: str
    en: str


def reason_words(reason: str) -> ReasonWords:
    """Return a reason in both languages; one without Chinese words is shown as it is.

    >>> reason_words("not estimable: 12 lottery visits, at least 30 needed").zh
    '不可估计：抽签检查12次，至少需要30次'
    """
    if reason.startswith(NOT_ESTIMABLE):
        inner = reason_words(reason.removeprefix(NOT_ESTIMABLE))
        return ReasonWords(f"不可估计：{inner.zh}", reason)
    if reason.startswith(NOT_KNOWN):
        return ReasonWords("不详", reason)
    for pattern, zh in reason_patterns():
        match = pattern.fullmatch(reason)
        if match:
            return ReasonWords(match.expand(zh), reason)
    return ReasonWords(reason, reason)


@cache
def reason_patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of reasons, each with the same in Chinese, in the order of `reason_words.txt`."""
    text = declaration_text(DECLARED, "training.report")
    rows = declaration_lines(text, 2, DECLARED)
    return tuple((re.compile(pattern), zh) for pattern, zh in rows)
