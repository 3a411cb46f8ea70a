"""The document of the service: true to its table, sound by the rules of OpenAPI and JSON Schema, and fresh in docs/."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from serving.api.client_source import client_source
from serving.api.openapi import document, refusal_codes
from serving.errors import CODES
from serving.gate.matching import path_parts, route_of
from serving.gate.routes import ROUTES
from tests import api_documents
from tests.api_client import CLIENT_FILE, path_of, validator

DOCUMENT = document()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, by_method in DOCUMENT["paths"].items():
        for method, operation in by_method.items():
            yield path, method.upper(), operation


@pytest.mark.parametrize("path", api_documents.committed(), ids=lambda path: path.name)
def test_the_committed_document_and_client_are_those_of_the_code(path: Any) -> None:
    said = api_documents.committed()[path]
    assert path.read_bytes() == said, "run python -m tests.api_documents"


def test_the_document_lists_each_route_with_its_roles_and_no_other() -> None:
    listed = [(path, method, operation["security"]) for path, method, operation in operations()]
    roles = [([{"key": list(route.roles)}] if route.roles else []) for route in ROUTES]
    of_table = [
        (route.path, route.method, security) for route, security in zip(ROUTES, roles, strict=True)
    ]
    assert sorted(listed, key=str) == sorted(of_table, key=str)
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names) == len(ROUTES)


def test_each_part_of_a_path_is_a_parameter_and_each_parameter_has_a_meaning() -> None:
    for path, _, operation in operations():
        in_path = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        for parameter in operation.get("parameters", ()):
            assert parameter["description"] and not _allows_null(parameter["schema"])
            assert parameter["required"] or parameter["in"] != "path"


def _allows_null(schema: dict[str, Any]) -> bool:
    return Draft202012Validator(schema).is_valid(None)


def test_every_reference_leads_somewhere_and_everything_is_referred_to() -> None:
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT)))
    for reference in references:
        place: Any = DOCUMENT
        for part in reference.split("/"):
            place = place[part]
    for kind in ("schemas", "responses"):
        unused = {f"components/{kind}/{name}" for name in DOCUMENT["components"][kind]}
        assert unused <= references, kind


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_each_schema_is_one_of_json_schema_2020_12(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_an_example_is_allowed_by_its_form_and_by_its_schema(route: Any) -> None:
    if route.form is None:
        return
    asked = dict(route.example)
    route.form.model_validate_json(json.dumps(asked))
    if route.method == "POST":
        validator(f"/components/schemas/{route.form.__name__}").validate(asked)


def test_an_answer_says_each_field_and_no_other() -> None:
    for route in ROUTES:
        if route.answer is not None:
            schema = DOCUMENT["components"]["schemas"][route.answer.__name__]
            assert set(schema["required"]) == set(schema["properties"])
            assert schema["additionalProperties"] is False


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_names_the_codes_of_its_refusals(route: Any) -> None:
    codes = refusal_codes(route)
    assert set(codes) <= set(CODES) and "internal" in codes
    if route.roles:
        assert {"key_missing", "key_unknown", "role_refused", "busy"} <= set(codes)
    assert ("json_invalid" in codes) == (route.method == "POST")


def test_every_code_is_of_some_route_or_of_no_operation() -> None:
    everywhere = {code for route in ROUTES for code in refusal_codes(route)}
    assert set(CODES) - everywhere == {"route_unknown", "method_refused"}


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=10))
def test_a_part_of_a_path_is_read_as_it_was_written(enterprise: str, week: str) -> None:
    [route] = [route for route in ROUTES if route.name == "explain_line"]
    try:
        written = path_of(route, {"enterprise": enterprise, "week": week}).partition("?")[0]
    except UnicodeEncodeError:
        return  # a half of a pair is no text of a path
    scope = {"method": "GET", "path": "?", "raw_path": written.encode()}
    assert path_parts(route, scope) == {"enterprise": enterprise}
    assert route_of(scope) is route


@pytest.mark.parametrize(
    "raw",
    [
        b"/v1/why/",
        b"/v1/why",
        b"/v1/why/a/b",
        b"/v1/why/%ff",
        b"/v1/WHY/a",
        b"/v2/why/a",
        b"//v1/why/a",
        b"/v1/records//explanation",
    ],
)
def test_a_path_that_is_nearly_a_route_is_none(raw: bytes) -> None:
    assert route_of({"method": "GET", "path": "?", "raw_path": raw}) is None


def test_the_client_has_a_method_for_each_route_that_is_not_deprecated() -> None:
    tree = ast.parse(CLIENT_FILE.read_text("utf-8"))
    [client] = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Client"
    ]
    methods = {
        node.name
        for node in client.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert methods - {"send"} == {route.name for route in ROUTES if not route.successor}


def test_a_client_follows_its_document() -> None:
    other = json.loads(json.dumps(DOCUMENT))
    other["paths"]["/v1/ranks"]["get"]["operationId"] = "best_first"
    assert "def best_first(" in client_source(other) and "def list_ranks(" not in client_source(
        other
    )


@pytest.mark.slow
def test_the_client_is_typed_throughout() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(CLIENT_FILE)],
        capture_output=True,
        text=True,
        timeout=1_200,
    )
    assert checked.returncode == 0, checked.stdout
