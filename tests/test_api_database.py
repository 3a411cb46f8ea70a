"""The service with its ledger in a real PostgreSQL: it records and replays as with a file, and refuses while that is away."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest

from serving.database.place import DatabaseLedger
from serving.gate.keys import add
from serving.ledger.read import head
from serving.proof.audit import verify
from serving.replay.dossier import dossier
from tests.database_server import PASSWORD, DatabaseServer, database_place
from tests.test_api_service import FIRMS, Served, code_of, serving

pytestmark = pytest.mark.slow  # test_ledger_database tries the same without a service
IN_TIME, BACK = 2.0, 5.0
"""Seconds within which scores are refused, and within which they are answered again, as promised."""
SLACK = 10.0
"""Seconds that a request may take for itself on a busy machine; without the promise, one that hangs takes 180."""


@dataclass(frozen=True)
class DatabaseServed(Served):
    """A running service whose ledger lies in a database."""

    place: DatabaseLedger

    @property
    def size(self) -> int:
        return head(self.place).size


@pytest.fixture(scope="module")
def served(
    trained_home: Path,
    city_2000: Path,
    database_server: DatabaseServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DatabaseServed]:
    # a test before this one in the same worker may have recorded in the home's own ledger, which is not the database's
    without_ledger = shutil.ignore_patterns("ledger.db*")
    place_of_home = tmp_path_factory.mktemp("served") / "home"
    home = Path(shutil.copytree(trained_home, place_of_home, ignore=without_ledger))
    place = database_place(database_server, home)
    keys = {
        role: add(home / "keys.json", role, role=role, today=date(2015, 7, 1))
        for role in ("system", "auditor")
    }
    log = home / "service.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_LEDGER", place.address)
        with serving(home, city_2000, log, "--workers", "2") as (address, process):
            # nothing here asks for a recorded batch or a claim
            yield DatabaseServed(
                process, address, home, keys, log, city_2000, batch="", claim="", place=place
            )


def test_answers_are_recorded_in_the_database_and_replay_to_the_bit(
    served: DatabaseServed,
) -> None:
    before, sent = served.size, {"enterprises": served.firms(1)}
    headers = {"idempotency-key": "once"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: served.ask(FIRMS, sent).json(), range(16)))
    first, again = (served.ask(FIRMS, sent, headers=headers).json() for _ in range(2))
    assert first == again and len({answer["record_id"] for answer in answers}) == 16
    assert served.size == before + 17 and not (served.home / "ledger.db").exists()
    [replay] = dossier(served.home, first["record_id"]).replays()
    assert replay.identical
    before = served.size
    record = served.ask("/v1/records/get", {"record_id": first["record_id"]}, role="auditor")
    # who reads it is an entry too
    assert record.json()["proof"]["size"] == before == served.size - 1
    verdict = verify(served.place, 0)
    assert verdict.whole and verdict.size == served.size
    assert PASSWORD not in served.log.read_text("utf-8")


def test_without_its_database_the_service_refuses_in_time_and_goes_on_once_it_is_back(
    served: DatabaseServed, database_server: DatabaseServer
) -> None:
    sent = {"enterprises": served.firms(1)}
    last = served.ask(FIRMS, sent).json()["record_id"]
    for fault in ("down", "frozen"):
        with database_server.away() if fault == "down" else database_server.frozen():
            begun = time.monotonic()
            assert code_of(served.ask(FIRMS, sent)) == "ledger_unusable"
            assert time.monotonic() - begun < IN_TIME + SLACK
            time.sleep(1.1)  # a probe believes a group of the last second
            assert code_of(httpx.get(f"{served.address}/readyz", timeout=30)) == "not_ready"
        until = time.monotonic() + BACK + SLACK
        while served.ask(FIRMS, sent).status_code != 200:
            assert time.monotonic() < until
    assert served.ask("/v1/records/get", {"record_id": last}, role="auditor").status_code == 200
    assert verify(served.place, 0).whole
