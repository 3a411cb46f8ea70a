"""Whatever is damaged of store, ranks or scored day, an answer is the one of before, or one line says what is wrong."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.errors import HistoryError, LssiError
from features.files import remove
from features.ingest.scan import files_below
from features.seal import BLOCK, Seal, check_whole, seal_file
from features.store.store import Store
from models.bundle.bundle import Bundle
from serving.day.scored_day import PublishedDay, ScoredDay
from serving.errors import DayUnusable
from serving.ledger.entries import canonical
from serving.ledger.float_bits import bits_of
from serving.ledger.record import Case
from serving.scoring.from_day import rows_with_reasons
from serving.scoring.ranks import ranks_of, stored_ranks
from serving.scoring.score_day import roll
from serving.scoring.scorer import Scorer
from tests.recorded import Home, home_of
from tests.sample import full
from tests.test_scoring_score_day import MOMENT

RANKS = Path("ranks", "day.npz")
KINDS = ("a bit", "some bytes", "shorter", "longer", "empty", "gone", "swapped")
DAMAGES = [28, full(1_000)]
"""Damages in one run, each drawn from the seed of their number."""


@dataclass(frozen=True)
class Laid:
    """A home whose store, ranks and day are read: its folder, the name of its store and of its day, the model."""

    home: Path
    store: str
    day: str
    digest: str
    bundle: Bundle

    def answered(self, home: Path) -> bytes:
        """Return what is answered from a copy of the home: three units from their rows, and the same from the day."""
        store = Store(home / "stores" / self.store)
        target = self.bundle.target
        engine = engine_of(store)
        make = lambda: ranks_of(self.bundle, matrix(engine, "enterprise", store.complete_to))  # noqa: E731
        ranks = stored_ranks(home / RANKS, make)
        scorer = Scorer(engine, {target: self.bundle}, {target: ranks})
        highest = np.argsort(-ranks.raw, kind="stable")[:3]
        keys = [str(ranks.keys[place]) for place in highest]
        computed = {case.key: case for case in scorer.by_id(target, "enterprise", keys).cases}
        try:
            day = PublishedDay(ScoredDay(home / "days" / self.day, self.digest), "none")
            rows = rows_with_reasons(day, keys)
        except DayUnusable:
            rows = {}
        from_day = computed | {key: row.case for key, row in rows.items()}
        return b"".join(said(cases[key]) for cases in (computed, from_day) for key in keys)


def said(case: Case) -> bytes:
    """Return all that a case says, floats by their bits."""
    words = {"facts": case.facts, "reasons": list(case.reasons), "words": case.expected_words}
    numbers = np.array([case.raw, case.probability, case.rank, case.of])
    bits = [bits_of(numbers), bits_of(case.values), bits_of(case.contributions)]
    return canonical({"key": case.key, "texts": case.texts, "bits": bits, **words})


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    """A home with a store whose column files were all laid out, ranks, and a scored day."""
    home: Home = home_of(tmp_path_factory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home.path))
        told = roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)
        whole = Laid(
            home=home.path,
            store=home.store.folder.name,
            day=told["day"]["folder"],
            digest=told["day"]["digest"],
            bundle=home.bundle,
        )
        whole.answered(home.path)
    return whole


def damaged(path: Path, kind: str, draw: random.Random, others: list[Path]) -> None:
    """Damage a file in one way."""
    content = bytearray(path.read_bytes())
    place = draw.randrange(max(1, len(content)))
    if kind == "a bit" and content:
        content[place] ^= 1 << draw.randrange(8)
    elif kind == "some bytes":
        content[place : place + 16] = draw.randbytes(len(content[place : place + 16]))
    elif kind == "shorter":
        del content[place:]
    elif kind == "longer":
        content += draw.randbytes(8)
    elif kind == "empty":
        content.clear()
    elif kind == "gone":
        path.unlink()
        return
    else:
        content = bytearray(draw.choice(others).read_bytes())
    path.write_bytes(content)


def outcome_of(laid: Laid, home: Path) -> bytes:
    """Return what is answered from a home, or the code of the one line that refuses it."""
    try:
        return laid.answered(home)
    except LssiError as error:
        return error.code.encode() + b"\n" * str(error).count("\n")


def outcomes(laid: Laid, place: Path, number: int, seed: int) -> Counter[str]:
    """Damage copies of a home in so many ways, and count what came of it; a silent difference fails."""
    draw = random.Random(seed)
    before = laid.answered(laid.home)
    counted: Counter[str] = Counter()
    parts = ("stores", "ranks", "days")
    for turn in range(number):
        # each copy has paths of its own, so that nothing read before stands for it in this process
        home = place / str(turn)
        for part in parts:
            shutil.copytree(laid.home / part, home / part)
        of_part = files_below(home / parts[0 if turn % 4 < 2 else turn % 4 - 1])
        path = draw.choice(of_part)
        kind = KINDS[turn % len(KINDS)]
        damaged(path, kind, draw, of_part)
        outcome = outcome_of(laid, home)
        assert outcome in (before, b"history_unusable"), (kind, path, outcome)
        counted["answered as before" if outcome == before else "told"] += 1
        remove(home)
    return counted


@pytest.mark.parametrize("damages", DAMAGES)
def test_damage_never_changes_an_answer_in_silence(
    laid: Laid, tmp_path: Path, damages: int
) -> None:
    counted = outcomes(laid, tmp_path, damages, seed=damages)
    assert counted["told"] > damages // 8 and counted.total() == damages


def test_a_flipped_column_is_told_and_never_scored(laid: Laid, tmp_path: Path) -> None:
    shutil.copytree(laid.home, tmp_path / "home")
    for path in files_below(tmp_path / "home" / "stores", "*.column"):
        content = bytearray(path.read_bytes())
        path.write_bytes(bytes(byte ^ 1 for byte in content))
    with pytest.raises(HistoryError, match="is not what was written there; restore"):
        laid.answered(tmp_path / "home")


@pytest.mark.parametrize("pattern", ["*.column", "*.starts"])
@pytest.mark.parametrize("cut", [1, 3])
def test_a_file_that_was_cut_within_a_value_is_told(
    laid: Laid, tmp_path: Path, pattern: str, cut: int
) -> None:
    shutil.copytree(laid.home, tmp_path / "home")
    for path in files_below(tmp_path / "home" / "stores", pattern):
        size = path.stat().st_size
        if size:
            os.truncate(path, max(0, size - cut))
    with pytest.raises(HistoryError, match="is not what was written there; restore"):
        laid.answered(tmp_path / "home")


def test_a_file_of_an_earlier_version_is_sealed_as_it_is_first_opened(
    laid: Laid, tmp_path: Path
) -> None:
    shutil.copytree(laid.home, tmp_path / "home")
    for seal in files_below(tmp_path / "home" / "stores", "*.seal"):
        seal.unlink()
    folder = tmp_path / "home" / "stores" / laid.store
    summary = json.loads((folder / "store.json").read_text("utf-8"))
    del summary["sha256"], summary["files"]
    (folder / "store.json").write_text(json.dumps(summary), "utf-8")
    assert laid.answered(tmp_path / "home") == laid.answered(laid.home)
    assert (
        files_below(folder, "*.column.seal") and '"sha256"' in (folder / "store.json").read_text()
    )


def test_each_block_is_compared_when_it_is_first_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(3 * BLOCK + 5))
    seal_file(path)
    seal = Seal(path)
    seal.check(0, BLOCK)
    content = bytearray(path.read_bytes())
    content[2 * BLOCK] = 1
    path.write_bytes(content)
    seal.check(0, 2 * BLOCK)
    for start, stop in ((2 * BLOCK, 2 * BLOCK + 1), (0, len(content))):
        with pytest.raises(HistoryError, match="is not what was written there"):
            seal.check(start, stop)
    with pytest.raises(HistoryError):
        check_whole(path)
    content[2 * BLOCK] = 0
    path.write_bytes(content)
    check_whole(path)
