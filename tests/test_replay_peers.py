"""A recorded score beside its peers: the group that is declared, shares that add up, and the same bytes each time."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.engine.matrices import matrix as matrix_of_day
from features.errors import RequestError
from features.matrix import Matrix
from models.bundle.booster import margins
from models.explain.peer_group import UNKNOWN, peer_attributes, peer_classes, peer_group
from serving.replay.dossier import dossier
from serving.replay.peer_comparison import PeerComparison
from serving.replay.peer_parts import smaller_parts
from serving.replay.peer_words import peers_as_json, peers_lines
from serving.replay.peers import the_comparison
from serving.replay.report_peers import LEADING, shown_peers
from serving.replay.two_places import number_in_words, rounds_to_zero, size_in_words
from tests.recorded import LAST, Home, home_of
from training.groups.table import group_table


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which three units were scored and recorded."""
    return home_of(tmp_path_factory)


def peer_comparison(home: Path, record_id: str, unit: str | None = None) -> PeerComparison:
    return the_comparison(dossier(home, record_id, unit))


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
    total += shown["smaller"]["contribution"]
    assert shown["mean_raw_of_peers"] + total == pytest.approx(case.raw, abs=1e-9)
    assert shown["raw"] == case.raw and shown["peers"]["count"] == len(peers)
    assert shown["peers"]["with_lower_score"] == int((scores < case.raw).sum())
    assert case.key not in peers.keys.tolist()
    # only the columns that class the living are read for all of them: what is read of the peers has the same bits
    assert comparison.peers.keys.tolist() == peers.keys.tolist()
    assert comparison.peers.values.tobytes() == peers.values.tobytes()
    assert comparison.peers.categories == peers.categories


def test_the_same_record_gives_the_same_bytes_each_time(home: Home) -> None:
    key = home.record.cases[0].key
    first, second = (
        json.dumps(peers_as_json(peer_comparison(home.path, home.record_id, key))) for _ in range(2)
    )
    assert first == second


def test_lines_say_the_group_and_each_part_in_both_languages(home: Home) -> None:
    shown = peers_as_json(peer_comparison(home.path, home.record_id, home.record.cases[0].key))
    lines = peers_lines(shown)
    assert lines[1] == "为何高于同类 | Why higher than its peers"
    count = shown["peers"]["count"]
    assert f"同类 {count} 个" in lines[2] and f"{count} peers" in lines[2]
    parts, last = lines[4:-1], lines[-1]
    assert len(parts) == len(shown["contributions"])
    assert all("同类通常" in line and "peers usually" in line for line in parts)
    assert f"{shown['smaller']['count']} 项" in last and "together" in last


def test_no_line_says_zero_and_what_is_left_out_is_counted_and_summed(home: Home) -> None:
    for case in home.record.cases:
        shown = peers_as_json(peer_comparison(home.path, home.record_id, case.key))
        sizes = [part["contribution"] for part in shown["contributions"]]
        assert sizes == sorted(sizes, key=abs, reverse=True)
        assert not any(rounds_to_zero(size) for size in sizes)
        smaller = shown["smaller"]
        assert smaller["count"] > 0
        assert sum(sizes) + smaller["contribution"] == pytest.approx(shown["together"], abs=1e-9)
        assert not any("+0.00" in line or "−0.00" in line for line in peers_lines(shown))


@given(st.floats(-20, 20))
def test_a_number_in_words_is_never_a_zero_with_a_sign(value: float) -> None:
    words = number_in_words(value)
    assert (words == "0.00") == rounds_to_zero(value)
    assert abs(float(words.replace("−", "-")) - value) <= 0.005 + 1e-9
    size = size_in_words(value)
    assert size in (words, f"+{words}") and (size == "0.00") == rounds_to_zero(value)


def test_one_that_is_left_out_is_not_spoken_of_as_many() -> None:
    assert smaller_parts([])["words"] == {"zh": "", "en": ""}
    one = smaller_parts([{"contribution": -0.004}])
    assert one["words"]["en"] == "1 smaller one, together 0.00"
    more = smaller_parts([{"contribution": 0.5}], one["count"], one["contribution"])
    assert more["words"] == {
        "zh": "其余较小的 2 项，合计 +0.50",
        "en": "2 smaller ones, together +0.50",
    }


def test_the_page_shows_the_numbers_of_the_command_and_sums_what_it_leaves_out(home: Home) -> None:
    key = home.record.cases[0].key
    shown = peers_as_json(peer_comparison(home.path, home.record_id, key))
    of_page = shown_peers(dossier(home.path, home.record_id, key))
    assert of_page is not None
    on_page = of_page.by_unit[key]
    assert on_page["question"] == shown["question"] and on_page["words"] == shown["words"]
    assert on_page["group"] == shown["peers"]["words"]
    texts = [(part["zh"], part["en"]) for part in shown["contributions"]]
    assert [(part["zh"], part["en"]) for part in on_page["parts"]] == texts[:LEADING]
    left_out = len(texts[LEADING:]) + shown["smaller"]["count"]
    assert on_page["smaller"]["en"].startswith(f"{left_out} smaller one")


def test_a_score_below_its_peers_is_asked_why_it_is_lower(home: Home) -> None:
    comparison = peer_comparison(home.path, home.record_id, home.record.cases[0].key)
    lowered = replace(
        comparison, case=replace(comparison.case, raw=comparison.explanation.base - 1)
    )
    shown = peers_as_json(lowered)
    assert shown["question"] == {"zh": "为何低于同类", "en": "Why lower than its peers"}
    assert "低 1.00" in shown["words"]["zh"] and "1.00 lower" in shown["words"]["en"]


def test_a_record_of_several_units_wants_one_named(home: Home) -> None:
    with pytest.raises(RequestError, match="name one of them with --unit"):
        peer_comparison(home.path, home.record_id)
