"""The page for contributors names files, folders and commands that exist."""

from __future__ import annotations

import re

from tests.test_house import ROOT, commands

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ROOMS = "features|models|training|serving|simulation|sources|lssi"
LINES_OF_A_PAGE = 90


def test_every_path_that_contributors_are_sent_to_exists() -> None:
    named = re.findall(rf"`((?:{ROOMS})/[a-z_/.]*)`", PAGE) + re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(named) > 20
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_every_command_that_contributors_are_told_to_run_exists() -> None:
    named = set(re.findall(r"\blssi ([a-z]+)", PAGE))
    assert named and named <= {command.split()[0] for command in commands()}


def test_the_page_for_contributors_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= LINES_OF_A_PAGE
