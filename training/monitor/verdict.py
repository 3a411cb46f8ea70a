"""The verdict on a model in use: go on, watch or halt, each with its reasons in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from training.monitor.limits import Word

MILDEST_FIRST: tuple[Word, ...] = get_args(Word)


@dataclass(frozen=True, slots=True)
class VerdictReason:
    """One thing that was seen: what it is about, the word that it calls for, and what it says in both languages."""

    about: str
    word: Word
    zh: str
    en: str

    def plain(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {"about": self.about, "word": self.word, "zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Unknown:
    """What cannot be told yet, and why, in both languages."""

    about: str
    zh: str
    en: str

    def plain(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {"about": self.about, "zh": self.zh, "en": self.en}


NOTHING_SEEN = VerdictReason(
    "all", "go on", "未见需要处理的变化", "nothing was seen that calls for more"
)


def verdict(reasons: Sequence[VerdictReason], unknown: Sequence[Unknown]) -> dict[str, Any]:
    """Return the gravest word of all reasons, the reasons with the gravest first, and what cannot be told."""
    every_reason = list(reasons) or [NOTHING_SEEN]
    gravest_first = sorted(every_reason, key=lambda reason: -MILDEST_FIRST.index(reason.word))
    return {
        "word": gravest_first[0].word,
        "reasons": [reason.plain() for reason in gravest_first],
        "not_known": [each.plain() for each in unknown],
    }
