from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from serving.answers import SaidReason, Unit
from serving.errors import CODES
from serving.gate.access import RequestLimits
from serving.gate.read_answers import BatchRow, ExplainedUnit, PlanLine, RankedUnit, SaidTicket
from serving.gate.routes import ROUTES
from serving.requests import MOST_UNITS, FoundViolation

DOCUMENT = (Path(__file__).parents[1] / "docs" / "api.md").read_text("utf-8")


def test_the_document_lists_exactly_the_routes_that_answer() -> None:
    told = re.findall(
        r"^\| `(/[^`]*)` \| (\w+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", DOCUMENT, re.MULTILINE
    )
    roles = [", ".join(route.roles) or "无需密钥 no key" for route in ROUTES]
    assert told == [
        (route.path, route.method, named, route.zh, route.en)
        for route, named in zip(ROUTES, roles, strict=True)
    ]


def test_the_document_lists_exactly_the_codes_of_a_refusal() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\d{3}) \| ([^|]*) \| ([^|]*) \|$", DOCUMENT, re.MULTILINE)
    assert told == [(name, str(code.status), code.zh, code.en) for name, code in CODES.items()]


NAMED = {form for route in ROUTES for form in (route.form, route.answer) if form is not None}
PARTS = {
    FoundViolation,
    Unit,
    SaidReason,
    RankedUnit,
    ExplainedUnit,
    PlanLine,
    SaidTicket,
    BatchRow,
}


@pytest.mark.parametrize("form", sorted(NAMED | PARTS, key=lambda form: form.__name__))
def test_the_document_names_every_field(form: type[BaseModel]) -> None:
    for name in form.model_fields:
        assert f'"{name}"' in DOCUMENT or f"`{name}`" in DOCUMENT, f"{form.__name__}.{name}"


def test_the_document_tells_the_limits_that_hold() -> None:
    limits = RequestLimits()
    for told in (f"{limits.body_bytes:,}", f"{MOST_UNITS:,}", f"{limits.answer_seconds:g} 秒"):
        assert told in DOCUMENT
