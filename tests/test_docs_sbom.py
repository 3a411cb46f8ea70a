"""The bill of materials says what the lock says: every package with its digests, and the same bytes each time."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = runpy.run_path(str(ROOT / "docs" / "sbom.py"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")

WITHOUT_ITS_USER = f"a==1.0 \\\n    --hash=sha256:{'0' * 64}\n    # via b\n"


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(SCRIPT["bill_text"](LOCK, "0.1.0"))
    return content


def test_every_package_of_the_lock_stands_in_the_bill_with_its_digests(
    bill: dict[str, Any],
) -> None:
    pinned = re.findall(r"^([a-z0-9._-]+)(?:\[.*?\])?==([^ ;\\]+)", LOCK, re.MULTILINE)
    components = bill["components"]
    assert len(pinned) > 150
    assert {(one["name"], one["version"]) for one in components} == set(pinned)
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in components)
    digests = [
        file["hashes"][0]["content"] for one in components for file in one["externalReferences"]
    ]
    assert sorted(digests) == sorted(re.findall(r"sha256:([0-9a-f]{64})", LOCK))


def test_a_package_depends_on_what_the_lock_says_it_asks_for(bill: dict[str, Any]) -> None:
    needs = {one["ref"].partition("@")[0]: one["dependsOn"] for one in bill["dependencies"]}
    refs = {one["bom-ref"] for one in bill["components"]}
    assert len(bill["dependencies"]) == len(refs) + 1
    assert all(set(needed) <= refs for needed in needs.values())
    own = {ref.partition("@")[0].rpartition("/")[2] for ref in needs["pkg:pypi/lssi-risk"]}
    asked = re.findall(r"^([A-Za-z0-9._-]+)", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    assert own == {name.lower() for name in asked}
    assert any("starlette@" in ref for ref in needs["pkg:pypi/bentoml"])


def test_the_same_lock_is_the_same_bytes_and_another_is_another_bill(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "docs" / "sbom.py"), "--out"]
    for name in ("one.json", "two.json"):
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True)
    first = (tmp_path / "one.json").read_bytes()
    assert first == (tmp_path / "two.json").read_bytes()
    assert b"timestamp" not in first and b"://" not in first
    another = SCRIPT["bill_text"](LOCK + "# changed\n", "0.1.0")
    assert json.loads(another)["serialNumber"] != json.loads(first)["serialNumber"]


@pytest.mark.parametrize("lock", ["", "requests\n", "requests==1.0\n", "-e .\n", WITHOUT_ITS_USER])
def test_a_lock_that_pins_nothing_by_hash_is_refused_in_one_line(lock: str, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(lock)
    command = [sys.executable, str(ROOT / "docs" / "sbom.py"), "--lock", str(path)]
    refused = subprocess.run(
        [*command, "--out", str(tmp_path / "bill")], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    assert "make the lock" in refused.stderr and not (tmp_path / "bill").exists()
