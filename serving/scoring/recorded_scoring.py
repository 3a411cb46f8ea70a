"""The desk: it scores a request, records it, and answers only when the record is durable."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from features.errors import LssiError, TargetError, UnknownId
from serving.answers import Answer, Info, Recorded, SaidProof
from serving.database.place import local_file
from serving.day.scored_day import DayRow, PublishedDay
from serving.errors import RecordUnknown
from serving.ledger.admin_act import RECORD_READ, AdminAct, admin_entry
from serving.ledger.by_key import record_by_retry_key
from serving.ledger.entries import Entry
from serving.ledger.ledger import Ledger
from serving.ledger.read import StoredRecord, find, prove
from serving.ledger.record import Case, Plain, Record, record_of
from serving.requests import ClaimHistory, EnterpriseHistory, ProviderHistory
from serving.scoring.from_day import (
    day_for,
    reference_to,
    resolved,
    rows_of_ids,
    rows_with_reasons,
    with_words,
    without_words,
)
from serving.scoring.guard import Everything, Guard
from serving.scoring.kept_cases import KeptCases
from serving.scoring.scorer import Scorer, info_of
from serving.scoring.transcript import KEPT_DAYS, Question, Scoring, answer_of, entry_for

AT_ONCE = 16
"""Units scored in one turn; a choice: other requests wait no longer than these take."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manner:
    """How ids are answered: which rows of the day serve, how other units are computed, and what of a row is shown."""

    rows: Callable[[PublishedDay | None, Sequence[str]], dict[str, DayRow]]
    compute: Callable[[Scorer, str, str, Sequence[str]], Scoring]
    shown: Callable[[Case], Case]
    has_reasons: bool


EXPLAINED = Manner(rows_with_reasons, Scorer.by_id, with_words, has_reasons=True)
SCORED = Manner(rows_of_ids, Scorer.scores_by_id, without_words, has_reasons=False)


@dataclass(frozen=True, slots=True)
class IdsAsked:
    """The units that a request names: their target, their entity and their ids."""

    target: str
    entity: str
    ids: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """One scorer, one ledger and a clock; a thread scores one request at a time, so that the event loop stays free."""

    scorer: Scorer
    ledger: Ledger
    clock: Callable[[], datetime]
    guard: Guard = field(default_factory=Everything)
    _computed_before: KeptCases = field(default_factory=KeptCases)
    _one: CapacityLimiter = field(default_factory=partial(CapacityLimiter, 1))

    async def by_id(self, target: str, entity: str, ids: list[str], question: Question) -> Answer:
        """Return the scores of ids with reasons, recorded: from the scored day what is there, the others computed."""
        return await self._by_id(EXPLAINED, IdsAsked(target, entity, ids), question)

    async def scores_by_id(
        self, target: str, entity: str, ids: list[str], question: Question
    ) -> Answer:
        """Return the scores of ids without reasons, recorded."""
        return await self._by_id(SCORED, IdsAsked(target, entity, ids), question)

    async def by_history(
        self,
        entity: str,
        asked: EnterpriseHistory | ClaimHistory | ProviderHistory,
        question: Question,
    ) -> Answer:
        """Return the score of one unit by the history sent, recorded with that history."""
        score = partial(self.scorer.by_history, asked.target, entity, asked.id, asked.rows)
        try:
            scoring = await self._aside(score)
        except (TargetError, UnknownId) as error:
            return await self._answered_before(question, error)
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

    async def _by_id(self, manner: Manner, asked: IdsAsked, question: Question) -> Answer:
        """Return the recorded answer of ids: rows of the published day where it has them, all other units computed."""
        # before anything is read, so that a caller learns nothing of units that are not theirs
        await self._at_once(asked, partial(self.guard.check_units, asked.entity, asked.ids))
        try:
            return await self._scored(manner, asked, question)
        except (TargetError, UnknownId) as error:
            return await self._answered_before(question, error)

    async def _answered_before(self, question: Question, error: LssiError) -> Answer:
        """Return what a question got under its idempotency key before the model or a unit was gone; else raise the error."""
        answer = await self._aside(partial(self._answer_before, question))
        if answer is None:
            raise error
        return Answer.model_validate(answer)

    async def _scored(self, manner: Manner, asked: IdsAsked, question: Question) -> Answer:
        """Return the recorded answer of ids that the caller may see."""
        bundle = self.scorer.bundle(asked.target, asked.entity)
        published = day_for(self.scorer.days, asked.target, asked.entity)
        rows = await self._at_once(asked, partial(manner.rows, published, asked.ids))
        unpublished = replace(asked, ids=[key for key in asked.ids if key not in rows])
        computed = await self._computed(manner, unpublished)
        by_key = {key: manner.shown(row.case) for key, row in rows.items()}
        by_key |= {case.key: case for case in computed}
        cases = tuple(by_key[key] for key in asked.ids)
        scoring = Scoring(bundle, bundle.forest.base, cases)
        if published is None or not rows:
            return await self._answered(scoring, question)
        reference = reference_to(published, rows, asked.ids, has_reasons=manner.has_reasons)
        scoring = replace(scoring, reference=reference)
        return await self._at_once_answered(asked, scoring, question)

    async def _computed(self, manner: Manner, unpublished: IdsAsked) -> list[Case]:
        """Return the cases of ids that no published day has: kept from an earlier request, or computed now.

        They are computed AT_ONCE in a turn, and between two turns other requests have theirs.
        """
        target_and_entity = (unpublished.target, unpublished.entity)
        earlier_cases = self._computed_before.of(
            (target_and_entity, manner.has_reasons), unpublished.ids
        )
        ids = [key for key in unpublished.ids if key not in earlier_cases]
        if len(ids) > AT_ONCE:
            # None is scored where a later turn would refuse an id; one turn refuses by itself.
            await self._aside(partial(self.scorer.check, *target_and_entity, ids))
        cases = list(earlier_cases.values())
        for first in range(0, len(ids), AT_ONCE):
            some_ids = ids[first : first + AT_ONCE]
            part = await self._aside(
                partial(manner.compute, self.scorer, *target_and_entity, some_ids)
            )
            self._computed_before.keep((target_and_entity, manner.has_reasons), part.cases)
            cases += part.cases
        return cases

    async def _at_once(self, asked: IdsAsked, work: Callable[[], T]) -> T:
        """Do quick work on the event loop itself where the units are few, else in the scoring thread."""
        # handing it to the thread and back costs more than reading a few rows
        if len(asked.ids) <= AT_ONCE:
            return work()
        return await self._aside(work)

    async def _answered(self, scoring: Scoring, question: Question) -> Answer:
        """Return the answer to a question once its record is durable, written in the scoring thread."""
        answer, entry = await self._aside(partial(self._written, scoring, question))
        return await self._recorded(answer, entry)

    async def _at_once_answered(
        self, asked: IdsAsked, scoring: Scoring, question: Question
    ) -> Answer:
        """Return the same, written on the event loop where the units are few."""
        answer, entry = await self._at_once(asked, partial(self._written, scoring, question))
        return await self._recorded(answer, entry)

    async def _recorded(self, answer: Plain, entry: Entry) -> Answer:
        """Return an answer with the id of its record; nobody sees it before the record is durable."""
        receipt = await self.ledger.record(entry)
        # a retry gets what was answered first, whatever the service would say now
        if not receipt.first:
            answer = await self._aside(partial(self._recorded_answer, receipt.record_id))
        return Answer.model_validate({**answer, "record_id": receipt.record_id})

    def _written(self, scoring: Scoring, question: Question) -> tuple[Plain, Entry]:
        """Return the answer without a record id, and the entry that the ledger keeps of it."""
        store = self.scorer.store
        scoring = replace(scoring, generation=self.scorer.generation)
        answer = answer_of(store, scoring, self.scorer.dormancy)
        return answer, entry_for(store, scoring, answer, question, moment=self.clock())

    def _answer_before(self, question: Question) -> Plain | None:
        """Return the answer and number of the record under a question's key; None where none is of this question."""
        if question.retry_key is None:
            return None
        stored = record_by_retry_key(self.ledger.path, question.retry_key)
        if stored is None or stored.payload is None:
            return None
        record = record_of(stored.payload)
        if record.request != question.digest:
            return None
        return {**self._answer_in(record), "record_id": stored.record_id}

    def _recorded_answer(self, record_id: str) -> Plain:
        """Return the answer that the record of a number holds."""
        payload = find(self.ledger.path, record_id).payload
        return self._answer_in(record_of(payload or b""))

    def _answer_in(self, record: Record) -> Plain:
        """Return the answer that a record holds, what it takes from a scored day filled in."""
        return resolved(local_file(self.ledger.path).parent, record).answer

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
        """Do work in a thread beside the event loop, one piece of work at a time."""
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._one)
