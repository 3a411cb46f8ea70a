"""Who put a model into use: the promotion that the ledger holds of the model of a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.database.place import LedgerPlace
from serving.ledger.act import act_of
from serving.ledger.entries import record_id_of
from serving.ledger.opening import ledger_reader
from serving.ledger.read import StoredRecord, stored

PROMOTED = "promote"
"""What the act of a promotion is called."""
# the key of an act names what was done, so that only promotions are read, not all records
_PROMOTIONS = (
    "SELECT sequence, CAST(hash AS BLOB)"
    " FROM retries JOIN nodes ON level = 0 AND place = sequence WHERE retry_key LIKE ? AND sequence < ?"
    " ORDER BY sequence DESC"
)


@dataclass(frozen=True, slots=True)
class PromotedModel:
    """Whose model is sought: the source and target that it was promoted for, and its digest."""

    source: str
    target: str
    digest: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Who put a model into use and when; `version` is its number in the registry, `although` the reason it needed, if any."""

    who: str
    at: str
    version: int
    although: str


def approval_before(place: LedgerPlace, model: PromotedModel, sequence: int) -> Approval | None:
    """Return the last promotion of a source and target before an entry; None where it was of another model or is erased.

    An act of an earlier version names no digest: then what was promoted last was what was in use.
    """
    with ledger_reader(place) as connection:
        rows = connection.execute(_PROMOTIONS, (f"act:%:{PROMOTED} %", sequence))
        for place_of_act, leaf_hash in list(rows):
            promotion = stored(connection, record_id_of(place_of_act, leaf_hash))
            content = _content(promotion)
            if (content.get("source"), content.get("target")) == (model.source, model.target):
                is_of_model = content.get("digest", model.digest) == model.digest
                return _approval(promotion) if is_of_model else None
    return None


def _content(promotion: StoredRecord) -> Mapping[str, Any]:
    return {} if promotion.payload is None else act_of(promotion.payload).content


def _approval(promotion: StoredRecord) -> Approval:
    payload = promotion.payload or b""
    act = act_of(payload)
    return Approval(
        who=act.who,
        at=str(promotion.entry["at"]),
        version=int(act.content["version"]),
        although=str(act.content.get("although", "")),
    )
