"""Alerts are delivered once in effect, to the right team, whoever is killed and whoever forgets its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alert_flood import FloodCounts, flooded


def check(counts: FloodCounts, *, firms: int, kills: int) -> None:
    """Check that each firm's alert is in the ledger and the journal once, and reached its team and no other."""
    print(counts)  # noqa: T201 - the counts are what is asked for
    assert counts.kills == kills and counts.repeated > 0 and counts.ledger_whole
    assert counts.in_ledger == counts.in_journal == counts.delivered == firms
    assert counts.lost == counts.doubled == counts.to_a_wrong_team == 0


def test_a_sample_of_a_flood_of_alerts_arrives_once_through_kills(tmp_path: Path) -> None:
    check(flooded(tmp_path, 1_500, 2), firms=1_500, kills=2)


@pytest.mark.slow
def test_100_000_alerts_arrive_once_through_20_kills_and_readers_that_flap(tmp_path: Path) -> None:
    check(flooded(tmp_path, 100_000, 20), firms=100_000, kills=20)
