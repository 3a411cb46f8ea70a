"""Outcomes in a file: one JSON object or a list of them, or CSV with the columns of the contract's table `outcomes`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from features.errors import RequestError
from features.ingest.posted_outcomes import VIOLATIONS
from serving.requests import PostedOutcome, PostedReview

Form = TypeVar("Form", bound=BaseModel)
Sent = PostedOutcome | PostedReview
"""An outcome of a visit, or of the review of a claim."""
TEXTS = (
    *("inspection", "enterprise", "plan", "draw", "alert", "supersedes", "opened", "closed_on"),
)
NUMBERS = ("staff_on_site", "workers_total", "spent_minutes")
REVIEW_NUMBERS = ("amount", "minutes")
MOST_OUTCOMES = 10_000
"""Outcomes of one file at most; a choice: each is recorded by itself, and this many take some minutes."""


def read_outcomes(path: Path) -> list[Sent]:
    """Return the outcomes in a file, all valid; RequestError names the first that is not by its place in the file."""
    # Spreadsheets put a mark before UTF-8. A byte that is none is refused later, with the field it stands in.
    text = path.read_text("utf-8-sig", errors="replace")
    records = _of_csv(text) if path.suffix.lower() == ".csv" else _of_json(text, path.name)
    if not 0 < len(records) <= MOST_OUTCOMES:
        raise RequestError(
            f"{path.name} should hold 1 to {MOST_OUTCOMES:,} outcomes; got {len(records):,}"
        )
    return [
        filled_form(form_of(record), record, f"{path.name}, outcome {number}")
        for number, record in enumerate(records, 1)
    ]


def form_of(record: object) -> type[Sent]:
    """Return the form of a record: the outcome of a review where it names a claim, else that of a visit."""
    return PostedReview if isinstance(record, dict) and "claim" in record else PostedOutcome


def filled_form(form: type[Form], record: object, where: str) -> Form:
    """Return a form filled from JSON values; RequestError in one line that names the field and never repeats a value."""
    try:
        return form.model_validate(record)
    except ValidationError as error:
        # Without the input: a value may name a worker, and an error must not.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        problem = str(first["msg"]).removeprefix("Value error, ")
        raise RequestError(f"{where}: {field + ': ' if field else ''}{problem}") from None


def _of_json(text: str, name: str) -> list[object]:
    try:
        content = json.loads(text, object_pairs_hook=partial(_once, name))
    except (ValueError, RecursionError):
        raise RequestError(
            f"{name} should be JSON (one object, or a list of them) or end in .csv"
        ) from None
    return content if isinstance(content, list) else [content]


def _once(file: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object whose names are distinct; RequestError otherwise: which of two values is meant would be a guess."""
    record = dict(pairs)
    if len(record) < len(pairs):
        raise RequestError(f"an object of {file} has a name twice; give each name once")
    return record


def _of_csv(text: str) -> list[object]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    try:
        return [_record(row, rows.line_num) for row in rows]
    except csv.Error as problem:
        raise RequestError(f"line {rows.line_num}: this is no CSV ({problem})") from None


def _record(row: dict[str, Any], line: int) -> dict[str, Any]:
    """Return a row of CSV as the JSON object it stands for; cells that are empty are left out."""
    cells = {name: value for name, value in row.items() if value not in (None, "")}
    # as the columns say, even of a row whose own cell is empty
    if "claim" in row:
        return _review(cells, line)
    if not all(isinstance(value, str) and isinstance(name, str) for name, value in cells.items()):
        raise RequestError(f"line {line}: it has more cells than the head has columns")
    per_violation = [
        f"{name}_{violation}"
        for name, violation in product(("examined", "found", "workers", "amount"), VIOLATIONS)
    ]
    unknown = sorted(cells.keys() - {*TEXTS, *NUMBERS, *per_violation})
    if unknown:
        raise RequestError(
            f"line {line}: column {unknown[0]!r} is none of an outcome's; see docs/loop.md"
        )
    record: dict[str, Any] = {name: cells[name] for name in TEXTS if name in cells}
    record |= {name: _whole(cells[name], name, line) for name in NUMBERS if name in cells}
    record["examined"] = _flagged(cells, "examined", line)
    record["found"] = [
        _finding(cells, violation, line) for violation in _flagged(cells, "found", line)
    ]
    return record


def _review(cells: dict[str, Any], line: int) -> dict[str, Any]:
    """Return the cells of a review as the JSON object that they stand for."""
    numbers = {name: _whole(cells[name], name, line) for name in REVIEW_NUMBERS if name in cells}
    return {**cells, **numbers}


def _flagged(cells: dict[str, str], name: str, line: int) -> list[int]:
    values = {
        violation: _whole(cells.get(f"{name}_{violation}", "0"), f"{name}_{violation}", line)
        for violation in VIOLATIONS
    }
    if not set(values.values()) <= {0, 1}:
        raise RequestError(f"line {line}: {name}_1 to {name}_5 should be 0 or 1")
    return [violation for violation, value in values.items() if value]


def _finding(cells: dict[str, str], violation: int, line: int) -> dict[str, int]:
    finding = {"violation": violation}
    for name in ("workers", "amount"):
        column = f"{name}_{violation}"
        if column in cells:
            finding[name] = _whole(cells[column], column, line)
    return finding


def _whole(text: str, name: str, line: int) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise RequestError(f"line {line}: {name} should be a whole number")
    return int(text)


def distinct_subjects(outcomes: Iterable[Sent]) -> None:
    """Raise RequestError where two outcomes of one file are of one inspection or claim: which came last would be a guess."""
    seen: set[tuple[str, str]] = set()
    for outcome in outcomes:
        subject = subject_of(outcome)
        if subject in seen:
            kind, name = subject
            raise RequestError(
                f"{kind} {name!r} stands twice in the file; send a correction in a file of its own"
            )
        seen.add(subject)


def subject_of(outcome: Sent) -> tuple[str, str]:
    """Return the kind and number of what an outcome is of."""
    if isinstance(outcome, PostedReview):
        return "claim", outcome.claim
    return "inspection", outcome.inspection
