"""Promotions and a new day under load: no request is lost, and no worker answers with another generation than its siblings."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from features.ingest.scan import files_in
from models.bundle.champions import ModelKey, Pointer
from models.bundle.folder import bundle_digest, read_folder, write_folder
from models.bundle.generation import pointer_of, promote_model, read_generation
from serving.gate.keys import add
from serving.ledger.read import find
from serving.ledger.record import record_of
from serving.proof.audit import verify
from tests.test_api_service import FIRMS, serving

KEY = ModelKey("city", "undeclared_workers")
CHANGES = 10
LATEST = 5.0
"""Seconds after which no former generation may answer."""
CLIENTS = 4


@dataclass(frozen=True)
class Seen:
    """One answer: when its request began, when it came, and what it says of what was in use."""

    begun: float
    ended: float
    generation: str
    digest: str
    record: str


def other_model(bundles: Path) -> Pointer:
    """Write a second model, which is the one in use with other probabilities, and return its pointer."""
    pointer = pointer_of(bundles, KEY)
    files = dict(read_folder(bundles / pointer.bundle))
    manifest = json.loads(files["bundle.json"])
    manifest["calibration_probability"] = [
        0.9 * value for value in manifest["calibration_probability"]
    ]
    files["bundle.json"] = (json.dumps(manifest, ensure_ascii=False) + "\n").encode()
    digest = bundle_digest(files)
    name = f"{KEY.target}-{digest[:12]}"
    write_folder(bundles / name, files)
    return Pointer(bundle=name, digest=digest)


def asked_again_and_again(
    address: str, key: str, ids: list[str], over: threading.Event
) -> list[Seen]:
    """Ask until it is over, each request on a connection of its own; one whose worker was killed is sent again, once."""
    seen: list[Seen] = []
    place = 0
    while not over.is_set():
        place += 1
        headers = {"authorization": f"Bearer {key}", "idempotency-key": f"{id(seen)}-{place}"}
        body = {"enterprises": [ids[place % len(ids)]]}
        begun = time.time()
        try:
            answer = httpx.post(address + FIRMS, json=body, headers=headers, timeout=180)
        except httpx.TransportError:
            answer = httpx.post(address + FIRMS, json=body, headers=headers, timeout=180)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        seen.append(
            Seen(begun, time.time(), said["generation"], said["model_digest"], said["record_id"])
        )
    return seen


def workers_of(server: subprocess.Popen[bytes]) -> list[int]:
    """Return the process ids of the workers that a server started, and that serve requests."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(server.pid)], capture_output=True, check=True
    )
    lines = listed.stdout.decode().splitlines()
    return [int(line.split()[0]) for line in lines if "worker" in line]


@dataclass(frozen=True)
class Changed:
    """A generation that was published: when, its name, and the digest of its model."""

    at: float
    name: str
    digest: str


def changed(bundles: Path) -> Changed:
    """Return what is in use now."""
    generation = read_generation(bundles, KEY.source)
    assert generation is not None
    return Changed(time.time(), generation.name, generation.models[KEY.target].digest)


def changes_made(home: Path, city: Path, server: subprocess.Popen[bytes]) -> list[Changed]:
    """Promote in turn two models, publish a day among them, kill a worker twice, and return what was published when."""
    bundles = home / "bundles"
    models = cycle([other_model(bundles), pointer_of(bundles, KEY)])
    changes = [changed(bundles)]
    for number in range(CHANGES):
        if number == CHANGES // 2:
            batch_of(home, city)
        else:
            promote_model(bundles, KEY, next(models))
        changes.append(changed(bundles))
        if number in (2, 6):
            os.kill(workers_of(server)[0], signal.SIGKILL)
        # some follow each other more quickly than a change takes
        time.sleep(1 if number % 3 == 0 else LATEST + 1)
    time.sleep(LATEST)
    return changes


def highest(home: Path) -> list[str]:
    """Return the enterprises with the highest scores."""
    [path] = files_in(home / "ranks", "undeclared_workers-*.npz")
    with path.open("rb") as file, np.load(file) as ranks:
        return [str(unit) for unit in ranks["keys"][np.argsort(-ranks["raw"])[:20]]]


@pytest.mark.slow
def test_promotions_and_a_day_reach_all_workers_and_lose_no_request(
    trained_home: Path, city_2000: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(trained_home, tmp_path / "home"))
    key = add(home / "keys.json", "system", role="system", today=date(2015, 7, 1))
    over = threading.Event()
    with serving(home, city_2000, tmp_path / "log", "--workers", "2") as (address, server):
        asked = (address, key, highest(home), over)
        with ThreadPoolExecutor(CLIENTS) as pool:
            runs = [pool.submit(asked_again_and_again, *asked) for _ in range(CLIENTS)]
            try:
                changes = changes_made(home, city_2000, server)
            finally:
                over.set()
            seen = [one for run in runs for one in run.result()]
    check_none_mixed(seen, changes)
    for one in seen[:: max(1, len(seen) // 50)]:
        record = record_of(find(home / "ledger.db", one.record).payload or b"")
        assert (record.generation, record.bundle) == (one.generation, one.digest)
    assert verify(home / "ledger.db", 20_000).whole


def check_none_mixed(seen: list[Seen], changes: list[Changed]) -> None:
    """Check that each answer is of one generation, and that none is of a former one LATEST after its end."""
    digest_of = {change.name: change.digest for change in changes}
    later = [change.at for change in changes[1:]]
    ends = dict(zip([change.name for change in changes], [*later, float("inf")], strict=True))
    assert len(digest_of) == CHANGES + 1
    for one in seen:
        assert one.digest == digest_of[one.generation]
        assert one.begun < ends[one.generation] + LATEST
    assert len({one.generation for one in seen}) >= CHANGES // 2
    # a quiet machine answers some thousands
    assert len(seen) > 40


def batch_of(home: Path, city: Path) -> None:
    """Score the day of the city, as a command beside the service."""
    words = [sys.executable, "-m", "lssi", "batch", KEY.target, str(city), "--json"]
    room: dict[str, Any] = os.environ | {"LSSI_HOME": str(home)}
    done = subprocess.run(
        words, env=room, cwd=Path(__file__).parents[1], capture_output=True, check=True
    )
    assert json.loads(done.stdout)["day"]["digest"]
