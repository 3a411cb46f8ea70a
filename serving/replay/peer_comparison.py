"""A recorded score beside its peers, as values; and what it is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.explain.explain import Explanation
from models.explain.peer_group import PeerGroup
from serving.ledger.read import StoredRecord
from serving.ledger.record import Case, Record


class PeerEvidence(Protocol):
    """What a comparison is made from: a record with its cases, its model and its history, as a `Dossier` has them."""

    @property
    def stored(self) -> StoredRecord:
        """The record as the ledger stores it."""

    @property
    def record(self) -> Record:
        """What it says."""

    @property
    def cases(self) -> tuple[Case, ...]:
        """The units to compare."""

    def bundle(self) -> Bundle:
        """Return the model; BundleError when it is gone or damaged."""

    def store(self) -> Store | None:
        """Return the history of the day, None where it is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class PeerComparison:
    """One recorded score beside its peers: `explanation` has its one row, `peer_scores` (B,) are the raw scores of `peers`."""

    record_id: str
    record: Record
    case: Case
    bundle: Bundle
    group: PeerGroup
    peers: Matrix
    peer_scores: np.ndarray[Any, np.dtype[np.float64]]
    explanation: Explanation

    @property
    def with_lower_score(self) -> int:
        """How many peers have a lower score."""
        return int((self.peer_scores < self.case.raw).sum())
