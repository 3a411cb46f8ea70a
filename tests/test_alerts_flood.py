"""Alerts are delivered once in effect, to the right team, whoever is killed and whoever forgets its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alert_flood import FloodCounts, flooded
from tests.sample import full


def check(counts: FloodCounts, *, firms: int, kills: int) -> None:
    """Check that each firm's alert is in the ledger and the journal once, and reached its team and no other."""
    print(counts)  # noqa: T201 - the counts are what is asked for
    assert counts.kills == kills and counts.repeated > 0 and counts.ledger_whole
    assert counts.in_ledger == counts.in_journal == counts.delivered == firms
    assert counts.lost == counts.doubled == counts.to_a_wrong_team == 0


@pytest.mark.parametrize(("firms", "kills"), [(1_500, 2), full((100_000, 20))])
def test_each_alert_of_a_flood_arrives_once_through_kills_and_readers_that_flap(
    tmp_path: Path, firms: int, kills: int
) -> None:
    check(flooded(tmp_path, firms, kills), firms=firms, kills=kills)
