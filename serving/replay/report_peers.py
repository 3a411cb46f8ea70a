"""Why a unit's score is higher than its peers', as the page of a record shows it: the group, and what leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.errors import LssiError
from models.explain.peer_group import has_peers
from serving.replay.peer_comparison import PeerEvidence
from serving.replay.peer_parts import smaller_parts
from serving.replay.peer_words import peers_as_json
from serving.replay.peers import comparisons
from serving.replay.two_places import size_in_words

LEADING = 5
"""Features at most that the page shows beside those of the peers; a choice: the page keeps to two sheets."""


@dataclass(frozen=True, slots=True, eq=False)
class ShownPeers:
    """What the page says of the peers of each unit; `note` says why nothing where no comparison could be made."""

    by_unit: Mapping[str, Mapping[str, Any]]
    note: str = ""


def shown_peers(evidence: PeerEvidence) -> ShownPeers | None:
    """Return what the page says of peers; None for a kind of unit that has none."""
    if not has_peers(evidence.record.entity):
        return None
    try:
        compared = [peers_as_json(comparison) for comparison in comparisons(evidence)]
    except LssiError as error:
        return ShownPeers({}, str(error))
    return ShownPeers({each["unit"]: _leading(each) for each in compared})


def _leading(compared: dict[str, Any]) -> dict[str, Any]:
    """Return a comparison with its leading features alone; the others are counted and summed."""
    parts, smaller = compared["contributions"], compared["smaller"]
    others = smaller_parts(parts[LEADING:], smaller["count"], smaller["contribution"])
    return {
        "question": compared["question"],
        "group": compared["peers"]["words"],
        "words": compared["words"],
        "parts": [_shown(part) for part in parts[:LEADING]],
        "smaller": others["words"],
    }


def _shown(part: dict[str, Any]) -> dict[str, str]:
    contribution = part["contribution"]
    return {
        "zh": part["zh"],
        "en": part["en"],
        "size": size_in_words(contribution),
        "way": "up" if contribution > 0 else "down",
    }
