from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.bundle.bundle import Bundle, Parts
from models.bundle.score import score
from serving.scoring.ranks import Ranks, ranks_of, stored_ranks


def test_ranks_agree_with_sorting_all_scores(model_bundle: Bundle, model_parts: Parts) -> None:
    living = model_parts.probe.take(np.arange(300))
    ranks = ranks_of(model_bundle, living)
    raw = score(model_bundle, living).raw
    assert len(ranks) == 300
    for key, own in zip(living.keys.tolist(), raw.tolist(), strict=True):
        assert ranks.rank(key, own) == 1 + sum(other > own for other in raw.tolist())


def test_equal_scores_share_a_place_and_the_highest_is_first() -> None:
    ranks = Ranks(np.array(["a", "b", "c", "d"]), np.array([1.0, 3.0, 3.0, 2.0]))
    assert [
        ranks.rank(key, raw) for key, raw in (("a", 1.0), ("b", 3.0), ("c", 3.0), ("d", 2.0))
    ] == [4, 1, 1, 3]


def test_a_unit_never_stands_behind_its_own_stored_score() -> None:
    ranks = Ranks(np.array(["a", "b"]), np.array([5.0, 1.0]))
    assert ranks.rank("a", 2.0) == 1
    assert ranks.rank("z", 2.0) == 2


def test_ranks_are_made_once_and_then_read(tmp_path: Path) -> None:
    made = Ranks(np.array(["a", "企业"]), np.array([0.5, -0.0]))
    calls: list[int] = []

    def make() -> Ranks:
        calls.append(1)
        return made

    for _ in range(3):
        kept = stored_ranks(tmp_path / "ranks" / "day.npz", make)
        assert kept.keys.tolist() == ["a", "企业"]
        assert kept.raw.tobytes() == made.raw.tobytes()
    assert len(calls) == 1
    names = sorted(entry.name for entry in (tmp_path / "ranks").iterdir())
    assert names == ["day.npz", "day.npz.seal"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"no archive at all"])
def test_a_damaged_file_of_ranks_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "day.npz"
    path.write_bytes(damage)
    assert stored_ranks(path, lambda: Ranks(np.array(["a"]), np.array([1.0]))).keys.tolist() == [
        "a"
    ]
    assert stored_ranks(path, lambda: pytest.fail("was kept")).raw.tolist() == [1.0]
