"""A record gives back exactly what was put in, bit for bit, and only one text can say it."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.errors import LedgerError
from features.matrix import Matrix
from models.bundle.interval import Interval
from serving.ledger.float_bits import bits_of, float_bits, float_of, floats_of_bits
from serving.ledger.record import (
    Case,
    Record,
    Rows,
    entry_of,
    payload_of,
    record_matrix,
    record_of,
    vector_of,
)

NAMES = ("declared_staff_12m", "attr_sector", "complaints_all", "attr_kind")
STRANGE = np.array(
    [
        struct.unpack(">d", bytes.fromhex(bits))[0]
        for bits in ("7ff8000000000001", "8000000000000000")
    ]
)


def matrix() -> Matrix:
    values = np.array([[0.1, 1.0, np.nan, np.nan], [2.0**-1074, 0.0, -0.0, 1.0]])
    categories = {"attr_sector": ("建筑业", "餐饮业"), "attr_kind": ("company", "household")}
    return Matrix(
        "enterprise",
        np.array(["e-1", "e-2"]),
        np.array([16_616] * 2, np.int32),
        NAMES,
        values,
        categories,
    )


def record(**changed: object) -> Record:
    values, texts = vector_of(matrix(), 0, NAMES)
    case = Case(
        key="e-1",
        as_of=16_616,
        values=values,
        texts=texts,
        raw=-1.25,
        probability=0.1 + 0.2,
        expected=None,
        contributions=np.array([0.5, -0.25, np.nan, -0.0]),
        facts={
            "declared_staff_12m": [{"measure": "declared", "value": 167, "row_ids": ["r1", "r2"]}]
        },
        reasons=[
            {"feature": "declared_staff_12m", "zh": "申报人数为 167 人", "en": "167 declared"}
        ],
        rank=3,
        of=2_000,
    )
    whole = Record(
        kind="score",
        at="2015-07-01T08:00:00+08:00",
        caller="idhrss",
        request="cd" * 32,
        store="city-0123456789ab",
        target="undeclared_workers",
        entity="enterprise",
        as_of=16_616,
        complete_to=16_616,
        bundle="ab" * 32,
        explainer="lightgbm 4.7.0",
        base=-2.5,
        features=NAMES,
        categories=("attr_sector", "attr_kind"),
        cases=(case,),
        answer={"score": 0.1 + 0.2, "zh": "优先"},
    )
    return replace(whole, **changed)  # type: ignore[arg-type]


@given(arrays(np.uint64, st.integers(0, 5)))
def test_every_float64_keeps_its_bits(words: np.ndarray) -> None:
    values = words.view(np.float64)
    assert floats_of_bits(bits_of(values)).tobytes() == values.tobytes()


def test_strange_floats_keep_their_bits() -> None:
    assert bits_of(STRANGE) == "7ff80000000000018000000000000000"
    assert float_bits(float_of("7ff8000000000001")) == "7ff8000000000001"
    with pytest.raises(ValueError, match="unpack"):
        float_of("7ff80000000000018000000000000000")


def test_a_record_comes_back_as_it_was() -> None:
    payload = payload_of(record())
    again = record_of(payload)
    assert payload_of(again) == payload
    assert again.case("e-1").values.tobytes() == record().cases[0].values.tobytes()
    assert again.case("e-1").contributions.tobytes() == record().cases[0].contributions.tobytes()
    assert (again.case("e-1").probability, again.case("e-1").expected) == (0.1 + 0.2, None)
    assert again.answer == {"score": 0.1 + 0.2, "zh": "优先"}


def test_an_interval_comes_back_to_the_bit_and_an_earlier_record_has_none() -> None:
    interval = Interval(0.0, float("inf"), 0.9)
    case = replace(record().cases[0], interval=interval, expected_words={"zh": "约", "en": "about"})
    payload = payload_of(record(cases=(case,)))
    again = record_of(payload).cases[0]
    assert again.interval == interval and again.expected_words == {"zh": "约", "en": "about"}
    plain = json.loads(payload)
    for name in ("interval", "expected_words"):
        del plain["cases"][0][name]
    earlier = record_of(json.dumps(plain).encode()).cases[0]
    assert earlier.interval is None and earlier.expected_words is None


def test_a_batch_and_a_plan_come_back_as_they_were() -> None:
    batch = record(kind="batch", cases=(), rows=Rows("aa" * 32, 433_193, "bb" * 32))
    assert record_of(payload_of(batch)).rows == Rows("aa" * 32, 433_193, "bb" * 32)
    plan = record(kind="plan", cases=(), inputs={"draw": 7, "capacity": {"cell-1": 480}})
    assert record_of(payload_of(plan)).inputs == {"draw": 7, "capacity": {"cell-1": 480}}


@pytest.mark.parametrize("row", [0, 1])
def test_the_rebuilt_matrix_says_the_same_of_the_case(row: int) -> None:
    original = matrix().row(row)
    values, texts = vector_of(matrix(), row, NAMES)
    case = replace(record().cases[0], key=str(original.keys[0]), values=values, texts=texts)
    rebuilt = record_matrix(record(), record_of(payload_of(record(cases=(case,)))).cases[0])
    assert (
        rebuilt.keys.tolist() == original.keys.tolist()
        and rebuilt.as_of.tolist() == original.as_of.tolist()
    )
    for name in NAMES:
        if name in original.categories:
            assert rebuilt.texts(name) == original.texts(name)
        else:
            assert rebuilt.column(name).tobytes() == original.column(name).tobytes()


def test_the_order_of_the_record_is_the_order_asked_for() -> None:
    values, texts = vector_of(matrix(), 1, NAMES[::-1])
    assert bits_of(values) == bits_of(np.array([0.0, -0.0, 0.0, 2.0**-1074]))
    assert texts == {"attr_kind": "household", "attr_sector": "建筑业"}


def test_the_entry_names_no_unit() -> None:
    entry = entry_of(record(), keep_until=17_000, retry_key="k")
    assert (entry.kind, entry.as_of, entry.keep_until, entry.bundle) == (
        "score",
        16_616,
        17_000,
        "ab" * 32,
    )
    assert record_of(entry.payload).cases[0].key == "e-1"


def test_a_case_that_the_record_does_not_hold_is_refused_without_repeating_it() -> None:
    with pytest.raises(
        LedgerError, match="holds no enterprise of that number; it holds 1"
    ) as refused:
        record().case("3702-secret")
    assert "3702" not in str(refused.value)


def test_a_payload_of_another_version_or_kind_is_refused() -> None:
    other = json.loads(payload_of(record()))
    with pytest.raises(LedgerError, match="another version"):
        record_of(json.dumps({**other, "version": 2}).encode())
    for damaged in (b"", b"[]", b"{}", b"\xff", json.dumps({**other, "cases": [{}]}).encode()):
        with pytest.raises(LedgerError, match="cannot be read as a record"):
            record_of(damaged)


def test_nothing_that_json_cannot_say_enters_an_answer() -> None:
    with pytest.raises(ValueError, match="JSON"):
        payload_of(record(answer={"score": float("nan")}))
