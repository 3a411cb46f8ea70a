"""Every command that needs a model is stopped before and after each write, and run twice at once; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.test_stops import (
    SCENES,
    Hand,
    Shown,
    Stage,
    run_twice_at_once,
    stopped_everywhere,
    whole,
)

pytestmark = pytest.mark.slow  # test_stops tries a few commands without a model
WITH_MODEL = [scene for scene in SCENES if scene.trained]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, hand_source: Hand) -> Iterator[Stage]:
    """A stage on which a model is trained once."""
    one = Stage(tmp_path_factory.mktemp("stages") / "place", hand_source)
    yield one
    one.server.close()


@pytest.fixture(scope="module", params=WITH_MODEL, ids=lambda scene: scene.name)
def shown(request: pytest.FixtureRequest, stage: Stage) -> Shown:
    """A scene: it is stopped, and then run twice at once."""
    return Shown(request.param, stage, whole(stage, request.param))


@pytest.fixture(scope="module")
def met() -> set[str]:
    """The kinds of points at which a scene of this file was stopped."""
    return set()


def test_a_command_stopped_anywhere_loses_nothing_and_runs_again(
    shown: Shown, met: set[str], counted: dict[str, int]
) -> None:
    stopped_everywhere(shown, met, counted)


def test_two_of_a_command_at_once_leave_what_one_leaves(
    shown: Shown, counted: dict[str, int]
) -> None:
    run_twice_at_once(shown, counted)
