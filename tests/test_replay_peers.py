"""A recorded score beside its peers: the group that is declared, shares that add up, and the same bytes each time."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from features.engine.matrices import matrix as matrix_of_day
from features.errors import RequestError
from features.matrix import Matrix
from models.bundle.booster import margins
from models.explain.peer_group import UNKNOWN, peer_attributes, peer_classes, peer_group
from serving.replay.peers import peer_comparison, peers_as_json, peers_lines
from tests.recorded import LAST, Home, home_of
from training.groups.table import group_table


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which three units were scored and recorded."""
    return home_of(tmp_path_factory)


def firms(staff: list[float], sections: list[int | None]) -> Matrix:
    """Enterprises with a number of staff and the place of their sector among C and F."""
    places = [math.nan if place is None else float(place) for place in sections]
    values = np.column_stack([staff, places])
    keys = np.array([f"e{place:03}" for place in range(len(staff))])
    days = np.full(len(staff), LAST, np.int32)
    return Matrix("enterprise", keys, days, ("staff", "section"), values, {"section": ("C", "F")})


def test_peers_share_sector_and_size_and_are_never_the_unit_itself() -> None:
    living = firms([9, 5] * 20 + [10, 300], [0] * 40 + [0, 0])
    group = peer_group(living.row(0), living)
    assert group.places.tolist() == list(range(1, 40)) and not group.is_wider
    assert [(each.name, of_unit) for each, of_unit in group.shared] == [
        ("sector", "C"),
        ("size", "1-9"),
    ]


def test_few_peers_make_a_wider_group_and_the_group_says_so() -> None:
    living = firms([5] * 50, [0] * 20 + [1] * 30)
    by_size = peer_group(living.row(0), living)
    assert by_size.is_wider and len(by_size.places) == 49
    assert [each.name for each, _ in by_size.shared] == ["size"]
    alone = firms([5, 60, 400], [0, 0, 1])
    everybody = peer_group(alone.row(0), alone)
    assert everybody.is_wider and everybody.shared == () and everybody.places.tolist() == [1, 2]


def test_a_unit_without_others_has_no_peers() -> None:
    with pytest.raises(RequestError, match="no peers"):
        peer_group(firms([5], [0]), firms([5], [0]))


def test_units_of_unknown_sector_or_size_are_a_class_of_their_own() -> None:
    attributes = peer_attributes("enterprise")
    units = firms([math.nan, 0, 9, 10, 49, 50, 299, 300], [None, 0, 0, 0, 0, 0, 1, 1])
    classes = ["unknown", "1-9", "1-9", "10-49", "10-49", "50-299", "50-299", "300-"]
    assert peer_classes(units, attributes["size"]).tolist() == classes
    assert peer_classes(units, attributes["sector"]).tolist()[:2] == [UNKNOWN, "C"]
    without = units.columns(["section"])
    assert set(peer_classes(without, attributes["size"]).tolist()) == {UNKNOWN}


@pytest.mark.parametrize("entity", ["enterprise", "provider"])
def test_classes_of_size_are_the_groups_by_which_trainings_are_audited(entity: str) -> None:
    [audited] = [each for each in group_table().attribute if each.name == "size"]
    reading = audited.reading(entity)
    assert reading is not None
    size = peer_attributes(entity)["size"]
    assert ("largest", *size.features) == tuple(reading.read.split())
    assert [*size.below, None] == [group.below for group in reading.groups]
    feature = size.features[0]
    days = np.full(4, LAST, np.int32)
    staff = np.array([[0.0], [10.0], [50.0], [300.0]])
    units = Matrix(entity, np.array(list("abcd")), days, (feature,), staff, {})
    assert peer_classes(units, size).tolist() == [group.name for group in reading.groups]


def test_claims_have_no_peers() -> None:
    with pytest.raises(RequestError, match="peers are declared for enterprise, provider alone"):
        peer_attributes("claim")


def test_contributions_lead_from_the_mean_of_the_peers_to_the_recorded_score(home: Home) -> None:
    case = home.record.cases[1]
    comparison = peer_comparison(home.path, home.record_id, case.key)
    living = matrix_of_day(home.store, "enterprise", LAST)
    peers = living.take(comparison.group.places)
    scores = margins(home.bundle.any_model, home.bundle.matrix(peers))
    shown = peers_as_json(comparison)
    assert shown["mean_raw_of_peers"] == pytest.approx(scores.mean(), abs=1e-12)
    total = sum(part["contribution"] for part in shown["contributions"])
    assert shown["mean_raw_of_peers"] + total == pytest.approx(case.raw, abs=1e-9)
    assert shown["raw"] == case.raw and shown["peers"]["count"] == len(peers)
    assert shown["peers"]["with_lower_score"] == int((scores < case.raw).sum())
    assert case.key not in peers.keys.tolist()


def test_the_same_record_gives_the_same_bytes_each_time(home: Home) -> None:
    key = home.record.cases[0].key
    first, second = (
        json.dumps(peers_as_json(peer_comparison(home.path, home.record_id, key))) for _ in range(2)
    )
    assert first == second


def test_lines_say_the_group_and_each_part_in_both_languages(home: Home) -> None:
    shown = peers_as_json(peer_comparison(home.path, home.record_id, home.record.cases[0].key))
    lines = peers_lines(shown)
    assert "同组" in lines[1] and "peers" in lines[1]
    assert len(lines) == 3 + len(shown["contributions"])
    assert all("同组通常" in line and "peers usually" in line for line in lines[3:])


def test_a_record_of_several_units_wants_one_named(home: Home) -> None:
    with pytest.raises(RequestError, match="name one of them with --unit"):
        peer_comparison(home.path, home.record_id)
