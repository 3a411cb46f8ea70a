"""Which units are visited: by complaint, routine, campaign, alert or lottery, as inspectors chose before there was a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.calendar import first_day, month_of
from simulation.ground.draws import happens, whole_numbers
from simulation.ground.memory import Memory
from simulation.ground.parameters import parameters
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import Flags, Floats, Ints, Turn, length_of
from simulation.labour.firms import PUBLIC, SITE, Firms, living_firms

P = parameters("""
complaint | .42 | share | assumed | complaints of a month that lead to a visit in the next month
routine | .0013 | a month | assumed | units visited by routine, before the ratios below
by_size | .35 | exponent | assumed | exponent of size: routine visits prefer large units
rural_habit | .6 | ratio | assumed | ratio for far rural units, which routine visits avoid
again | 1.6 | ratio | assumed | ratio for units with a finding in the last two years
intensified | 7 | ratio | seed | ratio for exposed units, for two years; its size is assumed
special | .0055 | a month | assumed | units of a campaign's sector that are visited in the campaign's months
alert | .004 | a month | assumed | units whose tax filing and enrolment differ, since the Mobile Tool
pilot | .25 | ratio | assumed | ratio of alerts during the pilot, before 2014
again_days | 730 | days | assumed | how long a finding makes visits more frequent
site_payment | .7 | ratio | assumed | ratio on building sites, where type 2 is examined less often
lottery_large_from | 20 | persons | assumed | smallest staff of a unit that is large in the lottery
lottery_small | .00045 | a month | assumed | inclusion probability of units with fewer than 20 staff
lottery_large | .0018 | a month | assumed | inclusion probability of larger units
cover_routine | 0.92 | share | assumed | routine visits that examine type 1
cover_complaint | 0.8 | share | assumed | complaint visits that examine type 1
cover_alert | 0.97 | share | assumed | alert visits that examine type 1
cover_special | 0.7 | share | assumed | special visits that examine type 1
cover_lottery | 1 | share | assumed | lottery visits that examine type 1
payment_routine | 0.8 | share | assumed | routine visits that examine type 2
payment_complaint | 0.62 | share | assumed | complaint visits that examine type 2
payment_alert | 0.7 | share | assumed | alert visits that examine type 2
payment_special | 0.55 | share | assumed | special visits that examine type 2
payment_lottery | 1 | share | assumed | lottery visits that examine type 2
other | .25 | share | assumed | visits that examine type 5
pause | 120 | days | assumed | no routine visit so soon after another visit
minutes | 150 | minutes | assumed | planned time of a visit to a small unit
minutes_a_log_person | 45 | minutes | assumed | added for each log person of staff
""")
ROUTINE, COMPLAINT, ALERT, SPECIAL, LOTTERY = range(5)
KINDS = ("routine", "complaint", "alert", "special", "lottery")
ADOPTED = "2014-01-01"
# by month: building before the Spring Festival, then catering in April, trade in July, manufacturing in September
CAMPAIGNS = {11: "E", 0: "E", 3: "H", 6: "F", 8: "C"}


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of one month: enterprise, kind, day opened, planned minutes, inclusion probability or NaN.

    `share` is which part of the minutes that it needs a visit is given, None where all are given all.
    """

    firm: Ints
    kind: Ints
    day: Ints
    planned: Ints
    probability: Floats
    share: Floats | None = None


def lottery_probability(firms: Firms) -> Floats:
    """Return each enterprise's probability to be drawn in one month, above zero for all."""
    is_small = firms.size < P["lottery_large_from"]
    return np.where(is_small, P["lottery_small"], P["lottery_large"])


def _rates(turn: Turn, firms: Firms, memory: Memory) -> dict[int, Floats]:
    """Return each unit's probability to be visited in one month, by kind in the order in which kinds take units."""
    is_waived = memory.medal_until > turn.day
    is_rested = memory.visited < turn.day - P["pause"]
    is_pilot = turn.month < month_of(ADOPTED)
    alert_share = P["alert"] * (P["pilot"] if is_pilot else 1.0)
    alert = alert_share * (memory.gap > 0)
    without_visit = (1 - P["complaint"]) ** memory.complained.astype(float)
    aimed = P["special"] * _aimed(turn.month, firms)
    routine = _routine_rate(turn.day, firms, memory)
    return {
        LOTTERY: lottery_probability(firms),
        COMPLAINT: 1 - without_visit,
        SPECIAL: aimed * is_rested * (firms.kind != PUBLIC),
        ALERT: np.where(is_rested, alert, 0.0),
        ROUTINE: np.where(is_waived, 0.0, routine * is_rested),
    }


def _routine_rate(day: int, firms: Firms, memory: Memory) -> Floats:
    """Return each unit's probability to be visited by habit, before medals and pauses."""
    is_caught = memory.found > day - P["again_days"]
    is_exposed = memory.exposed_until > day
    again = np.where(is_caught, P["again"], 1.0)
    intensified = np.where(is_exposed, P["intensified"], 1.0)
    rural = np.where(firms.rural == 1, P["rural_habit"], 1.0)
    by_size = P["routine"] * firms.size ** P["by_size"]
    return np.asarray(by_size * rural * (again * intensified))


def _aimed(month: int, firms: Firms) -> Flags:
    """Return which units a campaign of the month is aimed at."""
    letter = CAMPAIGNS.get(month % 12)
    if letter is None:
        return np.zeros(len(firms.section), dtype=bool)
    section = SECTORS.index(letter)
    return np.asarray(firms.section == section)


def habit(turn: Turn, firms: Firms, memory: Memory) -> Visits:
    """Return the visits of one month as habit, complaints, campaigns, alerts and the lot choose them."""
    chance = turn.stream("visits")
    count = len(firms.kind)
    is_open = living_firms(firms, turn.day) & living_firms(firms, turn.end)
    kind = np.full(count, -1)
    for code, rate in _rates(turn, firms, memory).items():
        is_drawn = happens(chance, rate, count)
        kind = np.where(is_drawn & (kind < 0) & is_open, code, kind)
    return _visits(chance, firms, month=turn.month, kind=kind)


def _visits(chance: np.random.Generator, firms: Firms, *, month: int, kind: Ints) -> Visits:
    who = np.flatnonzero(kind >= 0)
    start = first_day(month)
    day = start + chance.integers(0, length_of(month), len(who))
    # day 0, 1970-01-01, was a Thursday: so 5 is Saturday, 6 Sunday
    weekday = (day + 3) % 7
    two_days_before = np.maximum(day - 2, start)
    planned = P["minutes"] + P["minutes_a_log_person"] * np.log(firms.size[who])
    is_lottery = kind[who] == LOTTERY
    probability = lottery_probability(firms)[who]
    return Visits(
        firm=who,
        kind=kind[who],
        day=np.where(weekday >= 5, two_days_before, day),
        planned=whole_numbers(planned) // 15 * 15,
        probability=np.where(is_lottery, probability, np.nan),
    )


def examined(chance: np.random.Generator, visits: Visits, firms: Firms) -> dict[int, Flags]:
    """Return which violation types each visit examined."""
    draw = chance.random((3, len(visits.firm)))
    cover_shares = [P[f"cover_{kind}"] for kind in KINDS]
    payment_shares = [P[f"payment_{kind}"] for kind in KINDS]
    is_site = firms.kind[visits.firm] == SITE
    cover = np.choose(visits.kind, cover_shares)
    payment = np.choose(visits.kind, payment_shares) * np.where(is_site, P["site_payment"], 1.0)
    none = np.zeros(len(visits.firm), dtype=bool)
    return {
        1: draw[0] < cover,
        2: draw[1] < payment,
        3: none,
        4: none,
        5: draw[2] < P["other"],
    }
