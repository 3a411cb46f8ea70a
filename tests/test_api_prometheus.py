"""Prometheus takes the configuration and the alert rules of a deployment, and each rule alerts in need and at no other time."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import yaml

from serving.api.metrics import MEANINGS
from tests.conftest import program

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
ALERTS = DEPLOY / "alerts.yml"
CASES = ROOT / "tests" / "fixtures" / "prometheus_alerts.yml"
OTHERS = {"up", "bentoml_service_request_total"}
"""Metrics of Prometheus and of the framework that rules rest on; `test_api_service` reads them from a service."""


def promtool(*words: str | Path, folder: Path = ROOT) -> str:
    """Return what Prometheus's own checker says; it must find nothing wrong."""
    command = [program("promtool"), *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_configuration_of_a_deployment(tmp_path: Path) -> None:
    for path in (DEPLOY / "prometheus.yml", ALERTS):
        shutil.copy(path, tmp_path)
    (tmp_path / "metrics.key").write_text("a key", "utf-8")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml", folder=tmp_path)


def test_each_rule_alerts_in_need_and_at_no_other_time() -> None:
    promtool("test", "rules", CASES)
    rules = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"][0]["rules"]
    cases = CASES.read_text("utf-8")
    for rule in rules:
        # in the rest and in the need of the cases
        assert cases.count(rule["alert"]) == 2, rule["alert"]


def test_a_rule_rests_on_metrics_that_exist_and_speaks_both_languages() -> None:
    for rule in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"][0]["rules"]:
        named = set(re.findall(r"\b(?:up|lssi_\w+|bentoml_\w+)\b(?=[{\[ ])", rule["expr"]))
        assert named and named <= OTHERS | set(MEANINGS), rule["expr"]
        notes = rule["annotations"]
        assert set(notes) == {"zh", "en"}
        assert re.search("[\u4e00-\u9fff]", notes["zh"])
        assert not re.search("[\u4e00-\u9fff]", notes["en"])
