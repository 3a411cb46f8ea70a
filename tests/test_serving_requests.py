from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from features.contract.tables import LONGEST
from serving.requests import (
    MOST_UNITS,
    Body,
    ClaimHistory,
    ClaimIds,
    EnterpriseHistory,
    EnterpriseIds,
    RecordId,
)

SECRET = "370200SECRET"


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (EnterpriseIds, {"enterprises": ["a", "乙"], "target": "undeclared_workers"}),
        (EnterpriseIds, {"enterprises": [str(n) for n in range(MOST_UNITS)]}),
        (ClaimIds, {"claims": ["c"]}),
        (
            EnterpriseHistory,
            {
                "id": "a",
                "rows": {"tax_payroll": [{"month": "2015-05", "employees": 3, "payroll": None}]},
            },
        ),
        (ClaimHistory, {"id": "a", "rows": {"claims": [{"amount": 12.5, "inpatient": True}]}}),
        (RecordId, {"record_id": "17-0000000000"}),
    ],
)
def test_a_request_as_the_documents_say_is_taken(form: type[Body], sent: dict[str, Any]) -> None:
    assert form.model_validate_json(json.dumps(sent)).model_dump(exclude_unset=True) == sent


@pytest.mark.parametrize(
    ("form", "sent", "problem"),
    [
        (EnterpriseIds, {"enterprises": []}, "too_short"),
        (EnterpriseIds, {"enterprises": ["a"] * 2}, "value_error"),
        (EnterpriseIds, {"enterprises": [str(n) for n in range(MOST_UNITS + 1)]}, "too_long"),
        (EnterpriseIds, {"enterprises": [7]}, "string_type"),
        (EnterpriseIds, {"enterprises": [""]}, "string_too_short"),
        (EnterpriseIds, {"enterprises": ["x" * (LONGEST + 1)]}, "string_too_long"),
        (EnterpriseIds, {"enterprises": ["a\nb"]}, "value_error"),
        (EnterpriseIds, {"enterprises": "a"}, "list_type"),
        (EnterpriseIds, {"enterprises": None}, "list_type"),
        (EnterpriseIds, {}, "missing"),
        (EnterpriseIds, {"enterprises": ["a"], "as_of": "2015-06-30"}, "extra_forbidden"),
        (EnterpriseIds, {"enterprises": ["a"], "target": "../etc"}, "string_pattern_mismatch"),
        (EnterpriseHistory, {"id": "a", "rows": {}}, "too_short"),
        (EnterpriseHistory, {"id": "a", "rows": {"tax_payroll": []}}, "too_short"),
        (EnterpriseHistory, {"id": "a", "rows": {"tax_payroll": [{}]}}, "too_short"),
        (
            EnterpriseHistory,
            {"id": "a", "rows": {"tax_payroll": [{"employees": [1]}]}},
            "value_error",
        ),
        (
            EnterpriseHistory,
            {"id": "a", "rows": {"tax_payroll": [{"employees": float("nan")}]}},
            "value_error",
        ),
        (
            EnterpriseHistory,
            {"id": "a", "rows": {"tax_payroll": [{"employees": float("inf")}]}},
            "value_error",
        ),
        (
            EnterpriseHistory,
            {"id": "a", "rows": {"tax_payroll": [{"employees": 2**53 + 1}]}},
            "value_error",
        ),
        (
            EnterpriseHistory,
            {"id": "a", "rows": {"tax_payroll": [{"employees": "x" * 257}]}},
            "value_error",
        ),
        (
            EnterpriseHistory,
            {"id": "a", "rows": {"Tax": [{"employees": 1}]}},
            "string_pattern_mismatch",
        ),
        (RecordId, {"record_id": "'; DROP TABLE"}, "string_pattern_mismatch"),
    ],
)
def test_a_request_that_does_not_fit_is_named_by_place(
    form: type[Body], sent: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        form.model_validate_json(json.dumps(sent))
    assert refused.value.errors()[0]["type"] == problem


def test_no_refusal_repeats_a_value() -> None:
    for sent in (
        {"enterprises": [SECRET * 99]},
        {"enterprises": SECRET},
        {"enterprises": [[SECRET]]},
    ):
        with pytest.raises(ValidationError) as refused:
            EnterpriseIds.model_validate(sent)
        assert SECRET not in str(refused.value)


def test_a_form_never_changes_once_it_is_read() -> None:
    form = EnterpriseIds(enterprises=["a"])
    with pytest.raises(ValidationError):
        form.target = "other"  # type: ignore[misc]
