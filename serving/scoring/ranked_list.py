"""The ranked list of a day: units from the highest score down, equal scores by identifier, read in pages by keyset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL
from features.calendar import date_of
from features.engine.population import living
from features.errors import RequestError
from serving.scoring.scorer import Scorer

NO_CELL = -1
"""The code of no cell."""


@dataclass(frozen=True, slots=True)
class RankedPlace:
    """One place of a ranked list."""

    id: str
    rank: int
    raw: float
    cell: str | None


@dataclass(frozen=True, slots=True, eq=False)
class RankedList:
    """All living units in their order: `keys` and `raw` (N,) highest first, `rank` (N,), `cell` (N,) as codes of `cells`.

    `mark` names the day and the model, so that no page continues a list of another day.
    """

    keys: NDArray[np.str_]
    raw: NDArray[np.float64]
    rank: NDArray[np.int64]
    cell: NDArray[np.int64]
    cells: tuple[str, ...]
    mark: str

    def page(self, cell: str | None, after: str | None, limit: int) -> list[RankedPlace]:
        """Return at most so many places behind a cursor, of one cell or of all; RequestError for a cursor of another list."""
        first = 0 if after is None else 1 + self._place(after)
        places = self._places_from(first, cell)
        return [self._at(place) for _, place in zip(range(limit), places, strict=False)]

    def cursor(self, key: str) -> str:
        """Return the cursor behind a unit."""
        return f"{self.mark}.{key}"

    def _places_from(self, first: int, cell: str | None) -> Iterator[int]:
        if cell is None:
            yield from range(first, len(self.keys))
        elif cell in self.cells:
            of_cell = self.cell[first:] == self.cells.index(cell)
            yield from (first + np.flatnonzero(of_cell)).tolist()

    def _place(self, cursor: str) -> int:
        day, model, key = (*cursor.split(".", 2), "", "")[:3]
        if f"{day}.{model}" != self.mark:
            raise RequestError(
                "this cursor is of a ranked list of another day or model; leave out `after` to begin again"
            )
        places = np.flatnonzero(self.keys == key)
        if len(places) != 1:
            raise RequestError("a cursor should be one that a page came with; leave out `after`")
        return int(places[0])

    def _at(self, place: int) -> RankedPlace:
        code = int(self.cell[place])
        return RankedPlace(
            id=str(self.keys[place]),
            rank=int(self.rank[place]),
            raw=float(self.raw[place]),
            cell=None if code == NO_CELL else self.cells[code],
        )


def ranked_list(scorer: Scorer, target: str) -> RankedList:
    """Return the ranked list of a target's living units; TargetError where no model scores it."""
    entity = entity_of(scorer, target)
    bundle = scorer.bundle(target, entity)
    ranks = scorer.ranks[target]
    order = np.lexsort((ranks.keys, -ranks.raw))
    raw = ranks.raw[order]
    # raw descends, so its negative ascends: as many places stand before a score as its rank says
    rank = 1 + np.searchsorted(-raw, -raw, side="left")
    cells = tuple(scorer.store.texts("cell"))
    return RankedList(
        keys=ranks.keys[order],
        raw=raw,
        rank=rank.astype(np.int64),
        cell=_cells(scorer, entity, ranks.keys)[order],
        cells=cells,
        mark=f"{date_of(scorer.day)}.{bundle.digest[:8]}",
    )


def entity_of(scorer: Scorer, target: str) -> str:
    """Return what a target's model scores; where none does, an entity for which `Scorer.bundle` refuses it."""
    bundle = scorer.bundles.get(target)
    return "enterprise" if bundle is None else bundle.entity


def _cells(scorer: Scorer, entity: str, keys: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the code of the cell in which each unit lies, NO_CELL where it lies in none or has none, as a claim."""
    cell = np.full(len(keys), NO_CELL, np.int64)
    if entity == "claim":
        return cell
    cases = living(scorer.engine, entity, scorer.day)
    if "cell" not in cases.keys:
        return cell
    texts = np.asarray(scorer.store.texts(entity))[cases.code]
    places = np.searchsorted(keys, texts)
    codes = cases.keys["cell"]
    cell[places] = np.where(codes == NULL, NO_CELL, codes)
    return cell
