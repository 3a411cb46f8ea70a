"""The desk of reads: ranked lists, plans and batches in pages, and why something was scored or listed. It records nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from anyio import CapacityLimiter, to_thread

from features.calendar import date_of
from serving.answers import PRIORITY_ONLY
from serving.api.planned_week import plan_page, why_listed_in_week
from serving.api.recorded_scores import batch_page, compared_score, explanation
from serving.database.place import LedgerPlace, ledger_place
from serving.gate.caller import Caller
from serving.gate.questions import AskedWhy, BatchRows, ExplainedRecord, PlanOfWeek, RankedUnits
from serving.gate.read_answers import (
    BatchPage,
    ComparedScore,
    ExplainedScores,
    PlanPage,
    RankPage,
    WhyListed,
)
from serving.replay.shelf import Shelf, bundles_in_use
from serving.scoring.ranked_list import RankedList, entity_of, ranked_list
from serving.scoring.scorer import Scorer

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class ReadDesk:
    """A scorer and the home whose ledger, batches and journal are read; a thread answers one read at a time.

    Another compares with peers, one record at a time: in a large city that takes seconds, which no other read waits for.
    """

    scorer: Scorer
    home: Path
    _lists: dict[str, RankedList] = field(default_factory=dict)
    _one: CapacityLimiter = field(default_factory=partial(CapacityLimiter, 1))
    _one_comparison: CapacityLimiter = field(default_factory=partial(CapacityLimiter, 1))

    async def ranks(self, asked: RankedUnits) -> RankPage:
        """Return one page of the ranked list of a target."""
        return await self._aside(partial(self._ranks, asked))

    async def explanation(self, asked: ExplainedRecord) -> ExplainedScores:
        """Return why the units of a record have their scores."""
        return await self._aside(partial(explanation, self._ledger, self._batches, asked))

    async def peers(self, asked: ExplainedRecord) -> ComparedScore:
        """Return why a recorded score is above or below those of its peers."""
        shelf = Shelf(self.home, bundles_in_use(self.scorer.bundles.values()))
        work = partial(compared_score, self._ledger, shelf, asked)
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._one_comparison)

    async def batch(self, asked: BatchRows) -> BatchPage:
        """Return one page of the rows of a batch."""
        return await self._aside(partial(batch_page, self._ledger, self._batches, asked))

    async def plan(self, asked: PlanOfWeek, caller: Caller) -> PlanPage:
        """Return one page of the lines of a week's plans, of the caller's team alone where it acts for one."""
        return await self._aside(partial(plan_page, self.scorer, self._journal, asked, caller.team))

    async def why(self, asked: AskedWhy, caller: Caller) -> WhyListed:
        """Return whether an enterprise is on a list of the week, and the reasons of its score."""
        return await self._aside(
            partial(why_listed_in_week, self.scorer, self._journal, asked, caller.team)
        )

    @property
    def _ledger(self) -> LedgerPlace:
        return ledger_place(self.home)

    @property
    def _batches(self) -> Path:
        return self.home / "batches"

    @property
    def _journal(self) -> Path:
        return self.home / "journal" / self.scorer.store.source.name

    def _ranks(self, asked: RankedUnits) -> RankPage:
        ranked = self._list(asked.target)
        bundle = self.scorer.bundles[asked.target]
        places = ranked.page(asked.cell, asked.after, asked.limit + 1)
        shown = places[: asked.limit]
        scores = bundle.calibration(np.array([place.raw for place in shown]))
        units = [
            {"id": place.id, "rank": place.rank, "score": score, "cell": place.cell}
            for place, score in zip(shown, scores.tolist(), strict=True)
        ]
        more = len(places) > len(shown)
        return RankPage.model_validate(
            {
                "target": asked.target,
                "entity": entity_of(self.scorer, asked.target),
                "complete_to": date_of(self.scorer.day),
                "model_digest": bundle.digest,
                "rank_of": len(ranked.keys),
                "priority_only": PRIORITY_ONLY,
                "units": units,
                "cursor": ranked.cursor(shown[-1].id) if more else None,
            }
        )

    def _list(self, target: str) -> RankedList:
        """Return the ranked list of a target, sorted once: it holds for the day and the model of this scorer."""
        if target not in self._lists:
            self._lists[target] = ranked_list(self.scorer, target)
        return self._lists[target]

    async def _aside(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._one)
