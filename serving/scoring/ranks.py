"""The ranks of a day: where a raw score stands among those of all units that live on the last closed day."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.files import replaced
from features.matrix import Matrix
from models.bundle.bundle import Bundle
from models.bundle.score import score


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
        own = place < len(self.keys) and self.keys[place] == key and self.raw[place] > raw
        return 1 + higher - int(own)


def ranks_of(bundle: Bundle, living: Matrix) -> Ranks:
    """Return the ranks of all units of a matrix."""
    order = np.argsort(living.keys)
    return Ranks(living.keys[order], score(bundle, living).raw[order])


def kept_ranks(path: Path, make: Callable[[], Ranks]) -> Ranks:
    """Return the ranks kept in a file; without one, or with a damaged one, make them and keep them."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return Ranks(kept["keys"], kept["raw"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        made = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as draft, draft.open("wb") as writing:
        np.savez(writing, keys=made.keys, raw=made.raw)
    return made


def file_name(fingerprint: str, day: int, bundle: Bundle, catalogue: Catalogue) -> str:
    """Return the name under which ranks are kept: it changes with history, day, model and the features' meaning."""
    formulas = "\n".join(
        f"{feature.name}={feature.expression}" for feature in catalogue.features(bundle.entity)
    )
    meaning = hashlib.sha256(formulas.encode()).hexdigest()
    return f"{bundle.target}-{day}-{fingerprint[:12]}-{bundle.digest[:12]}-{meaning[:12]}.npz"
