"""What is in hand on a day: the claims and providers that can be reviewed, their standing, and who of the register is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.contract.tables import contract
from features.engine.engine import Engine
from features.engine.population import living, recent_claims
from features.matches.declared import match_kind
from features.matches.find import available, matches_of
from features.store.store import Store
from models.policy.left_out import Register
from models.policy.policy_facts import live_rows_of
from models.policy.policy_status import Standing
from models.reviews.review_rules import ReviewRules

Codes = NDArray[np.int64]
SETTLED = ("refused", "withdrawn")
"""The states of a claim of which nothing is paid, so that nothing can be recovered."""


@dataclass(frozen=True, slots=True, eq=False)
class InHand:
    """The units that can be reviewed, by code ascending, the standing of each, the match that names it, and the register."""

    code: Codes
    standing: Mapping[int, Standing]
    match: Mapping[int, str]
    register: Register


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """What reviews say of claims: by code those with a verdict, those open by a tip with its day, and others that are open."""

    verdict: frozenset[int]
    tip: Mapping[int, int]
    begun: frozenset[int]


def claims_in_hand(engine: Engine, rules: ReviewRules, as_of: int) -> InHand:
    """Return the claims in hand: first known lately, with an open tip or named by a match, and not reviewed or settled."""
    store = engine.store
    facts = review_facts(store, rules, as_of)
    matched = matched_units(store, rules, as_of)
    states = _states(store, as_of)
    recent = {code for code in recent_claims(store, as_of).tolist() if code in states}
    called = (facts.tip.keys() | matched.keys()) & states.keys()
    chosen: list[int] = []
    gone: Counter[str] = Counter(old=len(states) - len(recent | called))
    for code in sorted(recent | called):
        why = _why_gone(code, facts, states[code])
        if why:
            gone[why] += 1
        else:
            chosen.append(code)
    standing = {code: _standing(facts.tip.get(code), is_matched=code in matched) for code in chosen}
    register = Register(len(states), {why: gone[why] for why in sorted(gone) if gone[why]})
    return InHand(np.array(chosen, np.int64), standing, matched, register)


def _why_gone(code: int, facts: ReviewFacts, state: str | None) -> str:
    """Return why a claim is looked at no more, nothing where it is in hand."""
    is_so = {
        "reviewed": code in facts.verdict,
        "in_review": code in facts.begun,
        "settled": state in SETTLED,
    }
    return next((why for why, holds in is_so.items() if holds), "")


def _standing(tip: int | None, *, is_matched: bool, is_resting: bool = False) -> Standing:
    """Return the standing of a unit that has no class."""
    return Standing(
        grade=None,
        weight=0.0 if is_resting else 1.0,
        waived=False,
        resting=is_resting,
        intensified=False,
        due="match" if is_matched else None,
        complaint=tip,
    )


def review_facts(store: Store, rules: ReviewRules, as_of: int) -> ReviewFacts:
    """Return what the reviews known by the end of a day say; an open review after a tip is one for as long as the rules say."""
    columns = ("claim", "chosen", "outcome", "known")
    complaint = contract()["claim_reviews"].column("chosen").choices.index("complaint")
    verdict, begun = set(), set()
    tip: dict[int, int] = {}
    for claim, chosen, outcome, known_day in live_rows_of(store, "claim_reviews", as_of, columns):
        if claim is None or known_day is None:
            continue
        if outcome is not None:
            verdict.add(claim)
        elif chosen == complaint and known_day > as_of - rules.tip.days:
            tip[claim] = known_day
        else:
            begun.add(claim)
    return ReviewFacts(frozenset(verdict), tip, frozenset(begun))


def matched_units(store: Store, rules: ReviewRules, as_of: int) -> dict[int, str]:
    """Return by code the units that a match of the declared kinds names, each with the first such kind."""
    complete = {kind.name for kind in available(store)[0]}
    named: dict[int, str] = {}
    for name in rules.match.kinds:
        if name not in complete:
            continue
        for match in matches_of(store, match_kind(name), as_of):
            subject = match.subjects.get(rules.unit)
            if subject is not None and match.known > as_of - rules.match.days:
                named.setdefault(store.code(rules.unit, subject), name)
    return named


def _states(store: Store, as_of: int) -> dict[int, str | None]:
    """Return the state of every claim of the register of a day, by code."""
    choices = store.column("claims", "state").choices
    return {
        claim: None if state is None else choices[state]
        for claim, state in live_rows_of(store, "claims", as_of, ("claim", "state"))
        if claim is not None
    }


def providers_in_hand(engine: Engine, rules: ReviewRules, as_of: int) -> InHand:
    """Return the providers under contract; one that was visited lately rests, and is listed by match or lottery alone."""
    store = engine.store
    code = living(engine, "provider", as_of).code
    visited = _last_visits(store, as_of)
    never = as_of - rules.rest.days - 1
    matched = matched_units(store, rules, as_of)
    registered = {row[0] for row in live_rows_of(store, "providers", as_of, ("provider",))}
    standing = {}
    for each in code.tolist():
        rests = as_of - visited.get(each, never) <= rules.rest.days
        standing[each] = _standing(None, is_matched=each in matched, is_resting=rests)
    register = Register(len(registered), {"ended": len(registered) - len(code)})
    return InHand(code, standing, matched, register)


def _last_visits(store: Store, as_of: int) -> dict[int, int]:
    """Return the day of each provider's latest visit, by code."""
    latest: dict[int, int] = {}
    for provider, opened in live_rows_of(store, "inspections", as_of, ("provider", "opened")):
        if provider is not None and opened is not None and opened <= as_of:
            latest[provider] = max(opened, latest.get(provider, opened))
    return latest
