"""What people decide on a sheet of the campaign: a medal, a publication, the classes of a period; rows from their day on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.calendar import date_of
from features.store.store import Store
from models.campaign.appraisal import YOUNG, Appraised
from models.campaign.exposures import Exposures
from models.campaign.medals import Medals
from models.policy.policy import Policy
from serving.errors import ActRefused
from serving.ledger.entries import Receipt, canonical, sha256_of
from serving.loop.act_once import Deed, Doer, Loop, carried_out, one_row
from serving.loop.journal_rows import marked_rows, rows_where


def award_medal(loop: Loop, given: Medals, enterprise: str, doer: Doer) -> Receipt:
    """Record that an enterprise gets a medal; ActRefused unless it is a candidate of the sheet and the quota has room."""
    policy = given.appraised.period.policy

    def check() -> None:
        candidates = loop.store.dictionary("enterprise").texts_of(given.candidates).tolist()
        if enterprise not in candidates:
            raise ActRefused(
                "this enterprise is no candidate for a medal on the day of the sheet; award one of `lssi medals`"
            )
        _check_newest(loop.store, given.appraised.as_of)
        if _runs(loop, "medals", f"medal {enterprise}", last="ended", day=doer.day):
            raise ActRefused("a medal of this enterprise is recorded already, and runs")
        awarded = rows_where(loop.journal, "medals", published_on=date_of(doer.day))
        if len(awarded) >= given.quota:
            raise ActRefused(
                f"the quota of {given.quota} medals is used up on {date_of(doer.day)}; no further one is awarded on it"
            )

    deed = Deed(
        what="medal",
        asked={"enterprise": enterprise, **_ground(policy, given.appraised.as_of)},
        table="medals",
        marks=(f"medal {enterprise}",),
        check=check,
        rows=lambda recorded: one_row(
            {
                "enterprise": enterprise,
                "started": recorded.day,
                "ended": recorded.day + policy.medal.days,
                "published_on": recorded.day,
            }
        ),
    )
    return carried_out(loop, deed, doer)


def publish_exposure(loop: Loop, given: Exposures, enterprise: str, doer: Doer) -> Receipt:
    """Record that an enterprise is named in public with its debts; ActRefused unless it is a candidate of the sheet."""
    policy = given.policy
    texts = loop.store.dictionary("enterprise")
    debts = {texts.text(code): debt for code, debt in given.candidates}

    def check() -> None:
        if enterprise not in debts:
            raise ActRefused(
                "this enterprise is no candidate for publication on the day of the sheet; name one of `lssi exposures`"
            )
        _check_newest(loop.store, given.as_of)
        mark = f"exposure {enterprise}"
        if _runs(loop, "exposures", mark, last="intensified_until", day=doer.day):
            raise ActRefused("a publication of this enterprise is recorded already, and runs")

    deed = Deed(
        what="exposure",
        asked={"enterprise": enterprise, **_ground(policy, given.as_of)},
        table="exposures",
        marks=(f"exposure {enterprise}",),
        check=check,
        rows=lambda recorded: one_row(
            {
                "enterprise": enterprise,
                "published_on": recorded.day,
                "wage_arrears": debts[enterprise].wages,
                "contribution_arrears": debts[enterprise].contributions,
                "intensified_until": recorded.day + policy.exposure.days,
            }
        ),
    )
    return carried_out(loop, deed, doer)


def decide_appraisal(loop: Loop, given: Appraised, doer: Doer) -> Receipt:
    """Record the classes of a closed period; ActRefused where they are recorded, or a class is none of the contract's."""
    period = given.period
    mark = f"appraisal {period.year}"
    rows = _classes(loop.store, given)
    ratings = loop.store.tables["appraisals"].column("rating").choices

    def check() -> None:
        if marked_rows(loop.journal, "appraisals", mark):
            raise ActRefused(
                f"the classes of period {period.year} are recorded already; a period is decided once"
            )
        unknown = set(rows["rating"]) - set(ratings)
        if unknown:
            raise ActRefused(
                f"class {min(unknown)!r} cannot be recorded; the contract has the classes {', '.join(ratings)}"
            )
        if doer.day <= period.last:
            raise ActRefused(
                f"period {period.year} ends on {date_of(period.last)}; decide it on a later day"
            )

    deed = Deed(
        what="appraisal",
        # thousands of classes stand in the journal; the ledger has their number and digest
        asked={
            "period": period.year,
            "enterprises": len(rows["enterprise"]),
            "classes": sha256_of(canonical(rows)),
            **_ground(period.policy, given.as_of),
        },
        table="appraisals",
        marks=(mark,),
        check=check,
        rows=lambda recorded: {**rows, "decided_on": [recorded.day] * len(rows["enterprise"])},
    )
    return carried_out(loop, deed, doer)


def _check_newest(store: Store, as_of: int) -> None:
    """Raise ActRefused for a sheet of an earlier day than the last closed one: what became known since would not count."""
    if as_of != store.complete_to:
        raise ActRefused(
            f"decide on the sheet of the last closed day, {date_of(store.complete_to)}; this one is of {date_of(as_of)}"
        )


def _runs(loop: Loop, table: str, mark: str, *, last: str, day: int) -> bool:
    """Tell whether something that was decided of an enterprise before still runs on a day."""
    return any(row[last] >= date_of(day) for row in marked_rows(loop.journal, table, mark))


def _classes(store: Store, given: Appraised) -> dict[str, list[Any]]:
    """Return the rows of the appraised enterprises by column, but for the day of the decision."""
    is_appraised = given.places != YOUNG
    grades = [grade.name for grade in given.period.policy.appraisal.grades]
    names = store.dictionary("enterprise").texts_of(given.codes[is_appraised]).tolist()
    size = len(names)
    return {
        "enterprise": names,
        "period": [given.period.year] * size,
        "rating": [grades[place] for place in given.places[is_appraised].tolist()],
        "rule": [given.period.policy.rule] * size,
        "facts": given.counts.sanctions[is_appraised].tolist(),
    }


def _ground(policy: Policy, as_of: int) -> Mapping[str, str]:
    """Return what a decision rests on: the rule set and the day whose knowledge counted."""
    return {
        "rule": policy.rule,
        "rule_digest": policy.digest,
        "as_of": date_of(as_of).isoformat(),
    }
