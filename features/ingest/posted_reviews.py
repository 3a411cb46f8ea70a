"""What posted outcomes of reviews tell as reviews of claims, so that they teach and count like rows of the source itself."""

from __future__ import annotations

from collections.abc import Iterable

from features.connection import Relation, named
from features.contract.tables import Column

GIVEN = {
    "claim": "claim",
    "chosen": "chosen",
    "inclusion_probability": "inclusion_probability",
    "minutes": "minutes",
    "closed_on": "closed_on",
    "outcome": "verdict",
    "amount": "amount",
}
"""The columns of a review, and those of a posted outcome that give them; the others of the table are empty."""
REVIEWS = """WITH posted AS (
    SELECT * FROM ({outcomes}) AS outcomes
    ANTI JOIN told ON told.claim = outcomes.claim AND told.day <= outcomes.recorded_on)
SELECT {columns}, row_id, recorded_on, retracted FROM posted
UNION ALL BY NAME
SELECT claim, 'source-' || min(row_id) AS row_id, day AS recorded_on, 1 AS retracted
FROM posted JOIN told USING (claim) GROUP BY claim, day"""
"""The outcomes of claims whose review the source had not told of before, and rows that take each back once it does."""


def reviews_sql(outcomes: Relation, columns: Iterable[Column]) -> str:
    """Return in SQL the rows of `claim_reviews` that outcomes tell; `told` has the claims whose review the source tells."""
    picked = []
    for column in columns:
        value = named(GIVEN[column.name]) if column.name in GIVEN else "CAST(NULL AS VARCHAR)"
        picked.append(f"{value} AS {named(column.name)}")
    return REVIEWS.format(outcomes=outcomes.sql_query(), columns=", ".join(picked))
