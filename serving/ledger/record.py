"""What one record holds: everything that its score, contributions and reasons can be rebuilt from, to the bit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import LedgerError
from features.matrix import Matrix
from models.bundle.interval import Interval
from serving.ledger.day_reference import DayName, DayReference, plain_reference, reference_of
from serving.ledger.entries import Entry, Kind, canonical
from serving.ledger.float_bits import bits_of, float_bits, float_of, floats_of_bits

Floats = NDArray[np.float64]
Plain = Mapping[str, Any]

VERSION = 1
"""The form of records: a record of another number is refused, not misread."""
_APART = {"base", "cases", "rows", "generation", "reference"}
"""The fields of a record that its payload writes in a form of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One scored unit. `values` float64 (F,) in the record's feature order; a category's value is in `texts` instead.

    `facts` per feature and `reasons` are plain JSON values as they were answered; `history` is the rows by table
    that a request sent, None where the store's were used; `contributions` float64 (F,). `dormant` is None where that was
    not told, `interval` and `expected_words` are None where the model or the version that recorded had none.
    """

    key: str
    as_of: int
    values: Floats
    texts: Mapping[str, str]
    raw: float
    probability: float
    expected: float | None
    contributions: Floats
    facts: Mapping[str, Sequence[Plain]]
    reasons: Sequence[Plain]
    rank: int | None = None
    of: int | None = None
    history: Mapping[str, Sequence[Plain]] | None = None
    dormant: bool | None = None
    interval: Interval | None = None
    expected_words: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch's rows, kept in a file beside: its SHA-256, the number of rows, and the Merkle root over them, in hex.

    `day` is the scored day that was written beside them; None where the version that recorded wrote none.
    """

    digest: str
    count: int
    root: str
    day: DayName | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One record: who asked what and when, of which history and model, and what was answered.

    `request` is the digest of the request, `store` the name and fingerprint of the history, `bundle` the model's
    digest, `base` the raw score with no contribution, `categories` the features whose value is text. `inputs` holds
    what a plan was made from. `answer` is the answer without the record's id. `reasons_form` is the form in which reasons
    and the words of numbers were made, 1 in a record that does not say. `generation` names what was in use.

    A record with a `reference` was answered from a scored day: the units that it names, with `features`, `categories` and
    `answer`, are in that day's files, and `serving.day.resolve` adds them.
    """

    kind: Kind
    at: str
    caller: str
    request: str
    store: str
    target: str
    entity: str
    as_of: int
    complete_to: int
    bundle: str
    explainer: str
    base: float
    features: tuple[str, ...]
    categories: tuple[str, ...]
    cases: tuple[Case, ...]
    answer: Plain
    rows: Rows | None = None
    inputs: Plain | None = None
    reasons_form: int = 1
    generation: str | None = None
    reference: DayReference | None = None

    def case(self, key: str) -> Case:
        """Return the case of one unit; LedgerError when this record has none."""
        for case in self.cases:
            if case.key == key:
                return case
        raise LedgerError(
            f"this record holds no {self.entity} of that number; it holds {len(self.cases)}"
        )


def entry_of(record: Record, keep_until: int, retry_key: str | None = None) -> Entry:
    """Return the ledger entry of a record, its payload to be kept up to and with the day `keep_until`."""
    return Entry(
        kind=record.kind,
        at=record.at,
        as_of=record.as_of,
        complete_to=record.complete_to,
        bundle=record.bundle,
        request=record.request,
        payload=payload_of(record),
        keep_until=keep_until,
        retry_key=retry_key,
    )


def payload_of(record: Record) -> bytes:
    """Return the canonical JSON of a record, every float64 that is rebuilt as the hex digits of its bits."""
    plain = {name: getattr(record, name) for name in Record.__slots__ if name not in _APART}
    if record.generation is not None:
        plain["generation"] = record.generation
    if record.reference is not None:
        plain["reference"] = plain_reference(record.reference)
    rows = None if record.rows is None else _plain_rows(record.rows)
    cases = [_plain_case(case) for case in record.cases]
    return canonical(
        {**plain, "version": VERSION, "base": float_bits(record.base), "cases": cases, "rows": rows}
    )


def _plain_rows(rows: Rows) -> dict[str, Any]:
    """Return the rows of a batch as plain values; without a scored day in the form of before."""
    plain = asdict(rows)
    if rows.day is None:
        del plain["day"]
    return plain


def _rows(plain: dict[str, Any]) -> Rows:
    """Return the rows that a record holds; one that an earlier version recorded says nothing of a day."""
    day = plain.pop("day", None)
    return Rows(**plain, day=None if day is None else DayName(**day))


def _plain_case(case: Case) -> dict[str, Any]:
    plain = {name: getattr(case, name) for name in Case.__slots__}
    for name in ("values", "contributions"):
        plain[name] = bits_of(plain[name])
    for name in ("raw", "probability", "expected"):
        plain[name] = None if plain[name] is None else float_bits(plain[name])
    plain["interval"] = case.interval and _interval_bits(case.interval)
    return plain


def _interval_bits(interval: Interval) -> dict[str, str]:
    return {name: float_bits(getattr(interval, name)) for name in Interval.__slots__}


def record_of(payload: bytes) -> Record:
    """Return the record that a payload holds; LedgerError when it is none of ours."""
    try:
        plain = json.loads(payload)
        if plain.pop("version") != VERSION:
            raise LedgerError(
                "this record was written by another version; replay it with the version that wrote it"
            )
        rows = plain.pop("rows")
        plain["base"] = float_of(plain["base"])
        plain["cases"] = tuple(_case(case) for case in plain["cases"])
        plain["features"], plain["categories"] = (
            tuple(plain["features"]),
            tuple(plain["categories"]),
        )
        reference = plain.pop("reference", None)
        plain["reference"] = None if reference is None else reference_of(reference)
        return Record(**plain, rows=None if rows is None else _rows(rows))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise LedgerError(
            f"this payload cannot be read as a record ({type(problem).__name__}); run `lssi ledger verify`"
        ) from None


def _case(plain: dict[str, Any]) -> Case:
    for name in ("values", "contributions"):
        plain[name] = floats_of_bits(plain[name])
    for name in ("raw", "probability", "expected"):
        plain[name] = None if plain[name] is None else float_of(plain[name])
    # a case that an earlier version recorded says nothing of an interval
    bits = plain.pop("interval", None)
    interval = bits and Interval(**{name: float_of(text) for name, text in bits.items()})
    return Case(**plain, interval=interval)


def vector_of(matrix: Matrix, row: int, features: Sequence[str]) -> tuple[Floats, dict[str, str]]:
    """Return one row of a matrix in the order of `features`: values float64 (F,), and the categories' texts.

    A category's place in the values is NaN where its text is missing and 0 where it has one.
    """
    places = {name: place for place, name in enumerate(matrix.names)}
    values = matrix.values[row, [places[name] for name in features]].astype(np.float64)
    texts: dict[str, str] = {}
    for place, name in enumerate(features):
        if name in matrix.categories and not np.isnan(values[place]):
            texts[name] = matrix.categories[name][int(values[place])]
            values[place] = 0.0
    return values, texts


def record_matrix(record: Record, case: Case) -> Matrix:
    """Return the matrix of one row that a case was scored from."""
    categories = {
        name: (case.texts[name],) if name in case.texts else () for name in record.categories
    }
    keys, days = np.array([case.key], dtype=np.str_), np.array([case.as_of], dtype=np.int32)
    return Matrix(
        record.entity, keys, days, record.features, case.values[np.newaxis, :], categories
    )
