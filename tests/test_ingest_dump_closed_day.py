"""The closed day of a dump that names none: most tables tell it, a straggler does not move it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from features.check.load_report import check_lines, summary_of
from features.errors import SourceError
from features.ingest.dump.closed_day import Ending, closed_day, ending, ending_notes
from features.ingest.source import find_source
from features.store.opening import open_store
from tests.test_sources_core_platform import AB01, CONTRIBUTION, SOURCE

LAST = date(2015, 6, 30)


def counted(*, every: int, of: int = 50, last: date = LAST, for_days: int = 700) -> Counter[date]:
    """Return `of` rows on every so many days up to the last."""
    return Counter({last - timedelta(days=back): of for back in range(0, for_days, every)})


@pytest.mark.parametrize("later", [20, 60, 210, 900])
@pytest.mark.parametrize("every", [1, 5])
def test_a_late_payment_is_no_ordinary_row(every: int, later: int) -> None:
    rows = counted(every=every) + Counter(
        {LAST + timedelta(days=later): 1, LAST + timedelta(days=later + 9): 1}
    )
    assert ending("AC43.AAB191", rows).ordinary == LAST


@pytest.mark.parametrize(
    "rows",
    [
        counted(every=30, of=1),
        counted(every=1, of=1),
        counted(every=1) - Counter({LAST - timedelta(days=back): 50 for back in range(5, 14)}),
        Counter({LAST: 1}),
    ],
)
def test_a_quiet_table_ends_with_its_last_row(rows: Counter[date]) -> None:
    assert ending("TSJB.AAE036", rows).ordinary == LAST


def ends(*days: date) -> list[Ending]:
    return [Ending(f"T{number}", day, (day,)) for number, day in enumerate(days)]


@pytest.mark.parametrize("later", [20, 60, 210, 900])
def test_the_closed_day_is_where_most_tables_end(later: int) -> None:
    most = [LAST, LAST, date(2015, 6, 29), date(2015, 6, 26), date(2015, 6, 15), date(2010, 1, 10)]
    assert closed_day(ends(*most, LAST + timedelta(days=later))) == LAST
    assert closed_day(ends(*reversed(most))) == LAST


def test_without_a_day_nothing_is_closed() -> None:
    with pytest.raises(SourceError, match=r"write complete_to = 2015-06-30 into its dump.toml"):
        closed_day([])


def test_a_check_says_which_tables_end_when_and_what_to_state() -> None:
    found = [
        *ends(LAST, date(2015, 6, 29), date(2010, 1, 10)),
        Ending("AC43.AAB191", LAST, (LAST, date(2016, 1, 20))),
    ]
    assert ending_notes(found, LAST) == [
        (
            "complete_to = 2015-06-30 is not declared but the day by which most tables end (T0 2015-06-30, T1 2015-06-29, "
            "AC43.AAB191 2015-06-30); write complete_to = 2015-06-30, or the last closed day if it is another, into dump.toml"
        ),
        "tables that end earlier: T2 2010-01-10",
        (
            "rows recorded after 2015-06-30 are refused as later than the closed day: AC43.AAB191 up to 2016-01-20; "
            "write a later complete_to to read them"
        ),
    ]


def test_one_late_payment_does_not_move_the_closed_day_of_a_dump(tmp_path: Path) -> None:
    months = [f"{year}{month:02d}" for year in (2013, 2014) for month in range(1, 13)]
    paid = [
        f"{number},W1,E1,110,{month},{month},10,3000,600,240,600,240,1,{month}20,{month}15"
        for number, month in enumerate(months)
    ]
    filed = [f"E1,{month},3,9000,{month}18" for month in months]
    late = "99,W2,E1,110,201412,201412,10,3000,600,240,600,240,1,20150720,20141215"
    for name, lines in {
        "AB01": AB01.splitlines(),
        "AC43": [CONTRIBUTION, *paid, late],
        "TAX_PAYROLL": ["AAB001,AAE003,RS,GZ,AAE036", *filed],
    }.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    source = find_source(SOURCE, tmp_path)
    assert source.declaration.complete_to == date(2014, 12, 20)
    summary = summary_of(open_store(SOURCE, tmp_path))
    assert summary["tables"]["contributions"]["refused"] == 1
    assert any("AC43.AAB191 up to 2015-07-20" in line for line in check_lines(summary))
