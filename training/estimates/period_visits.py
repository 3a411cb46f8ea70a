"""The visits of a period with an outcome, and how long each took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL
from features.calendar import date_of
from features.contract.tables import contract
from features.errors import HistoryError, RequestError
from features.ingest.source_toml import Target
from features.store.store import Store
from training.data.labels import FOREVER, Codes, Floats, Observed, visits
from training.data.reviews import reviews

Flags = NDArray[np.bool_]
KINDS = contract()["inspections"].column("kind").choices
BY_LOT, BY_COMPLAINT = KINDS.index("lottery"), KINDS.index("complaint")
"""The codes of visits that the source's lottery chose, and of those that a complaint brought."""


@dataclass(frozen=True, slots=True)
class Period:
    """The first and the last day of a period."""

    first: int
    last: int

    @property
    def eve(self) -> int:
        """The day before it begins, on which the population is looked at."""
        return self.first - 1

    def holds(self, days: Codes) -> Flags:
        """Tell which days lie in it, (n,)."""
        return (days >= self.first) & (days <= self.last)


def period_in(store: Store, first: int, last: int) -> Period:
    """Return the period of two days; RequestError where it ends before it begins, HistoryError where it is not over."""
    if first > last:
        raise RequestError(
            f"a period should begin before it ends; got --from {date_of(first)} --to {date_of(last)}"
        )
    if last > store.complete_to:
        raise HistoryError(
            f"the history is complete to {date_of(store.complete_to)}, before the period ends on {date_of(last)}; "
            f"name an earlier --to"
        )
    return Period(first, last)


@dataclass(frozen=True, slots=True, eq=False)
class PeriodVisits:
    """Visits with an outcome, one value each (n,), sorted by unit and day of opening.

    `number` is what a visit found, 0 of one that found nothing and NaN where nobody wrote it down; `kind` is the
    source's code of why a visit was made, and `inclusion` the recorded probability of one by lottery, else NaN; `minutes` is
    how long it took, NaN where that is not known.
    """

    unit: Codes
    opened: Codes
    label: Floats
    number: Floats
    kind: Codes
    inclusion: Floats
    minutes: Floats

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, rows: Flags | Codes) -> PeriodVisits:
        """Return the chosen visits."""
        return PeriodVisits(*(getattr(self, name)[rows] for name in self.__slots__))

    def first_of_units(self) -> PeriodVisits:
        """Return the first visit to each unit."""
        _, first = np.unique(self.unit, return_index=True)
        return self.take(first)


def looks_since(store: Store, target: Target, first: int) -> PeriodVisits:
    """Return the visits, or the reviews of claims, since a day of which an outcome is known today."""
    if target.label == "review":
        return reviews_since(store, target, first)
    return visits_since(store, target, first)


def reviews_since(store: Store, target: Target, first: int) -> PeriodVisits:
    """Return the reviews closed since a day with a verdict that is known today; `number` is the amount in fen."""
    counted = target.model_copy(update={"count": target.count or "amount"})
    looks = reviews(store, counted, store.complete_to)
    seen = looks.take((looks.opened >= first) & ~np.isnan(looks.label))
    rows = store.live("claim_reviews", store.complete_to, ("claim", "chosen", "minutes"))
    # the rows need not lie in the order of their ids; every review comes from one of them, so each is found
    order = np.argsort(rows["claim"])
    place = order[np.searchsorted(rows["claim"], seen.ids, sorter=order)]
    minutes = rows["minutes"][place]
    return PeriodVisits(
        unit=seen.subject,
        opened=seen.opened,
        label=seen.label,
        number=seen.count,
        kind=rows["chosen"][place],
        inclusion=seen.inclusion,
        minutes=np.where(minutes == NULL, np.nan, minutes),
    )


def first_known_days(store: Store) -> Codes:
    """Return the day on which each claim was first known, by code; FOREVER of one that no row of claims names."""
    days = np.full(store.dictionary("claim").size, FOREVER, np.int64)
    rows = store.sql("SELECT claim, min(known) AS day FROM claims WHERE sign = 1 GROUP BY claim")
    days[rows["claim"].to_numpy()] = rows["day"].to_numpy()
    return days


def visits_since(store: Store, target: Target, first: int) -> PeriodVisits:
    """Return the visits opened since a day of which an outcome is known today; TargetError for a target without visits."""
    looks = visits(store, target, store.complete_to)
    seen = looks.take((looks.opened >= first) & ~np.isnan(looks.label))
    rows = _visit_rows(store, seen)
    return PeriodVisits(
        unit=seen.subject,
        opened=seen.opened,
        label=seen.label,
        number=np.where(seen.label == 1, seen.count, 0.0),
        kind=rows["kind"],
        inclusion=seen.inclusion,
        minutes=np.where(rows["minutes"] == NULL, np.nan, rows["minutes"]),
    )


def _visit_rows(store: Store, looks: Observed) -> dict[str, Codes]:
    """Return what the source says of each visit: its kind as a code, and its minutes, the planned where none were spent."""
    read = ("inspection", "kind", "spent_minutes", "planned_minutes")
    rows = store.live("inspections", store.complete_to, read)
    # the rows need not lie in the order of their ids; every look comes from one of them, so each is found
    order = np.argsort(rows["inspection"])
    place = order[np.searchsorted(rows["inspection"], looks.ids, sorter=order)]
    spent = rows["spent_minutes"][place]
    planned = rows["planned_minutes"][place]
    return {"kind": rows["kind"][place], "minutes": np.where(spent != NULL, spent, planned)}


def source_draws(store: Store, period: Period) -> int | None:
    """Return how many draws of the source's own lottery a period had; None where a visit does not name its draw."""
    rows = store.live("inspections", store.complete_to, ("kind", "opened", "draw"))
    is_lottery = (rows["kind"] == BY_LOT) & period.holds(rows["opened"])
    draws = rows["draw"][is_lottery]
    if not len(draws) or (draws == NULL).any():
        return None
    return len(np.unique(draws))
