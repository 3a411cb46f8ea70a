"""Medical claims of one month: who is treated where, for how much, and which claims are false."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.funds.providers import CARDS, HOSPITAL, PHANTOM, UPCODER, Providers, providers
from simulation.ground.draws import days_within, happens, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.setting import CLAIMS_A_BLOCK, Flags, Floats, Ints, Setting, Turn
from simulation.labour.staff import Jobs, People, picked

P = parameters("""
rate | .150 | a person and month | assumed | claims of an insured worker: 30 M in 36 months in the full city
frailty | .7 | log | assumed | spread of need between persons
near | .75 | share | assumed | claims at a provider of the person's home cell
pharmacy | 95 | yuan | assumed | median pharmacy claim
outpatient | 240 | yuan | assumed | median outpatient claim
inpatient | 6200 | yuan | assumed | median inpatient claim
stays | .10 | share | assumed | hospital claims that are inpatient stays
lenders | .004 | share | assumed | insured persons who lend their card
lending | 4.5 | ratio | assumed | claims on a lent card, divided by the person's own
lent_far | .6 | share | assumed | claims on a lent card outside the home cell
phantom | .20 | ratio | assumed | invented claims for each real claim, at a provider that bills phantoms
cards | .11 | ratio | assumed | claims on lent cards for each other claim, at a provider that accepts them
upcoded | .35 | share | assumed | claims whose amount is raised, at a provider that upcodes
raise_low | 1.5 | ratio | assumed | smallest raise
raise_high | 3.0 | ratio | assumed | largest raise
more_low | 1.15 | ratio | assumed | smallest amount of an invented or lent claim, divided by a usual amount
more_high | 2.4 | ratio | assumed | largest such ratio
usual_frailty | 1.08 | ratio | assumed | need of a usual person, to which the rate refers
by_age | .012 | a year of age | assumed | more claims for each year above the middle age, fewer below it
middle_age | 35 | years | assumed | age to which the rate refers
nearest | 1.4 | exponent | assumed | exponent that makes the first providers of a cell more likely
stay_shape | 1.6 | gamma shape | assumed | shape of a stay's days beyond two
stay_scale | 4 | days | assumed | scale of a stay's days beyond two
usual_stay | 7 | days | assumed | length of a stay that costs the median
by_stay | .6 | exponent | assumed | exponent of length: a stay's amount grows less than its days
amounts | .75 | log yuan | assumed | spread of amounts
lent_cell | .5 | share | assumed | claims on lent cards that are filed from another cell
bunched | .45 | share | assumed | invented claims that are filed in the last days of a month
dead_use | 1.2 | ratio | assumed | claims on a dead person's card while the death is hidden, divided by the usual number
dead_days | 210 | days | assumed | longest use of a dead person's card
slow | .08 | share | assumed | claims recorded weeks after filing
""")
NONE, LENT, INVENTED, RAISED, FICTION, DEAD, EMPLOYED, BACKDATED = range(8)
KINDS = (
    "",
    "card_lending",
    "phantom",
    "upcoding",
    "fictitious_enrolment",
    "after_death",
    "employed",
    "enrolled_after_accident",
)


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims of one month: local worker and enterprise, provider, days, fen, and what is false (0 nothing)."""

    claim: Ints
    worker: Ints
    firm: Ints
    provider: Ints
    filed: Ints
    known: Ints
    amount: Ints
    stay: Ints
    false: Ints
    cell: Ints


def serials(setting: Setting, block: int, month: int, *, start: int, count: int) -> Ints:
    """Return the city-wide numbers of claims of one month, from the `start`-th on."""
    each = CLAIMS_A_BLOCK // setting.months
    return np.asarray(
        block * CLAIMS_A_BLOCK + (month - setting.first) * each + start + np.arange(count)
    )


def lends(block: int, worker: Ints) -> Flags:
    """Return which persons lend their card, the same at every look."""
    # a multiplicative hash in place of a draw, so that no month has to remember who lends
    number = worker + block * 977
    lot = number * 2654435761 % 1_000_003
    share = lot / 1_000_003
    return np.asarray(share < P["lenders"])


def frailty(block: int, worker: Ints) -> Floats:
    """Return each person's own need of care, median 1, the same at every look."""
    number = worker + block * 499
    scrambled = number * 40503 % 65537
    lot = (scrambled + 0.5) / 65537
    odds = lot / (1 - lot)
    # .55 brings the logistic distribution's standard deviation, 1.81, to 1
    log_need = P["frailty"] * np.log(odds) * 0.55
    return np.asarray(np.exp(log_need))


@dataclass(frozen=True, slots=True)
class Treatments:
    """Who is treated where in one month, before prices: place in the insured jobs, provider, what is false."""

    job: Ints
    provider: Ints
    false: Ints


def medical(turn: Turn, jobs: Jobs, people: People) -> Claims:
    """Return the medical claims of one month, without cash benefits."""
    chance = turn.stream("claims")
    care = providers(turn.setting)
    is_covered = jobs.cover < turn.day
    has_all_schemes = jobs.whole == 1
    jobs = picked(jobs, is_covered & has_all_schemes)
    treated, false = _treated(turn, chance, jobs, people)
    home = people.home[jobs.worker[treated]]
    far = np.where(false == LENT, P["lent_far"], 1 - P["near"])
    provider = _place(chance, care, home, far=far)
    treatments = Treatments(treated, provider, false)
    month = turn.month - turn.setting.first
    treatments = _with_phantoms(chance, care, treatments, month=month)
    return _priced(turn, jobs, treatments, homes=people.home)


def _treated(
    turn: Turn, chance: np.random.Generator, jobs: Jobs, people: People
) -> tuple[Ints, Ints]:
    """Return the place in `jobs` of each treatment, the person's own before those on a lent card, and what is false."""
    need = _need(turn, jobs, people)
    died = people.died[jobs.worker]
    is_dead = died < turn.day
    is_recent = died > turn.day - P["dead_days"]
    after_death = need * P["dead_use"] * is_recent
    rate = np.where(is_dead, after_death, need)
    is_lender = lends(turn.block, jobs.worker)
    lent_rate = need * P["lending"] * is_lender * ~is_dead
    places = np.arange(len(rate))
    personal = np.repeat(places, chance.poisson(rate))
    lent = np.repeat(places, chance.poisson(lent_rate))
    false_personal = np.where(is_dead[personal], DEAD, NONE)
    false_lent = np.full(len(lent), LENT)
    treated = np.concatenate([personal, lent])
    return treated, np.concatenate([false_personal, false_lent])


def _need(turn: Turn, jobs: Jobs, people: People) -> Floats:
    """Return the claims that each insured person is expected to make in a month."""
    age = turn.month // 12 - people.born[jobs.worker]
    years_older = age - P["middle_age"]
    by_age = 1 + P["by_age"] * years_older
    own_need = frailty(turn.block, jobs.worker)
    by_frailty = P["rate"] * own_need / P["usual_frailty"]
    return np.asarray(by_frailty * by_age)


def _place(chance: np.random.Generator, care: Providers, home: Ints, *, far: Floats) -> Ints:
    """Return the provider of each treatment, near the person's home or anywhere in the city."""
    count, last = len(home), len(care.kind) - 1
    weights = care.weight / care.weight.sum()
    anywhere = chance.choice(len(weights), count, p=weights)
    start, stop = care.cell_start[home], care.cell_start[home + 1]
    draw = chance.random(count) ** P["nearest"]
    step = draw * (stop - start)
    # a cell without providers starts past the last one; its draw is not used
    position = np.minimum(start + whole_numbers(step), last)
    goes_far = chance.random(count) < far
    is_empty = stop == start
    near = care.by_cell[position]
    return np.where(goes_far | is_empty, anywhere, near)


def _with_phantoms(
    chance: np.random.Generator, care: Providers, treatments: Treatments, *, month: int
) -> Treatments:
    """Return the treatments, some of them raised, with those that deceiving providers add."""
    job, provider, false = treatments.job, treatments.provider, treatments.false
    style, greed = care.style[month][provider], care.greed[provider]
    size = len(provider)
    is_phantom = happens(chance, P["phantom"] * greed, size)
    is_lent = happens(chance, P["cards"] * greed, size)
    is_raised = happens(chance, P["upcoded"] * greed, size)
    is_upcoder = style == UPCODER
    is_honest_claim = false == NONE
    false = np.where(is_upcoder & is_raised & is_honest_claim, RAISED, false)
    invented = np.flatnonzero(is_phantom & (style == PHANTOM))
    lent = np.flatnonzero(is_lent & (style == CARDS))
    added = np.concatenate([invented, lent])
    # whose cards: those of any patient of the month; none in a month without patients
    cards = chance.choice(job, len(added)) if size else job
    false_added = np.repeat([INVENTED, LENT], [len(invented), len(lent)])
    return Treatments(
        job=np.concatenate([job, cards]),
        provider=np.concatenate([provider, provider[added]]),
        false=np.concatenate([false, false_added]),
    )


def _priced(turn: Turn, jobs: Jobs, treatments: Treatments, *, homes: Ints) -> Claims:
    """Return the claims for treatments: amount, days, and the cell that files."""
    chance = turn.stream("prices")
    care = providers(turn.setting)
    provider, false = treatments.provider, treatments.false
    worker = jobs.worker[treatments.job]
    size = len(worker)
    is_hospital = care.kind[provider] == HOSPITAL
    stay, price = _stays_and_prices(chance, is_hospital)
    excess = _excess(chance, false)
    filed = _filing_days(turn, chance, false)
    delay = _recording_delays(chance, size)
    is_elsewhere = happens(chance, P["lent_cell"], size)
    files_away = is_elsewhere & (false == LENT)
    next_cell = (homes[worker] + 1) % turn.setting.cells
    fen = price * excess * care.price[provider] * 100
    return Claims(
        claim=serials(turn.setting, turn.block, turn.month, start=0, count=size),
        worker=worker,
        firm=jobs.firm[treatments.job],
        provider=provider,
        filed=filed,
        known=filed + delay,
        amount=whole_numbers(np.maximum(100, fen)),
        stay=stay,
        false=false,
        cell=np.where(files_away, next_cell, care.cell[provider]),
    )


def _stays_and_prices(chance: np.random.Generator, hospital: Flags) -> tuple[Ints, Floats]:
    """Return the days of each stay, -1 where nobody stays, and the usual price of each treatment in yuan."""
    size = len(hospital)
    is_stay = happens(chance, P["stays"], size)
    inpatient = hospital & is_stay
    days = 2 + whole_numbers(chance.gamma(P["stay_shape"], P["stay_scale"], size))
    stay = np.where(inpatient, days, -1)
    outside = np.where(hospital, P["outpatient"], P["pharmacy"])
    median = np.where(inpatient, P["inpatient"], outside)
    weeks = np.maximum(stay, 1) / P["usual_stay"]
    by_weeks = weeks ** P["by_stay"]
    spread = chance.lognormal(0, P["amounts"], size)
    spread = spread * np.where(inpatient, by_weeks, 1)
    return stay, median * spread


def _excess(chance: np.random.Generator, false: Ints) -> Floats:
    """Return by what ratio each claim's amount exceeds the usual one, 1 where nothing is false about it."""
    size = len(false)
    upcoded = chance.uniform(P["raise_low"], P["raise_high"], size)
    by_upcoding = np.where(false == RAISED, upcoded, 1)
    made_up = chance.uniform(P["more_low"], P["more_high"], size)
    is_made_up = np.isin(false, [INVENTED, LENT])
    return np.where(is_made_up, made_up, by_upcoding)


def _filing_days(turn: Turn, chance: np.random.Generator, false: Ints) -> Ints:
    """Return the day on which each claim is filed, invented ones often in the last four days of the month."""
    size = len(false)
    any_day = days_within(turn, chance, size)
    is_invented = false == INVENTED
    is_bunched = happens(chance, P["bunched"], size)
    days_before_end = 1 + chance.integers(0, 4, size)
    last_days = turn.end - days_before_end
    return np.where(is_invented & is_bunched, last_days, any_day)


def _recording_delays(chance: np.random.Generator, size: int) -> Ints:
    """Return the days from filing to the database, weeks for a few claims."""
    is_slow = happens(chance, P["slow"], size)
    weeks = chance.integers(8, 50, size)
    days = chance.integers(0, 3, size)
    return np.where(is_slow, weeks, days)
