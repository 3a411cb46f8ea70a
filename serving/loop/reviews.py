"""What a review of a claim concluded comes back: one outcome a claim, of a review that was ordered, corrected by name only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.calendar import date_of, day_of
from serving.errors import ActRefused
from serving.ledger.entries import Receipt
from serving.loop.act_once import ActRecord, Deed, Doer, Loop, carried_out, one_row
from serving.loop.journal_rows import marked_rows
from serving.loop.outcomes import check_succession, check_team_of_visit, is_told_by_source
from serving.loop.visits import check_same_visit, ordered_visit
from serving.requests import PostedReview

TABLE = "review_outcomes"


def post_review(loop: Loop, asked: PostedReview, doer: Doer) -> Receipt:
    """Record what a review concluded; it is a row of `claim_reviews`, and so a label, from the day of the act on.

    ActRefused where no plan or alert names the claim, or its review has an outcome that this one does not supersede.
    """
    deed = Deed(
        what="review outcome",
        asked=asked.model_dump(mode="json"),
        table=TABLE,
        marks=(_mark(asked),),
        check=lambda: _check(loop, asked, doer),
        rows=lambda recorded: one_row(_columns(loop, asked, recorded)),
    )
    return carried_out(loop, deed, doer)


def _mark(asked: PostedReview) -> str:
    return f"review {asked.claim}"


def _check(loop: Loop, asked: PostedReview, doer: Doer) -> None:
    ordered = ordered_visit(loop.journal, asked)
    check_team_of_visit(loop, asked, ordered, doer)
    days = [ordered.since, day_of(asked.closed_on), doer.day]
    if days != sorted(days):
        raise ActRefused(
            "a review should be closed from the day it was ordered on, and posted no earlier than closed; "
            f"it was ordered on {date_of(ordered.since)}, and this is posted on {date_of(doer.day)}"
        )
    earlier = marked_rows(loop.journal, TABLE, _mark(asked))
    if is_told_by_source(loop, "claim_reviews", asked.claim, earlier):
        raise ActRefused(
            "the source itself holds a review of this claim, and its rows tell the outcome; "
            "close it there, or correct it by `lssi appeal`"
        )
    check_same_visit(asked, earlier)
    check_succession(asked.supersedes, earlier, "review")


def _columns(loop: Loop, asked: PostedReview, recorded: ActRecord) -> Mapping[str, Any]:
    """Return the row of `review_outcomes`."""
    ordered = ordered_visit(loop.journal, asked)
    return {
        "claim": asked.claim,
        "outcome": recorded.record_id,
        "supersedes": asked.supersedes,
        "plan": asked.plan,
        "alert": asked.alert,
        "chosen": ordered.kind,
        "draw": ordered.draw,
        "inclusion_probability": ordered.inclusion_probability,
        "minutes": asked.minutes,
        "closed_on": day_of(asked.closed_on),
        "verdict": asked.verdict,
        "amount": asked.amount,
    }
