"""What a check says, to a person and to a program."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from features.check.load_report import check, check_lines
from tests.said import Say

Write = Callable[..., Path]
Row = dict[str, object]


def test_a_check_names_counts_reasons_absences_and_assumptions(write_source: Write) -> None:
    rows: list[Row] = [
        {"worker": "w1", "died_on": "2014-01-01"},
        {"worker": "", "died_on": "2014-01-01"},
    ]
    found = check(write_source({"deaths": rows}, "[assumed_delays]\ndeaths = 3\n"))
    assert (found["accepted"], found["refused"]) == (1, 1)
    assert "claims" in found["absent"] and "plans" not in found["absent"]
    assert found["tables"]["deaths"]["reasons"] == [
        {"reason": "worker is missing", "rows": 1, "first": 2}
    ]
    assert (
        found["assumed_delays"] == {"deaths": 3}
        and (Path(found["refused_rows"]) / "deaths.csv").exists()
    )
    text = "\n".join(check_lines(found))
    assert "1 x worker is missing (first: row 2)" in text
    assert "deaths is taken as recorded 3 days after the event" in text


def test_a_check_counts_what_the_registers_do_not_hold(write_source: Write) -> None:
    month: Row = {"month": "2014-01", "employees": 1}
    firm: Row = {"enterprise": "e1", "since": "2012-01-01", "registered": "2012-01-01"}
    payroll = [month | {"enterprise": name} for name in ("e1", "E1", "01")] + [
        month | {"month": "2014-02", "enterprise": "E1"}
    ]
    deaths: list[Row] = [{"worker": "w1", "died_on": "2014-01-01"}]
    found = check(write_source({"enterprises": [firm], "tax_payroll": payroll, "deaths": deaths}))
    assert [tuple(one.values()) for one in found["unregistered"]] == [
        ("tax_payroll", "enterprise", "enterprises", 3, 2)
    ]
    assert (
        "未登记 unregistered: tax_payroll.enterprise 3 行 rows，2 个不在 that are not in enterprises"
        in check_lines(found)
    )


def lssi(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lssi", *map(str, words)], capture_output=True, text=True
    )


def test_the_command_prints_only_json_where_asked_and_nothing_else_in_a_pipe(
    write_source: Write, say: Say
) -> None:
    folder = write_source({"deaths": [{"worker": "w1", "died_on": "2014-01-01"}]})
    answer = lssi("check", folder, "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert json.loads(answer.stdout)["tables"]["deaths"] == {
        "accepted": 1,
        "refused": 0,
        "reasons": [],
    }
    assert "deaths" in say("check", folder).out


def test_the_command_ends_in_one_line_on_a_broken_source(
    write_source: Write, say: Say, tmp_path: Path
) -> None:
    folder = write_source({"deaths": []})
    for place, says in ((folder / "source.toml", "is a file"), (tmp_path / "no", "does not exist")):
        line = say("check", place).line
        assert line.startswith("error: source_unreadable: ") and says in line
