"""The desks of what is in use: one generation's history, models and days, from which a request is answered whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from serving.api.batch_desk import BatchDesk, job_folder
from serving.api.district import DistrictGuard
from serving.api.loop_desk import LoopDesk
from serving.api.read_desk import ReadDesk
from serving.gate.startup import settle_memory
from serving.ledger.ledger import Ledger
from serving.loop.act_once import Loop
from serving.scoring.opening import open_scorer
from serving.scoring.recorded_scoring import Desk
from serving.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Desks:
    """What one request is answered with: the desks of scores and records, of the loop, of reads, and of batches."""

    scores: Desk
    loop: LoopDesk
    reads: ReadDesk
    batches: BatchDesk


def open_desks(settings: Settings, ledger: Ledger) -> Desks:
    """Return the desks of what is in use now: its history, its models and its published days."""
    scorer = open_scorer(settings)
    clock = partial(datetime.now, UTC)
    journal = settings.home / "journal" / scorer.store.source.name
    desks = Desks(
        scores=Desk(scorer, ledger, clock, DistrictGuard(scorer.store)),
        loop=LoopDesk(Loop(scorer.store, journal, ledger), clock, scorer.bundles),
        reads=ReadDesk(scorer, settings.home),
        batches=BatchDesk(scorer, job_folder(settings.home), ledger, clock),
    )
    settle_memory()
    return desks
