"""Claims and providers over HTTP: reviewers of the team read alerts and send acts; inspectors see no claimant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from serving.api.loop_desk import LoopDesk
from serving.gate.keys import add
from tests.gated import Gated, code_of
from tests.office_town import MOMENT, begin_office, issued_by_unit, loaded_office, office_loop

HOLDERS = (("inspector", "t1"), ("inspector", "t2"), ("reviewer", "t1"), ("reviewer", "t2"))
REVIEW = {"claim": "k1", "closed_on": "2015-07-09", "verdict": "clean"}
VISIT: dict[str, Any] = {
    "inspection": "i1",
    "provider": "h2",
    "opened": "2015-07-07",
    "closed_on": "2015-07-09",
    "examined": [3],
}
LINE = {"plan": "P", "decision": "accept", "reason": "agrees"}


@pytest.fixture(scope="module")
def loaded(hand_source: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return loaded_office(tmp_path_factory.mktemp("office"), hand_source)


class Office:
    """The office behind the gate, its alerts by unit, and a key of each role and team."""

    def __init__(self, desk: LoopDesk, register: Path, alerts: dict[str, dict[str, Any]]) -> None:
        today = date(2015, 7, 1)
        self.keys = {
            (role, team): add(register, f"{role}_{team}", role=role, today=today, team=team)
            for role, team in HOLDERS
        }
        self.alerts = {unit: alert["alert"] for unit, alert in alerts.items()}
        self._gated = Gated(register, loop=desk)

    def ask(self, path: str, sent: Any, who: tuple[str, str], key: str = "k1") -> Any:
        """Return what one request gets."""
        return self._gated.ask(path, sent, self.keys[who], {"idempotency-key": key})


@pytest.fixture
def office(loaded: Path, register: Path) -> Iterator[Office]:
    place = begin_office(loaded)
    alerts = issued_by_unit(place)
    with office_loop(place) as loop:
        yield Office(LoopDesk(loop, lambda: MOMENT), register, alerts)


def test_alerts_of_claims_reach_the_reviewers_of_the_team_and_no_inspector(office: Office) -> None:
    units = {}
    for who in HOLDERS:
        page = office.ask("/v1/alerts", {}, who).json()
        units[who] = [one["claim"] or one["provider"] for one in page["alerts"]]
    assert units == {
        ("inspector", "t1"): [],
        ("inspector", "t2"): [],
        ("reviewer", "t1"): ["k2", "k3"],
        ("reviewer", "t2"): ["k1", "h2"],
    }
    acknowledged = {"alert": office.alerts["k1"]}
    for who in HOLDERS[:3]:
        answer = office.ask("/v1/alerts/acknowledge", acknowledged, who)
        assert code_of(answer) == "team_refused" and "k1" not in answer.text
    assert office.ask("/v1/alerts/acknowledge", acknowledged, HOLDERS[3]).json()["first"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1/reviews", REVIEW | {"plan": "P"}),
        ("/v1/outcomes", VISIT | {"plan": "P"}),
        ("/v1/overrides", LINE | {"claim": "k1"}),
        ("/v1/overrides", LINE | {"provider": "h2"}),
    ],
)
def test_an_act_about_a_claim_or_provider_is_of_the_reviewers_that_list_it(
    office: Office, path: str, sent: dict[str, Any]
) -> None:
    for who in HOLDERS[:3]:
        refused = office.ask(path, sent, who)
        expected = (
            "role_refused" if (path, who[0]) == ("/v1/reviews", "inspector") else "team_refused"
        )
        assert code_of(refused) == expected, who
    first = office.ask(path, sent, HOLDERS[3])
    assert first.status_code == 200 and first.json()["first"], first.text
    again = office.ask(path, sent, HOLDERS[3]).json()
    assert again == {**first.json(), "first": False}
    assert code_of(office.ask(path, sent | {"more": 1}, HOLDERS[3])) == "request_invalid"


def test_a_reviewer_decides_on_no_enterprise(office: Office) -> None:
    refused = office.ask("/v1/overrides", LINE | {"enterprise": "e1"}, HOLDERS[3])
    assert code_of(refused) == "team_refused" and "role inspector" in refused.text
