"""The forms of what is asked by GET: the parts of a path and of a query, checked as strictly as a body."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from serving.requests import Body, Day, Id, Name, RecordNumber

MOST_LINES = 1_000
"""Lines of one page at most; a choice, as many as a request may score."""
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Limit = Annotated[int, Field(ge=1, le=MOST_LINES)]


class ExplainedRecord(Body):
    """One record whose scores are to be explained, or one of its units alone."""

    record_id: RecordNumber
    unit: Id | None = None


class RankedUnits(Body):
    """The ranked list of a target, behind a cursor; of all living units, or of those of one cell."""

    target: Name = "undeclared_workers"
    cell: Id | None = None
    after: Cursor | None = None
    limit: Limit = 100


class PlanOfWeek(Body):
    """The lines of the plans of the week in which a day lies, behind a cursor; of all targets and cells, or of one."""

    week: Day
    target: Name | None = None
    cell: Id | None = None
    after: Cursor | None = None
    limit: Limit = 200


class AskedWhy(Body):
    """One enterprise and a week: is it on a list of a target, and what speaks for it?"""

    enterprise: Id
    week: Day
    target: Name = "undeclared_workers"


class BatchRows(Body):
    """The rows of a batch, by its record, behind a cursor."""

    record_id: RecordNumber
    after: Cursor | None = None
    limit: Limit = 200


PARAMETERS = {
    "job": ("批量任务号", "the number of a batch job"),
    "record_id": ("记录号", "the number of a record"),
    "unit": ("只看一个单位", "one unit of the record alone"),
    "target": ("目标", "the target"),
    "cell": ("只看一个网格", "one grid cell alone"),
    "after": ("上一页的 cursor", "the cursor of the page before"),
    "limit": ("每页最多几行", "lines of a page at most"),
    "week": ("计划周内任一天", "any day of the week of a plan"),
    "enterprise": ("企业编号", "the number of an enterprise"),
}
"""What each part of a path or a query means, in Chinese and English."""
