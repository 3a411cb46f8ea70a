"""The ranks of a day: where a raw score stands among those of all units that live on the last closed day."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.catalogue.model import Catalogue
from features.errors import HistoryError
from features.files import own_folder
from features.matrix import Matrix
from features.seal import check_whole, with_seal
from models.bundle.bundle import Bundle
from models.bundle.score import score

LOG = logging.getLogger("lssi.day")


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """The living units of a day: `keys` (N,) in ascending order and their raw scores, float64 (N,)."""

    keys: NDArray[np.str_]
    raw: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.keys)

    def rank(self, key: str, raw: float) -> int:
        """Return the place of a unit with this raw score, 1 the highest: equal scores share a place.

        >>> Ranks(np.array(["a", "b", "c"]), np.array([2.0, 1.0, 1.0])).rank("b", 1.5)
        2
        """
        higher = int(np.count_nonzero(self.raw > raw))
        place = int(np.searchsorted(self.keys, key))
        is_ranked = place < len(self.keys) and self.keys[place] == key
        # a unit does not stand behind itself: its score of the day may be higher than that of a history sent
        if is_ranked and self.raw[place] > raw:
            higher -= 1
        return 1 + higher


def ranks_of(bundle: Bundle, living: Matrix) -> Ranks:
    """Return the ranks of all units of a matrix."""
    order = np.argsort(living.keys)
    scores = score(bundle, living)
    return Ranks(living.keys[order], scores.raw[order])


def stored_ranks(path: Path, make: Callable[[], Ranks]) -> Ranks:
    """Return the ranks kept in a file; without one, or with a damaged one, make them and keep them; the log says so."""
    if path.exists():
        try:
            return _read(path)
        except (HistoryError, OSError):
            LOG.warning("%s is not what was written there; the ranks are made again", path.name)
    ranks = make()
    own_folder(path.parent)
    with with_seal(path) as draft, draft.open("wb") as written:
        np.savez(written, keys=ranks.keys, raw=ranks.raw)
    return ranks


def _read(path: Path) -> Ranks:
    check_whole(path)
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Ranks(arrays["keys"], arrays["raw"])


def file_name(fingerprint: str, day: int, bundle: Bundle, catalogue: Catalogue) -> str:
    """Return the name under which ranks are kept: it changes with history, day, model and the features' meaning."""
    features = catalogue.features(bundle.entity)
    formulas = "\n".join(f"{feature.name}={feature.expression}" for feature in features)
    meaning = hashlib.sha256(formulas.encode()).hexdigest()
    return f"{bundle.target}-{day}-{fingerprint[:12]}-{bundle.digest[:12]}-{meaning[:12]}.npz"
