"""What posted outcomes tell as visits, findings and reviews, so that they teach and count like rows of the source itself.

An outcome is one row of the journal. Its visit and its findings, or its review, are made of it wherever the journal is read,
so that no stop between two writes can leave a visit without what it found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from features.connection import Relation, named
from features.contract.tables import Column, contract
from features.ingest.posted_reviews import reviews_sql

TEACHES = {
    "outcomes": (("inspections", "findings"), ("inspections", "inspection")),
    "review_outcomes": (("claim_reviews",), ("claim_reviews", "claim")),
}
"""By table of outcomes the tables of a source that it adds rows to, and the table and subject by which a source tells itself."""
VIOLATIONS = range(1, 6)
VISIT_GIVES = (
    "inspection",
    "enterprise",
    "provider",
    "kind",
    "planned_minutes",
    "spent_minutes",
    "opened",
    "closed_on",
    "staff_on_site",
    "draw",
    "inclusion_probability",
    *(f"examined_{violation}" for violation in VIOLATIONS),
)
FINDING_GIVES = ("inspection", "violation", "workers_in_violation", "workers_total", "amount")
GIVEN = {"inspections": VISIT_GIVES, "findings": FINDING_GIVES}
"""The columns that an outcome gives; the others of the two tables are empty."""
COMMON_GIVEN = "row_id, recorded_on, retracted"
POSTED = """SELECT * FROM ({outcomes}) AS outcomes
ANTI JOIN told ON told.inspection = outcomes.inspection AND told.day <= outcomes.recorded_on
WHERE outcomes.kind IS NOT NULL"""
"""The outcomes that tell of a visit which the source had not told of before."""
FINDING = """SELECT inspection, {violation} AS violation, workers_{violation} AS workers_in_violation, workers_total,
amount_{violation} AS amount, row_id || '-{violation}' AS row_id, recorded_on,
CASE WHEN found_{violation} = 1 THEN 0 ELSE 1 END AS retracted
FROM posted
QUALIFY max(coalesce(found_{violation}, 0)) OVER (
    PARTITION BY inspection ORDER BY recorded_on, length(row_id), row_id
) = 1"""
"""A row for each outcome that found a violation, and one that takes it back where a later outcome no longer has it."""
TAKEN_BACK = """SELECT {key}, 'source-' || min(row_id) AS row_id, day AS recorded_on, 1 AS retracted
FROM rows JOIN told USING (inspection) GROUP BY {key}, day"""
"""Rows that take each key back on the day from which the source tells of the inspection itself."""


def rows_told(outcomes: Relation, table: str, columns: Iterable[Column]) -> str:
    """Return in SQL the rows of a table that outcomes tell; outcomes of versions before, which name no visit, tell none.

    The table `told` has the inspections, or claims, that the source tells itself, with the `day`. From that day the source's
    rows stand alone: the outcome's are taken back, and an outcome that came later is no row.
    """
    if table == "claim_reviews":
        return reviews_sql(outcomes, columns)
    posted = POSTED.format(outcomes=outcomes.sql_query())
    rows = _findings_sql()
    if table == "inspections":
        rows = _visits_sql()
    taken_back = TAKEN_BACK.format(key=", ".join(contract()[table].key))
    picked = ", ".join(_picked(table, columns))
    return (
        f"WITH posted AS ({posted}), rows AS ({rows}) "
        f"SELECT {picked}, {COMMON_GIVEN} FROM (FROM rows UNION ALL BY NAME {taken_back})"
    )


def _picked(table: str, columns: Iterable[Column]) -> Iterator[str]:
    """Yield each column of a table in SQL, empty where an outcome does not give it."""
    posted_columns = set(GIVEN[table])
    for column in columns:
        name = named(column.name)
        yield name if column.name in posted_columns else f"CAST(NULL AS VARCHAR) AS {name}"


def _visits_sql() -> str:
    columns = ", ".join(VISIT_GIVES)
    return f"SELECT {columns}, {COMMON_GIVEN} FROM posted"


def _findings_sql() -> str:
    findings = [FINDING.format(violation=violation) for violation in VIOLATIONS]
    return " UNION ALL ".join(findings)
