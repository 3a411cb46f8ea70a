"""The demo that a newcomer runs first: the whole walk by its public commands."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the demo prints for a small city."""
    words = [
        sys.executable,
        "docs/demo.py",
        "--enterprises",
        "1000",
        "--folder",
        str(tmp_path_factory.mktemp("demo")),
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_demo_walks_from_a_city_to_a_replay_that_is_identical(walk: str) -> None:
    steps = ["city", "check", "features", "train", "train", "train", "lottery"]
    steps += ["novelty", "alerts", "acknowledge", "appeal"]
    steps += ["lottery", "lottery", "plan", "plan", "why", "outcome", "override"]
    steps += ["key", "serve", "replay", "report", "notice", "ledger"]
    assert re.findall(r"^\$ lssi ([a-z]+)", walk, re.MULTILINE) == steps
    assert "逐位一致 identical to the bit" in walk
    assert "committed beforehand in " in walk
    assert re.search(r"完成 done in \d+ s\s*$", walk, re.MULTILINE)


def test_the_demo_ends_with_pages_that_are_there(walk: str) -> None:
    pages = walk.split("open next:\n")[1].split()
    assert len(pages) == 3 and all(Path(page).is_file() for page in pages)


def test_the_demo_says_why_in_both_languages(walk: str) -> None:
    reasons = re.findall(r"^  [+-]\d\.\d\d (.+)\n {8}(.+)$", walk, re.MULTILINE)
    assert len(reasons) >= 3
    assert all(
        re.search(r"[\u4e00-\u9fff]", zh) and not re.search(r"[\u4e00-\u9fff]", en)
        for zh, en in reasons
    )


def test_the_demo_leaves_no_service_behind(walk: str) -> None:
    address = re.search(r"POST http://127\.0\.0\.1:(\d+)/", walk)
    assert address is not None
    with socket.socket() as door:
        assert door.connect_ex(("127.0.0.1", int(address[1]))) != 0
