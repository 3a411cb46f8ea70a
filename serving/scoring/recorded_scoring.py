"""The desk: it scores a request, records it, and answers only when the record is durable."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from serving.answers import Answer, Info, Recorded, SaidProof
from serving.errors import RecordUnknown
from serving.ledger.admin_act import RECORD_READ, AdminAct, admin_entry
from serving.ledger.entries import Entry
from serving.ledger.ledger import Ledger
from serving.ledger.read import StoredRecord, find, prove
from serving.ledger.record import Plain, record_of
from serving.requests import ClaimHistory, EnterpriseHistory, ProviderHistory
from serving.scoring.guard import Everything, Guard
from serving.scoring.scorer import Scorer, info_of
from serving.scoring.transcript import KEPT_DAYS, Question, Scoring, answer_of, entry_for

AT_ONCE = 16
"""Units scored in one turn: other requests wait no longer than these take."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """One scorer, one ledger and a clock; a thread scores one request at a time, so that the event loop stays free."""

    scorer: Scorer
    ledger: Ledger
    clock: Callable[[], datetime]
    guard: Guard = field(default_factory=Everything)
    _one: CapacityLimiter = field(default_factory=partial(CapacityLimiter, 1))

    async def by_id(self, target: str, entity: str, ids: list[str], question: Question) -> Answer:
        """Return the scores of ids, recorded; between AT_ONCE of them and the next, other requests have their turn."""
        await self._aside(partial(self.guard.check_units, entity, ids))
        if len(ids) > AT_ONCE:
            # None is scored where a later turn would refuse an id; one turn refuses by itself.
            await self._aside(partial(self.scorer.check, target, entity, ids))
        parts = []
        for first in range(0, len(ids), AT_ONCE):
            some_ids = ids[first : first + AT_ONCE]
            part = await self._aside(partial(self.scorer.by_id, target, entity, some_ids))
            parts.append(part)
        cases = chain.from_iterable(part.cases for part in parts)
        scoring = replace(parts[0], cases=tuple(cases))
        return await self._answered(scoring, question)

    async def by_history(
        self,
        entity: str,
        asked: EnterpriseHistory | ClaimHistory | ProviderHistory,
        question: Question,
    ) -> Answer:
        """Return the score of one unit by the history sent, recorded with that history."""
        score = partial(self.scorer.by_history, asked.target, entity, asked.id, asked.rows)
        scoring = await self._aside(score)
        return await self._answered(scoring, question)

    async def record(self, record_id: str, reader: str) -> Recorded:
        """Return one record with its proof, once the ledger says who reads it; RecordUnknown where there is none."""
        recorded = await self._aside(partial(self._proved_record, record_id))
        await self.note_reading(record_id, reader)
        return recorded

    async def note_reading(self, record_id: str, reader: str) -> None:
        """Let the ledger say who reads a record; whoever shows one waits for it."""
        record = {"record": record_id}
        reading = AdminAct(RECORD_READ, reader, subject=record, content=record)
        await self.ledger.record(admin_entry(reading, moment=self.clock(), kept_days=KEPT_DAYS))

    async def about(self) -> Info:
        """Return what this service serves."""
        return info_of(self.scorer)

    def close(self) -> None:
        """Write what waits for the ledger, then stop."""
        self.ledger.close()

    async def _answered(self, scoring: Scoring, question: Question) -> Answer:
        answer, entry = await self._aside(partial(self._written, scoring, question))
        receipt = await self.ledger.record(entry)
        if not receipt.first:
            answer = await self._aside(partial(self._recorded_answer, receipt.record_id))
        return Answer.model_validate({**answer, "record_id": receipt.record_id})

    def _written(self, scoring: Scoring, question: Question) -> tuple[Plain, Entry]:
        store = self.scorer.store
        answer = answer_of(store, scoring, self.scorer.dormancy)
        return answer, entry_for(store, scoring, answer, question, moment=self.clock())

    def _recorded_answer(self, record_id: str) -> Plain:
        payload = find(self.ledger.path, record_id).payload
        return record_of(payload or b"").answer

    def _proved_record(self, record_id: str) -> Recorded:
        stored = self._stored(record_id)
        payload = None if stored.payload is None else json.loads(stored.payload)
        self.guard.check_record(payload)
        proof = SaidProof.model_validate(asdict(prove(self.ledger.path, record_id)))
        return Recorded(record_id=record_id, entry=dict(stored.entry), payload=payload, proof=proof)

    def _stored(self, record_id: str) -> StoredRecord:
        try:
            return find(self.ledger.path, record_id)
        except RecordUnknown:
            # a caller who may not see all records is not told which there are
            self.guard.check_record(None)
            raise

    async def _aside(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._one)
