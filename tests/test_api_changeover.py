"""All workers change to a new generation at the same moment, whole, and none answers with the former after it."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from features.errors import BundleError
from serving.api import changeover
from serving.api.changeover import Changeover

SETTLES = 0.8
"""Seconds that a change takes in these tests; a busy machine may let a step wait for tenths of one."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changeover, "SETTLES", SETTLES)
    monkeypatch.setattr(changeover, "AGAIN", 0.1)


def published(path: Path, content: str) -> None:
    """Replace the file that says what is in use, as a publisher does."""
    draft = path.with_suffix(".draft")
    draft.write_text(content, "utf-8")
    draft.replace(path)


def test_two_workers_change_together_and_never_back(tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    published(path, "1")
    workers = [Changeover(path, lambda: path.read_text("utf-8")) for _ in range(2)]

    async def told(seconds: float) -> list[tuple[float, str, str]]:
        answers, until = [], time.time() + seconds
        while (moment := time.time()) < until:
            first, second = [await worker.now() for worker in workers]
            answers.append((moment, first, second))
            await asyncio.sleep(0.01)
        return answers

    async def walk() -> list[tuple[float, str, str]]:
        before = await told(0.1)
        published(path, "2")
        return before + await told(2 * SETTLES)

    answers = asyncio.run(walk())
    changed = path.stat().st_mtime
    for moment, first, second in answers:
        if moment < changed:
            assert (first, second) == ("1", "1")
        if moment > changed + SETTLES:
            assert (first, second) == ("2", "2")
    for each in (1, 2):
        order = [answer[each] for answer in answers]
        assert order == sorted(order)
    # one is asked after the other, so that the moment of the change lies between the two at most once
    assert sum(first != second for _, first, second in answers) <= 1


def test_a_request_after_the_moment_waits_for_what_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    published(path, "1")

    def slow() -> str:
        content = path.read_text("utf-8")
        time.sleep(0 if content == "1" else 3 * SETTLES)
        return content

    worker = Changeover(path, slow)

    async def walk() -> tuple[str, str]:
        published(path, "2")
        during = await worker.now()
        await asyncio.sleep(1.5 * SETTLES)
        return during, await worker.now()

    assert asyncio.run(walk()) == ("1", "2")


def test_changes_in_quick_succession_starve_nobody(tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    published(path, "0")
    worker = Changeover(path, lambda: path.read_text("utf-8"))

    async def walk() -> list[int]:
        answers = []
        for number in range(1, 9):
            published(path, str(number))
            answers.append(int(await worker.now()))
            await asyncio.sleep(0.6 * SETTLES)
        await asyncio.sleep(SETTLES)
        return [*answers, int(await worker.now())]

    answers = asyncio.run(walk())
    assert answers[-1] == 8 and answers == sorted(answers)
    assert max(late - told for late, told in enumerate(answers[:-1], 1)) <= 4


def test_what_cannot_be_opened_is_refused_until_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    published(path, "1")

    def opened() -> str:
        content = path.read_text("utf-8")
        if content == "damaged":
            raise BundleError("the bundle is damaged; restore it")
        return content

    worker = Changeover(path, opened)

    async def walk() -> str:
        published(path, "damaged")
        assert await worker.now() == "1"
        await asyncio.sleep(1.2 * SETTLES)
        for _ in range(3):
            with pytest.raises(BundleError, match="restore it"):
                await worker.now()
            await asyncio.sleep(0.15)
        published(path, "3")
        await asyncio.sleep(2.5 * SETTLES)
        return await worker.now()

    assert asyncio.run(walk()) == "3"


def test_a_worker_that_begins_amid_a_change_waits_for_the_others(tmp_path: Path) -> None:
    path = tmp_path / "city.json"
    published(path, "1")
    Changeover(path, lambda: "1")
    began = path.stat().st_mtime
    assert time.time() >= began + SETTLES
    # a clock that was set back must not hold a worker for long
    os.utime(path, (time.time() + 3_600, time.time() + 3_600))
    start = time.monotonic()
    Changeover(path, lambda: "1")
    assert time.monotonic() - start < 2 * SETTLES + 1
