"""Keys of one district: they see and score only its units, and are not told whether another unit exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.calendar import date_of
from features.errors import UnknownId
from features.store.store import Store
from serving.errors import RecordUnknown
from serving.gate.caller import CALLER
from serving.loop.responsible_district import PLACED_BY, district_of_unit

Units = list[tuple[str, str]]
"""Units, each with its kind."""


@dataclass(frozen=True, slots=True, eq=False)
class DistrictGuard:
    """The guard of a service: the district of the key that asks, as the store's last closed day knows it."""

    store: Store

    def check_units(self, entity: str, ids: Sequence[str]) -> None:
        """Raise UnknownId unless all units lie in the caller's district; one answer for those elsewhere and those nowhere."""
        district = CALLER.get().district
        if district is not None and not self._all_lie_in(district, [(entity, one) for one in ids]):
            raise self._refusal()

    def check_record(self, payload: Mapping[str, Any] | None) -> None:
        """Raise RecordUnknown unless a record speaks of units of the caller's district and of no other."""
        district = CALLER.get().district
        if district is None:
            return
        units = units_of(payload or {})
        if not units or not self._all_lie_in(district, units):
            raise RecordUnknown("no record of this key's district has this number; check the id")

    def is_seen(self, kind: str, unit: str) -> bool:
        """Tell whether the caller's key lets it see a unit."""
        district = CALLER.get().district
        return district is None or self._all_lie_in(district, [(kind, unit)])

    def _all_lie_in(self, district: str, units: Units) -> bool:
        day = self.store.complete_to
        return all(
            district_of_unit(self.store, kind, unit, day) == district for kind, unit in units
        )

    def _refusal(self) -> UnknownId:
        day = date_of(self.store.complete_to)
        return UnknownId(
            f"not every unit asked for is in the register of this key's district of {day}; check the numbers"
        )


def units_of(payload: Mapping[str, Any]) -> Units:
    """Return the units that a record speaks of by number; none for a batch, which is of the whole city."""
    if "answer" in payload:
        ids = [unit["id"] for unit in payload["answer"].get("units", ())]
        # what was answered from a scored day is named by its rows there
        reference = payload.get("reference") or {"rows": ()}
        ids += [row["key"] for row in reference["rows"]]
        return [(payload["entity"], one) for one in ids]
    content = payload.get("content", {})
    named = ((kind, content.get(kind)) for kind in ("claim", *PLACED_BY))
    return [(kind, unit) for kind, unit in named if isinstance(unit, str)]
