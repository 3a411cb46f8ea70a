"""Who is visited: by complaint, habit, campaign, alert and lot, as the inspectorate did before any model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.calendar import first_day, month_of
from simulation.ground.memory import Memory
from simulation.ground.parameters import parameters
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import Flags, Floats, Ints, Turn, length_of
from simulation.labour.firms import PUBLIC, SITE, Firms, living_firms

P = parameters("""
complaint | .42 | share | assumed | complaints of a month that lead to a visit in the next
routine | .0013 | a month | assumed | units visited by habit, before what follows
by_size | .35 | exponent | assumed | habit prefers large units
rural_habit | .6 | ratio | assumed | habit avoids far rural units
again | 1.6 | ratio | assumed | units with a finding in the last two years are visited more often
intensified | 7 | ratio | seed | exposed units are visited more often for two years; the ratio is assumed
special | .0055 | a month | assumed | units of a campaign's sector visited in its months
alert | .004 | a month | assumed | units with a gap between tax filing and enrolment, since the Mobile Tool
pilot | .25 | ratio | assumed | alerts during the pilot, before 2014
lottery_small | .00045 | a month | assumed | inclusion probability of units with under 20 staff
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
pause | 120 | days | assumed | no visit by habit so soon after another
minutes | 150 | minutes | assumed | planned time of a visit to a small unit
minutes_a_log_person | 45 | minutes | assumed | and more for large ones
""")
ROUTINE, COMPLAINT, ALERT, SPECIAL, LOTTERY = range(5)
KINDS = ("routine", "complaint", "alert", "special", "lottery")
ADOPTED = "2014-01-01"
CAMPAIGNS = {11: "E", 0: "E", 3: "H", 6: "F", 8: "C"}


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of one month: enterprise, kind, day opened, planned minutes, inclusion probability or NaN."""

    firm: Ints
    kind: Ints
    day: Ints
    planned: Ints
    probability: Floats


def lottery_probability(firms: Firms) -> Floats:
    """Return each enterprise's probability to be drawn in one month, above zero for all."""
    return np.where(firms.size < 20, P["lottery_small"], P["lottery_large"])


def _rates(turn: Turn, firms: Firms, memory: Memory) -> dict[int, Floats]:
    day, month = turn.day, turn.month
    waived = memory.medal_until > day
    rested = memory.visited < day - P["pause"]
    known = np.where(memory.found > day - 730, P["again"], 1.0) * np.where(
        memory.exposed_until > day, P["intensified"], 1.0
    )
    routine = (
        P["routine"]
        * firms.size ** P["by_size"]
        * np.where(firms.rural == 1, P["rural_habit"], 1.0)
        * known
    )
    letter = CAMPAIGNS.get(month % 12)
    aimed = firms.section == SECTORS.index(letter) if letter else np.zeros(len(waived), dtype=bool)
    alert = P["alert"] * (P["pilot"] if month < month_of(ADOPTED) else 1.0) * (memory.gap > 0)
    return {
        LOTTERY: lottery_probability(firms),
        COMPLAINT: 1 - (1 - P["complaint"]) ** memory.complained.astype(float),
        SPECIAL: P["special"] * aimed * rested * (firms.kind != PUBLIC),
        ALERT: np.where(rested, alert, 0.0),
        ROUTINE: np.where(waived, 0.0, routine * rested),
    }


def habit(turn: Turn, firms: Firms, memory: Memory) -> Visits:
    """Return the visits of one month as habit, complaints, campaigns, alerts and the lot choose them."""
    chance = turn.stream("visits")
    count = len(firms.kind)
    open_ = living_firms(firms, turn.day) & living_firms(firms, turn.end)
    kind = np.full(count, -1)
    for name, rate in _rates(turn, firms, memory).items():
        drawn = chance.random(count) < rate
        kind = np.where(drawn & (kind < 0) & open_, name, kind)
    return _visits(chance, firms, month=turn.month, kind=kind)


def _visits(chance: np.random.Generator, firms: Firms, *, month: int, kind: Ints) -> Visits:
    who = np.flatnonzero(kind >= 0)
    day = first_day(month) + chance.integers(0, length_of(month), len(who))
    weekday = (day + 3) % 7
    day = np.where(weekday >= 5, np.maximum(day - 2, first_day(month)), day)
    planned = P["minutes"] + P["minutes_a_log_person"] * np.log(firms.size[who])
    lot = np.where(kind[who] == LOTTERY, lottery_probability(firms)[who], np.nan)
    return Visits(
        firm=who,
        kind=kind[who],
        day=day,
        planned=planned.astype(np.int64) // 15 * 15,
        probability=lot,
    )


def examined(chance: np.random.Generator, visits: Visits, firms: Firms) -> dict[int, Flags]:
    """Return which violation types each visit examined."""
    draw = chance.random((3, len(visits.firm)))
    cover = np.choose(visits.kind, [P[f"cover_{kind}"] for kind in KINDS])
    payment = np.choose(visits.kind, [P[f"payment_{kind}"] for kind in KINDS]) * np.where(
        firms.kind[visits.firm] == SITE, 0.7, 1.0
    )
    none = np.zeros(len(visits.firm), dtype=bool)
    return {1: draw[0] < cover, 2: draw[1] < payment, 3: none, 4: none, 5: draw[2] < P["other"]}
