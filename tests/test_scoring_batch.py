"""A batch is one record: any change to its file is found, and each row proves itself without the others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.errors import LedgerError, UnknownId
from features.matrix import Matrix
from models.bundle.interval import Interval
from models.bundle.score import Scores
from serving.ledger.entries import sha256_of
from serving.ledger.float_bits import floats_of_bits
from serving.ledger.record import Record
from serving.scoring.batch import (
    OUTPUTS,
    case_of_row,
    prove_row,
    read_rows,
    row_content,
    row_holds,
    write_batch_rows,
)

N = 37


def batch() -> tuple[Matrix, Scores]:
    draw = np.random.default_rng(11)
    values = draw.normal(size=(N, 4))
    values[:, 2] = draw.integers(0, 3, N)
    values[draw.random(values.shape) < 0.2] = np.nan
    values[0, 0] = -0.0
    keys = np.array([f"e-{number}" for number in range(N)])
    names = ("staff", "gap", "sector", "kwh")
    matrix = Matrix(
        "enterprise",
        keys,
        np.full(N, 16_616, np.int32),
        names,
        values,
        {"sector": ("建筑", "餐饮", "矿")},
    )
    raw = draw.normal(size=N)
    return matrix, Scores(raw, 1 / (1 + np.exp(-raw)), raw**2)


def record(matrix: Matrix) -> Record:
    return Record(
        kind="batch",
        at="2015-07-01T08:00:00+08:00",
        caller="lssi",
        request="cd" * 32,
        store="city-0123456789ab",
        target="undeclared_workers",
        entity="enterprise",
        as_of=16_616,
        complete_to=16_616,
        bundle="ab" * 32,
        explainer="none",
        base=0.0,
        features=matrix.names,
        categories=tuple(matrix.categories),
        cases=(),
        answer={},
    )


def test_the_same_batch_has_the_same_name_and_root(tmp_path: Path) -> None:
    assert write_batch_rows(tmp_path / "a", *batch()) == write_batch_rows(tmp_path / "b", *batch())
    assert [path.suffix for path in (tmp_path / "a").iterdir()] == [".parquet"]


def test_every_row_proves_itself_and_no_other(tmp_path: Path) -> None:
    matrix, scores = batch()
    rows = write_batch_rows(tmp_path, matrix, scores)
    kept = read_rows(tmp_path, rows)
    for place in range(N):
        proof = prove_row(kept, rows, f"e-{place}")
        assert proof.place == place and proof.root == rows.root
        assert row_holds(proof, row_content(kept, place))
        assert not row_holds(proof, row_content(kept, (place + 1) % N))


def test_a_row_says_what_was_known_and_answered(tmp_path: Path) -> None:
    matrix, scores = batch()
    kept = read_rows(tmp_path, write_batch_rows(tmp_path, matrix, scores))
    said = json.loads(row_content(kept, 5))
    assert (said["key"], said["as_of"]) == ("e-5", 16_616)
    assert scores.expected is not None
    assert floats_of_bits(said["scores"]).tolist() == [
        scores.raw[5],
        scores.probability[5],
        scores.expected[5],
        pytest.approx(np.nan, nan_ok=True),
        pytest.approx(np.nan, nan_ok=True),
    ]
    assert (
        floats_of_bits(said["values"])[[0, 1, 3]].tobytes() == matrix.values[5, [0, 1, 3]].tobytes()
    )
    text = matrix.texts("sector")[5]
    assert said["texts"] == ({} if text is None else {"sector": text})


def test_a_row_becomes_the_case_that_was_scored(tmp_path: Path) -> None:
    matrix, scores = batch()
    kept = read_rows(tmp_path, write_batch_rows(tmp_path, matrix, scores))
    best = int(np.argmax(scores.raw))
    case = case_of_row(record(matrix), kept, f"e-{best}")
    assert (case.raw, case.probability, case.rank, case.of) == (
        scores.raw[best],
        scores.probability[best],
        1,
        N,
    )
    none = read_rows(tmp_path, write_batch_rows(tmp_path, matrix, replace(scores, expected=None)))
    assert case_of_row(record(matrix), none, "e-0").expected is None


def test_a_row_holds_the_interval_of_its_number_and_a_model_without_one_shows_none(
    tmp_path: Path,
) -> None:
    matrix, scores = batch()
    ends = replace(scores, lower=np.zeros(N), upper=np.full(N, np.inf), coverage=0.9)
    summary = replace(record(matrix), answer={"coverage": 0.9})
    rows = read_rows(tmp_path, write_batch_rows(tmp_path, matrix, ends))
    assert case_of_row(summary, rows, "e-3").interval == Interval(0.0, np.inf, 0.9)
    none = read_rows(tmp_path, write_batch_rows(tmp_path, matrix, scores))
    assert case_of_row(summary, none, "e-3").interval is None


def test_a_batch_of_a_version_without_intervals_proves_its_rows_as_it_did(tmp_path: Path) -> None:
    matrix, scores = batch()
    now = read_rows(tmp_path, write_batch_rows(tmp_path, matrix, scores))
    outputs = len(OUTPUTS) - 2
    names = now.names[:-2]
    earlier = replace(now, names=names, values=now.values[:, : len(names)])
    bits = json.loads(row_content(earlier, 5))
    assert len(floats_of_bits(bits["scores"])) == outputs
    assert len(floats_of_bits(bits["values"])) == len(matrix.names)
    case = case_of_row(record(matrix), earlier, "e-5")
    assert case.interval is None and case.raw == scores.raw[5]


def test_a_changed_or_lost_file_is_refused(tmp_path: Path) -> None:
    rows = write_batch_rows(tmp_path, *batch())
    path = tmp_path / f"{rows.digest}.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    with pytest.raises(LedgerError, match="were changed"):
        read_rows(tmp_path, rows)
    other = replace(rows, digest=sha256_of(b"no parquet"))
    (tmp_path / f"{other.digest}.parquet").write_bytes(b"no parquet")
    with pytest.raises(LedgerError, match="cannot be read"):
        read_rows(tmp_path, other)
    path.unlink()
    with pytest.raises(LedgerError, match="is gone"):
        read_rows(tmp_path, rows)


def test_rows_that_do_not_lead_to_the_recorded_root_are_refused(tmp_path: Path) -> None:
    rows = write_batch_rows(tmp_path, *batch())
    kept = read_rows(tmp_path, rows)
    with pytest.raises(LedgerError, match="do not match its recorded root"):
        prove_row(kept.take(list(range(N - 1, -1, -1))), rows, "e-0")
    with pytest.raises(LedgerError, match="do not match its recorded root"):
        prove_row(kept.take(list(range(N - 1))), rows, "e-0")


def test_an_unknown_unit_is_refused_without_repeating_it(tmp_path: Path) -> None:
    rows = write_batch_rows(tmp_path, *batch())
    with pytest.raises(UnknownId, match="37 rows holds no enterprise of that number") as refused:
        prove_row(read_rows(tmp_path, rows), rows, "3702-secret")
    assert "3702" not in str(refused.value)
