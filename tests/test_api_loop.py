"""The loop over HTTP: every route for every role and team, each act once, and nothing of a request in logs or refusals.

The gate and the service's own methods answer here, without the framework's server between them.
"""

from __future__ import annotations

import logging
import typing
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.home import home
from serving.api.loop_desk import LoopDesk
from serving.api.service import Lssi
from serving.gate.keys import ROLES, TEAM_ROLES, add
from serving.gate.routes import ROUTES
from serving.ledger.act import Act, Seen, act_entry, subject_digest
from serving.ledger.read import head
from tests.gated import BY_PATH, Gated, code_of
from tests.loop_town import MOMENT, POSTED, begin, issue_alert, loop_of, outcome

SECRET = "370200SECRET"
TEAMS = ("t1", "t2")
LIST, OLD_LIST, ACKNOWLEDGE = "/v1/alerts", "/v1/alerts/list", "/v1/alerts/acknowledge"
OUTCOMES, OVERRIDES, APPEALS = "/v1/outcomes", "/v1/overrides", "/v1/appeals"
BODIES: dict[str, dict[str, Any]] = {
    LIST: {},
    OLD_LIST: {},
    ACKNOWLEDGE: {"alert": "A"},
    OUTCOMES: outcome().model_dump(mode="json"),
    OVERRIDES: {"plan": "P", "enterprise": "e1", "decision": "override", "reason": "workload"},
    APPEALS: {
        "appeal": "a1",
        "enterprise": "e1",
        "table": "findings",
        "row_id": "findings-1",
        "lodged": "2015-07-07",
    },
}
"""A body for each route of the loop, about e1, for whose cell t1 answers."""


class Town:
    """The town behind the gate, with a key for each role, and for each team where a role acts for one."""

    def __init__(self, desk: LoopDesk, register: Path) -> None:
        self.keys: dict[tuple[str, str | None], str] = {}
        for role in ROLES:
            for team in TEAMS if role in TEAM_ROLES else (None,):
                name = f"{role}_{team}"
                today = date(2015, 7, 1)
                self.keys[role, team] = add(register, name, role=role, today=today, team=team)
        self._gated = Gated(register, loop=desk)

    def ask(
        self, path: str, sent: Any, who: tuple[str, str | None], key: str | None = "k1"
    ) -> httpx.Response:
        """Return what one request gets."""
        headers = {} if key is None else {"idempotency-key": key}
        return self._gated.ask(path, sent, self.keys[who], headers)


@pytest.fixture
def gated(loaded_town: Path, register: Path) -> Iterator[Town]:
    with loop_of(begin(loaded_town)) as loop:
        content = {"alert": "A", "enterprise": "e1", "team": "t1"}
        act = Act("alert", "lssi-alerts", "A", subject_digest(content), content)
        entry = act_entry(act, Seen(POSTED, POSTED, ""), moment=MOMENT, kept_days=30)
        issue_alert(record=loop.ledger.append(entry).result().record_id)
        yield Town(LoopDesk(loop, lambda: MOMENT), register)


def test_the_service_answers_exactly_the_routes_that_are_listed() -> None:
    answered = {str(api.route) for api in Lssi.apis.values()}
    assert answered == {route.inside for route in ROUTES if route.path.startswith("/v1/")}
    forms = {
        str(api.route): typing.get_type_hints(api.func)["request"] for api in Lssi.apis.values()
    }
    for route in ROUTES:
        if route.inside in forms:
            assert route.form is forms[route.inside], route.path


def test_every_route_of_the_loop_for_every_role_and_team(gated: Town) -> None:
    for number, (path, sent) in enumerate(BODIES.items()):
        for role, team in gated.keys:
            answer = gated.ask(path, sent, (role, team), f"k{number}")
            if role not in BY_PATH[path].roles:
                assert code_of(answer) == "role_refused", (path, role)
            elif path in (LIST, OLD_LIST):
                seen = [alert["enterprise"] for alert in answer.json()["alerts"]]
                assert seen == (["e1"] if team == "t1" else []), (path, role, team)
            elif team == "t2":
                assert code_of(answer) == "team_refused", (path, role)
            elif path in (OUTCOMES, OVERRIDES) and role == "reviewer":
                # what is of enterprises an inspector sends
                assert code_of(answer) == "team_refused"
            elif path == ACKNOWLEDGE and role == "reviewer":
                # the inspector of the team was first
                assert code_of(answer) == "act_refused"
            else:
                assert answer.status_code == 200 and answer.json()["first"], (
                    path,
                    role,
                    answer.text,
                )
    # the alert, and one act of each of the other routes
    assert head(home() / "ledger.db").size == len(BODIES) - 1


def test_an_act_sent_again_is_the_first_and_another_under_its_key_is_refused(gated: Town) -> None:
    who = ("inspector", "t1")
    first = gated.ask(OUTCOMES, BODIES[OUTCOMES], who).json()
    again = gated.ask(OUTCOMES, BODIES[OUTCOMES], who).json()
    assert again == {**first, "first": False}
    other = BODIES[OUTCOMES] | {"found": []}
    assert code_of(gated.ask(OUTCOMES, other, who)) == "retry_conflict"
    assert code_of(gated.ask(OUTCOMES, other, who, "k2")) == "act_refused"
    assert gated.ask(OUTCOMES, other | {"supersedes": first["record_id"]}, who, "k3").json()[
        "first"
    ]


def test_an_act_needs_an_idempotency_key(gated: Town) -> None:
    answer = gated.ask(OVERRIDES, BODIES[OVERRIDES], ("inspector", "t1"), None)
    assert code_of(answer) == "request_invalid" and "Idempotency-Key" in answer.text


def test_the_cursor_of_a_page_leads_to_what_came_after_it(gated: Town) -> None:
    who = ("inspector", "t1")
    page = gated.ask(LIST, {}, who).json()
    assert gated.ask(OLD_LIST, {}, who).json() == page
    assert gated.ask(LIST, {"after": page["cursor"]}, who).json() == {**page, "alerts": []}
    assert code_of(gated.ask(LIST, {"after": "17"}, who)) == "request_invalid"


@pytest.mark.parametrize("path", [path for path in BODIES if path not in (LIST, OLD_LIST)])
def test_nothing_of_a_request_stands_in_a_refusal_or_a_log(
    gated: Town, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    role = BY_PATH[path].roles[0]
    with caplog.at_level(logging.DEBUG):
        for name, value in BODIES[path].items():
            if not isinstance(value, str):
                continue
            answer = gated.ask(path, BODIES[path] | {name: SECRET}, (role, "t1"), f"k-{name}")
            assert answer.status_code >= 400 or name in ("inspection", "appeal"), name
            assert "SECRET" not in answer.text
        extra = gated.ask(path, BODIES[path] | {"more": SECRET}, (role, "t1"))
        assert code_of(extra) == "request_invalid" and "SECRET" not in extra.text
    assert "SECRET" not in caplog.text
