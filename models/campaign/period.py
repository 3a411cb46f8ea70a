"""Closed periods of the appraisal: which years they hold, which rule set appraises them, and what was known by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.calendar import date_of, day_of
from features.engine.population import check_day
from features.errors import HistoryError, PolicyError, RequestError
from features.store.store import Store
from models.policy.policy import Policy, policy_on


@dataclass(frozen=True, slots=True)
class AppraisedPeriod:
    """A period, named by its last year, and the rule set in force on the day after it, which appraises it."""

    year: int
    policy: Policy

    @property
    def first(self) -> int:
        """The first day of its first year."""
        return day_of(date(self.year - self.policy.appraisal.years + 1, 1, 1))

    @property
    def last(self) -> int:
        """The last day of its last year."""
        return _last_day(self.year)

    @property
    def decided(self) -> int:
        """The day by which a fact has to be known to count."""
        return self.last + self.policy.appraisal.known_within


def _last_day(year: int) -> int:
    return day_of(date(year, 12, 31))


def period_of_year(year: int, rules: Path | None = None) -> AppraisedPeriod:
    """Return the period that a year ends; PolicyError where the rule set in force after it has none that ends so."""
    policy = policy_on(_last_day(year) + 1, rules)
    if not _ends(policy, year):
        years, first = policy.appraisal.years, policy.appraisal.first_period
        raise PolicyError(
            f"rule set {policy.rule!r} appraises {years} years at a time, in periods named by their "
            f"last year: {first}, {first + years}, {first + 2 * years} and so on; got {year}"
        )
    return AppraisedPeriod(year, policy)


def _ends(policy: Policy, year: int) -> bool:
    """Tell whether a period of a rule set ends with a year."""
    years_after_first = year - policy.appraisal.first_period
    return years_after_first >= 0 and years_after_first % policy.appraisal.years == 0


def last_closed_period(day: int, rules: Path | None = None) -> AppraisedPeriod:
    """Return the last period that is closed on a day; PolicyError where no rule set knows one."""
    last_whole_year = date_of(day + 1).year - 1
    policy = policy_on(_last_day(last_whole_year) + 1, rules)
    first_to_try = last_whole_year - policy.appraisal.years
    for year in range(last_whole_year, first_to_try, -1):
        policy = policy_on(_last_day(year) + 1, rules)
        if _ends(policy, year):
            return AppraisedPeriod(year, policy)
    raise PolicyError(
        f"no period is closed on {date_of(day)}; the first period of rule set {policy.rule!r} "
        f"ends with {policy.appraisal.first_period}"
    )


def asked_period(
    store: Store, year: int | None, as_of: int | None, rules: Path | None = None
) -> tuple[AppraisedPeriod, int]:
    """Return the period that a year names, or the last closed one, and the day whose knowledge counts.

    That day is `as_of`, without one the day by which the rule set decides. RequestError where neither is given.
    """
    if year is None and as_of is None:
        raise RequestError(
            "an appraisal needs a period; give --period 2013, --as-of a day, or both"
        )
    if year is None and as_of is not None:
        check_day(store, as_of)
        return last_closed_period(as_of, rules), as_of
    assert year is not None
    period = period_of_year(year, rules)
    known_by = period.decided if as_of is None else as_of
    _check_closed(store, period, known_by)
    check_day(store, known_by)
    return period, known_by


def _check_closed(store: Store, period: AppraisedPeriod, known_by: int) -> None:
    """Raise PolicyError where a period is not over on a day, HistoryError where the history does not reach it yet."""
    if known_by < period.last:
        raise PolicyError(
            f"period {period.year} ends on {date_of(period.last)} and is not closed on "
            f"{date_of(known_by)}; ask for an earlier period"
        )
    if known_by == period.decided > store.complete_to:
        raise HistoryError(
            f"period {period.year} is decided on what is known by {date_of(known_by)}, and the "
            f"history is complete to {date_of(store.complete_to)}; load later days first, or say "
            "with --as-of which day's knowledge to take"
        )
