"""The bento: it holds what a service needs and nothing else, and serves where training/ and simulation/ cannot be imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.ingest.scan import files_below, files_in
from serving.api.metrics import MEANINGS
from serving.gate.access import RequestLimits
from serving.gate.keys import add
from serving.gate.routes import ROUTES
from tests.api_client import CheckedClient
from tests.conftest import program
from tests.test_api_service import free_port, wait_for

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
WALL = '''
import sys
from importlib.machinery import PathFinder

ABSENT = {"training", "simulation", "mlflow", "optuna", "shap", "tests"}
OURS = {"features", "models", "serving", "lssi"}


class Wall:
    """What lies outside the bento cannot be imported, as on a machine that has the bento alone."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(name)
        if name in OURS:
            spec = PathFinder.find_spec(name, path)
            if spec is None or not spec.origin.startswith(BENTO):
                raise ModuleNotFoundError(name)
        return None


sys.meta_path.insert(0, Wall())
'''


def bentofile() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "bentofile.yaml").read_text("utf-8"))
    return read


def test_the_bento_takes_the_rooms_of_a_service_and_no_other() -> None:
    folders = {pattern.partition("/")[0] for pattern in bentofile()["include"] if "/" in pattern}
    assert folders == {"features", "models", "serving", "lssi", "sources"}
    assert bentofile()["service"] == "serving.api.service:Lssi"


def test_settings_that_are_missing_are_one_line() -> None:
    code = "from serving.api.service import Lssi; Lssi.to_asgi()"
    room = {name: value for name, value in os.environ.items() if name != "LSSI_SOURCE"}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=room, cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("error: request_invalid: LSSI_SOURCE is not")
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_the_bento_is_built_and_serves_without_training(
    trained_home: Path, city_2000: Path, tmp_path: Path
) -> None:
    room = os.environ | {"BENTOML_HOME": str(tmp_path / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    build = ["-m", "bentoml", "build", "-f", str(DEPLOY / "bentofile.yaml"), "--output", "tag", "."]
    built = subprocess.run(
        [sys.executable, *build], env=room, cwd=ROOT, capture_output=True, text=True, timeout=500
    )
    assert built.returncode == 0, built.stderr
    tag = built.stdout.strip().removeprefix("__tag__:")
    bento = tmp_path / "bentoml" / "bentos" / tag.replace(":", "/")
    rooms = {path.name for path in (bento / "src").iterdir() if path.is_dir()}
    assert rooms == {"features", "models", "serving", "lssi", "sources"}
    assert not [path for path in files_below(bento / "src", "*.py") if "tests" in path.parts[-3:]]
    home = Path(shutil.copytree(trained_home, tmp_path / "home"))
    key = add(home / "keys.json", "system", role="system", today=date(2015, 7, 1))
    wall = tmp_path / "wall"
    wall.mkdir()
    (wall / "sitecustomize.py").write_text(f"BENTO = {str(bento)!r}\n{WALL}")
    port = free_port()
    served_room = room | {
        "PYTHONPATH": str(wall),
        "LSSI_HOME": str(home),
        "LSSI_SOURCE": str(city_2000),
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "bentoml", "serve", tag, "--port", str(port)],
            env=served_room,
            cwd=tmp_path,
            stdout=out,
            stderr=out,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/readyz", process, log)
        client = CheckedClient(address, key)
        [first] = client.list_ranks(limit=1)["units"]
        [unit] = client.score_enterprises(enterprises=[first["id"]])["units"]
        assert unit["rank"] == 1 and unit["reasons"]
    finally:
        process.terminate()
        process.wait(90)


def test_files_of_a_deployment_can_be_read_and_agree() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    service = compose["services"]["lssi"]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    [job] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    [[target]] = [one["targets"] for one in job["static_configs"]]
    container = (DEPLOY / "Containerfile").read_text("utf-8")
    assert target == "lssi:3000" and "EXPOSE 3000" in container and "USER 10001" in container
    assert any(job["metrics_path"] == route.path for route in ROUTES)
    volumes = compose["services"]["prometheus"]["volumes"]
    for file in ("prometheus.yml", "alerts.yml", job["authorization"]["credentials_file"]):
        assert f"./{file}:/etc/prometheus/{file}:ro" in volumes
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((DEPLOY / "lssi.service").read_text("utf-8"))
    assert unit["Service"]["NoNewPrivileges"] == unit["Service"]["ProtectHome"] == "yes"
    # both stop no sooner than the longest answer
    longest = RequestLimits().answer_seconds
    assert float(unit["Service"]["TimeoutStopSec"]) > longest
    assert float(service["stop_grace_period"].rstrip("s")) > longest
    guide = (DEPLOY / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in guide for name in MEANINGS)
    assert all(f"]({path.name})" in guide for path in files_in(DEPLOY, "*") if path.suffix != ".md")


def test_the_unit_is_one_that_systemd_takes() -> None:
    verifier = program("systemd-analyze")
    said = subprocess.run(
        [verifier, "verify", str(DEPLOY / "lssi.service")], capture_output=True, text=True
    )
    wrong = [line for line in said.stderr.splitlines() if "lssi.service" in line]
    # the one thing that a machine without an installation lacks
    assert all("/opt/lssi/bin/python is not executable" in line for line in wrong), wrong
