"""Request bodies, validated strictly; an error names the place of a wrong value and never repeats the value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    model_validator,
)

from features.contract.identifiers import fault
from features.contract.tables import LONGEST

MOST_UNITS = 1_000
"""Units of one request at most; a choice, so that one caller does not keep the others waiting."""
MOST_OF_BATCH = 100_000
"""Units that a batch may name at most; a choice, within the bytes of a body: one of the whole day names none."""
MOST_ROWS = 20_000
"""Rows that a request may send at most; a choice: far more than one unit has."""
MOST_CORRECTED = 20
"""Columns that an appeal corrects at most; a choice: more is another row, which the source sends."""
UNIT_KINDS = ("enterprise", "claim", "provider")
"""The kinds of units that a form may be about."""
_LARGEST = 2**53
"""Numbers stay within this, because float64 holds every integer up to it."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


def _sound(text: str) -> str:
    if wrong := fault(text):
        raise ValueError(f"this number {wrong}")
    return text


Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST), AfterValidator(_sound)]


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= LONGEST:
        return value
    if isinstance(value, int | float) and abs(value) <= _LARGEST:
        return value
    raise ValueError(
        f"should be text of at most {LONGEST} characters, a finite number within 2^53, or null"
    )


Value = Annotated[
    object, PlainValidator(_plain, json_schema_input_type=str | bool | int | float | None)
]
Row = Annotated[dict[Name, Value], Field(min_length=1, max_length=60)]
Rows = Annotated[list[Row], Field(min_length=1, max_length=MOST_ROWS)]


def _different(ids: Sequence[str]) -> Sequence[str]:
    if len(set(ids)) < len(ids):
        raise ValueError("each identifier should occur once in a request")
    return ids


Ids = Annotated[
    list[Id],
    Field(min_length=1, max_length=MOST_UNITS, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_different),
]


BatchIds = Annotated[
    list[Id],
    Field(min_length=1, max_length=MOST_OF_BATCH, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_different),
]


class Body(BaseModel):
    """A body: no unknown field, no conversion of types, no NaN or infinity, and no value repeated in an error."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class EnterpriseIds(Body):
    """Enterprises to score, by number; `reasons` false asks for scores alone."""

    enterprises: Ids
    target: Name = "undeclared_workers"
    reasons: bool = True


class ClaimIds(Body):
    """Claims to score, by number; `reasons` false asks for scores alone."""

    claims: Ids
    target: Name = "fraudulent_claim"
    reasons: bool = True


class ProviderIds(Body):
    """Health-care providers and pharmacies to score, by number; `reasons` false asks for scores alone."""

    providers: Ids
    target: Name = "provider_deception"
    reasons: bool = True


class EnterpriseHistory(Body):
    """One enterprise and its history: table -> rows of the contract, by column name."""

    id: Id
    rows: Annotated[dict[Name, Rows], Field(min_length=1, max_length=40)]
    target: Name = "undeclared_workers"


class ClaimHistory(Body):
    """One claim and its history: table -> rows of the contract, by column name."""

    id: Id
    rows: Annotated[dict[Name, Rows], Field(min_length=1, max_length=40)]
    target: Name = "fraudulent_claim"


class ProviderHistory(Body):
    """One provider and its history: table -> rows of the contract, by column name."""

    id: Id
    rows: Annotated[dict[Name, Rows], Field(min_length=1, max_length=40)]
    target: Name = "provider_deception"


class BatchOf(Body):
    """A batch to score: all that live on the last closed day, or the units that `ids` names."""

    target: Name = "undeclared_workers"
    ids: BatchIds | None = None


JobNumber = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{20}$")]


class BatchNumber(Body):
    """One batch job, by the number that its start gave."""

    job: JobNumber


RecordNumber = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9a-z-]+$")
]


class RecordId(Body):
    """One record, by the number that an answer gave."""

    record_id: RecordNumber


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("should be a day such as 2015-07-08") from None
    return text


Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_day)]
Number = Annotated[int, Field(ge=0, le=_LARGEST)]
Violation = Annotated[int, Field(ge=1, le=5)]
Reason = Literal[
    "recent_visit",
    "closed_down",
    "known_to_team",
    "no_access",
    "workload",
    "other",
    "own_information",
    "agrees",
]


def _is_left_out(value: object) -> bool:
    return value is None


# left out of what the ledger holds where it is not given: so an act sent again keeps the content that it had
# before the form had the field
LaterId = Annotated[Id | None, Field(exclude_if=_is_left_out)]


class AboutUnit(Body):
    """A form about one unit: it names an enterprise, a claim or a provider, those that the form takes, and one of them alone."""

    @property
    def unit(self) -> tuple[str, str]:
        """The kind of the unit and its number."""
        [named_unit] = self._named()
        return named_unit

    def _named(self) -> list[tuple[str, str]]:
        units = ((kind, getattr(self, kind, None)) for kind in UNIT_KINDS)
        return [(kind, unit) for kind, unit in units if unit is not None]

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if len(self._named()) != 1:
            kinds = [kind for kind in UNIT_KINDS if kind in type(self).model_fields]
            raise ValueError(f"it is about one {', '.join(kinds)}; name one of them")
        return self


class FoundViolation(Body):
    """What a visit found of one violation type: workers in violation and the amount in fen, where they were counted."""

    violation: Violation
    workers: Number | None = None
    amount: Number | None = None


class PostedOutcome(AboutUnit):
    """What one visit of an enterprise or a provider examined and found; the plan, draw or alert that ordered it names it."""

    inspection: Id
    enterprise: LaterId = None
    provider: LaterId = None
    plan: Id | None = None
    draw: Id | None = None
    alert: Id | None = None
    opened: Day
    closed_on: Day
    examined: Annotated[list[Violation], Field(min_length=1, max_length=5)]
    found: Annotated[list[FoundViolation], Field(max_length=5)] = []
    staff_on_site: Number | None = None
    workers_total: Number | None = None
    spent_minutes: Number | None = None
    supersedes: Id | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        violations = [one.violation for one in self.found]
        if not (self.plan or self.draw or self.alert):
            raise ValueError("name the visit by plan, draw or alert")
        if len(set(violations)) < len(violations):
            raise ValueError("each violation should occur once in found")
        if not set(violations) <= set(self.examined):
            raise ValueError("what was found should be among what was examined")
        return self


class PostedReview(AboutUnit):
    """What the review of one claim concluded; the plan that lists the claim, or its alert, names the review."""

    claim: Id
    plan: LaterId = None
    alert: LaterId = None
    closed_on: Day
    verdict: Literal["fraud", "clean", "unclear"]
    amount: Number | None = None
    minutes: Number | None = None
    supersedes: Id | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not (self.plan or self.alert):
            raise ValueError("name the review by plan or alert")
        if self.amount is not None and self.verdict != "fraud":
            raise ValueError("an amount is of a fraud alone; leave it out")
        return self


class DecidedLine(AboutUnit):
    """A decision on one line of a plan, an override or an acceptance, with its reason."""

    plan: Id
    enterprise: LaterId = None
    claim: LaterId = None
    provider: LaterId = None
    decision: Literal["override", "accept"]
    reason: Reason


class AcknowledgedAlert(Body):
    """One alert that its team has seen."""

    alert: Id


class AlertsAfter(Body):
    """The alerts behind a cursor, from the first where there is none."""

    after: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None


class LodgedAppeal(AboutUnit):
    """An appeal against one row of a table, which an enterprise, a claim or a provider rests on; decided, or not yet.

    Where it is upheld, `corrected` may give the true values by column: then the row is corrected, and else taken back.
    """

    appeal: Id
    enterprise: Id | None = None
    claim: Id | None = None
    provider: LaterId = None
    table: Name
    row_id: Id
    lodged: Day
    decided_on: Day | None = None
    upheld: bool | None = None
    corrected: Annotated[
        dict[Name, Value] | None,
        Field(exclude_if=_is_left_out, min_length=1, max_length=MOST_CORRECTED),
    ] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.decided_on is None) != (self.upheld is None):
            raise ValueError("decided_on and upheld go together")
        if self.corrected is not None and not self.upheld:
            raise ValueError("corrected values go with an appeal that is upheld")
        return self


class Nothing(Body):
    """An empty body: `{}`."""
