"""The desk of the loop: teams read their alerts and send their acts, each for itself alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel

from features.errors import RequestError
from models.bundle.bundle import Bundle
from serving.alerts.delivered import alerts_after
from serving.answers import Acted, AlertPage, Appealed
from serving.api.district import DistrictGuard
from serving.errors import TeamRefused
from serving.gate.caller import Caller
from serving.gate.key_register import ANSWERS_FOR, TOLD_OF
from serving.ledger.entries import Receipt
from serving.loop.act_once import Doer, Loop, open_day
from serving.loop.alert_index import alert_rows
from serving.loop.alert_unit import unit_of_alert
from serving.loop.appeal_effects import AppealEffects, appeal_effects
from serving.loop.appeals import lodge_appeal
from serving.loop.decisions import NO_ALERT
from serving.requests import AboutUnit, AlertsAfter, LodgedAppeal

T = TypeVar("T")
Form = TypeVar("Form", bound=BaseModel)
Carry = Callable[[Loop, Form, Doer], Receipt]
"""What carries one kind of act out."""


@dataclass(frozen=True, slots=True, eq=False)
class LoopDesk:
    """One loop, a clock and the models in use; a thread carries out one act at a time, since all of a source wait for the
    same lock.
    """

    loop: Loop
    clock: Callable[[], datetime]
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    _one: CapacityLimiter = field(default_factory=partial(CapacityLimiter, 1))

    async def act(self, carry: Carry[Form], asked: Form, caller: Caller) -> Acted:
        """Return the receipt of an act of the caller's team, once it is durable; TeamRefused for a unit of another role."""
        if isinstance(asked, AboutUnit):
            _check_duty(asked, caller)
        receipt = await self._aside(
            partial(self._carried, carry, asked, self._doer(caller), caller.role)
        )
        return Acted(record_id=receipt.record_id, first=receipt.first)

    async def appeal(self, asked: LodgedAppeal, caller: Caller) -> Appealed:
        """Return the receipt of an appeal, with what it touches: records and cases on its row, and the case scored again."""
        doer = self._doer(caller)
        receipt = await self._aside(partial(self._carried, lodge_appeal, asked, doer, caller.role))
        # no act, and it may take seconds: the acts of others do not wait for it
        effects = await to_thread.run_sync(partial(self._effects, asked, receipt, doer))
        return Appealed.model_validate(
            {"record_id": receipt.record_id, "first": receipt.first, **effects.as_json()}
        )

    async def alerts(self, asked: AlertsAfter, caller: Caller) -> AlertPage:
        """Return the next alerts of the caller's team."""
        team = _team_of(caller)
        read = partial(
            alerts_after,
            self.loop.journal,
            self.loop.ledger.path,
            team,
            asked.after,
            kinds=TOLD_OF[caller.role],
        )
        alerts = await self._aside(read)
        cursor = alerts[-1]["cursor"] if alerts else asked.after
        seen = await self._aside(partial(self._seen, alerts))
        return AlertPage.model_validate({"team": team, "alerts": seen, "cursor": cursor})

    def _seen(self, alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [alert for alert in alerts if self._guard.is_seen(*unit_of_alert(alert))]

    def _effects(self, asked: LodgedAppeal, receipt: Receipt, doer: Doer) -> AppealEffects:
        """Return what an appeal touches, of other cases those alone that the caller's key lets it see."""
        effects = appeal_effects(self.loop, self.bundles, asked, appealed=receipt, doer=doer)
        others = {
            kind: [unit for unit in units if self._guard.is_seen(kind, unit)]
            for kind, units in effects.others.items()
        }
        records = [
            record
            for record in effects.records
            if self._guard.is_seen(record.said.kind, record.said.unit)
        ]
        return replace(effects, others=others, records=records)

    @property
    def _guard(self) -> DistrictGuard:
        return DistrictGuard(self.loop.store)

    def _carried(self, carry: Carry[Form], asked: Form, doer: Doer, role: str) -> Receipt:
        """Carry an act out, unless it is about a unit that the caller's key does not let it see."""
        alert = getattr(asked, "alert", None)
        if alert is not None:
            self._check_alert(alert, role)
        if isinstance(asked, AboutUnit):
            kind, unit = asked.unit
            self._guard.check_units(kind, [unit])
        return carry(self.loop, asked, doer)

    def _check_alert(self, alert: str, role: str) -> None:
        """Raise TeamRefused for an alert that the caller's key is not shown, as for one that never was."""
        for row in alert_rows(self.loop.journal, alert):
            kind, unit = unit_of_alert(row)
            if kind not in TOLD_OF[role] or not self._guard.is_seen(kind, unit):
                raise TeamRefused(NO_ALERT)

    def _doer(self, caller: Caller) -> Doer:
        """Return who acts; RequestError without an idempotency key, for a repetition could not be told from a new act."""
        if caller.retry is None:
            raise RequestError(
                "an act needs the header Idempotency-Key: send one, and the same one with each repetition"
            )
        moment = self.clock()
        return Doer(
            who=caller.name,
            team=_team_of(caller),
            key=caller.retry,
            moment=moment,
            day=open_day(self.loop.store, moment, None),
        )

    async def _aside(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._one)


def _team_of(caller: Caller) -> str:
    """Return the team that a caller acts for; TeamRefused where its key names none."""
    if caller.team is None:
        raise TeamRefused(
            "this key acts for no team; `lssi key add NAME --role inspector --team TEAM` makes one that does"
        )
    return caller.team


def _check_duty(asked: AboutUnit, caller: Caller) -> None:
    """Raise TeamRefused unless the caller's role answers for units of the kind that a form is about."""
    kind, _ = asked.unit
    if kind not in ANSWERS_FOR[caller.role]:
        roles = [role for role, kinds in ANSWERS_FOR.items() if kind in kinds]
        raise TeamRefused(f"what is about {kind}s is sent with a key of role {roles[0]}")
