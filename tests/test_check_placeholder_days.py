"""Days that stand for none are told by a check, with how many rows say them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.check.load_report import check, check_lines
from features.check.placeholder_days import suspect

Write = Callable[..., Path]
SECONDS = [int(datetime(2014, month, 1, tzinfo=UTC).timestamp()) for month in range(1, 13)]


def deaths(died_on: pa.Array) -> pa.Table:
    """Return a table of one death per value, all of it known on 2015-01-01."""
    size = len(died_on)
    return pa.table(
        {
            "row_id": [f"r{n}" for n in range(size)],
            "recorded_on": ["2015-01-01"] * size,
            "retracted": [0] * size,
            "worker": [f"w{n}" for n in range(size)],
            "died_on": died_on,
        }
    )


@pytest.mark.parametrize(
    ("unit", "factor", "day"),
    [
        ("ns", 1, "1970-01-01"),
        ("ns", 1_000, "1970-01-01"),
        ("ns", 1_000_000, "1970-01-17"),
        ("us", 1, "1970-01-01"),
        ("us", 1_000, "1970-01-17"),
        ("ms", 1, "1970-01-17"),
    ],
)
def test_times_whose_unit_was_taken_too_small_are_told(
    write_source: Write, unit: str, factor: int, day: str
) -> None:
    folder = write_source({"deaths": []})
    (folder / "deaths.csv").unlink(missing_ok=True)
    times = pa.array([second * factor for second in SECONDS], pa.timestamp(unit))
    pq.write_table(deaths(times), folder / "deaths.parquet", version="2.6")
    found = check(folder)
    (told,) = [one for one in found["placeholders"] if one["column"] == "died_on"]
    assert (told["table"], told["day"], told["rows"], told["of"]) == ("deaths", day, 12, 12)
    assert any(
        line.startswith(f"占位日 placeholder: deaths.died_on {day}: 12 行 rows of 12; ")
        for line in check_lines(found)
    )


def test_sound_days_are_not_told(write_source: Write) -> None:
    folder = write_source(
        {"deaths": [{"worker": f"w{n}", "died_on": f"2014-01-{n:02}"} for n in range(1, 20)]}
    )
    assert check(folder)["placeholders"] == []


@pytest.mark.parametrize(
    ("counts", "day"),
    [
        ({}, None),
        ({"2014-01-01": 3}, None),
        ({"2014-01-01": 999}, None),
        ({"2014-01-01": 1000}, "2014-01-01"),
        ({"2000-01-01": 3000, "2014-01-01": 3, "2014-01-02": 2}, "2000-01-01"),
        ({"2000-01-01": 3000, "2014-01-01": 4}, None),
        ({"2000-01-01": 3000, **{f"day {n}": 3 for n in range(1000)}}, None),
        ({"2014-01-01": 9999, "1970-01-01": 1}, "1970-01-01"),
        ({"1970": 2, "1980": 1}, "1970"),
        ({"1970": 1, "1980": 1}, None),
        ({"1970-01": 1, "2014-01": 50}, "1970-01"),
    ],
)
def test_a_day_of_january_1970_or_one_that_most_rows_share_by_a_thousand_is_told(
    counts: dict[str, int], day: str | None
) -> None:
    found = suspect(Counter(counts))
    assert (found[0] if found else None) == day
