"""The command line: what every command promises about help, output, errors and speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*words: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `lssi` as a user would, in a process of its own."""
    room = os.environ | ({"LSSI_HOME": str(home)} if home else {})
    return subprocess.run(
        [sys.executable, "-m", "lssi", *words], cwd=ROOT, env=room, capture_output=True, text=True
    )


def test_help_lists_the_commands_without_importing_their_rooms() -> None:
    heavy = [
        "pandas",
        "duckdb",
        "lightgbm",
        "mlflow",
        "bentoml",
        "sklearn",
        "pyarrow",
        "rich.progress",
    ]
    code = "import sys, lssi; print(*(name for name in sys.argv[1:] if name in sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code, *heavy], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
    assert "contract" in run("--help").stdout


def test_every_command_explains_itself_in_both_languages() -> None:
    import lssi

    groups = [group.typer_instance.registered_commands for group in lssi.app.registered_groups]
    for command in [*lssi.app.registered_commands, *chain.from_iterable(groups)]:
        text = (command.callback.__doc__ or "") if command.callback else ""
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text), command.callback
        assert any("a" <= letter <= "z" for letter in text), command.callback


def test_the_contract_is_printed_whole_and_as_json() -> None:
    tables = json.loads(run("contract", "--json").stdout)
    assert {"enterprises", "claims", "inspections", "plans"} <= {table["table"] for table in tables}
    assert len(run("contract").stdout.splitlines()) > sum(len(table["columns"]) for table in tables)


@pytest.mark.parametrize("words", [["contrat"], ["contract", "--wrong"], ["contract", "extra"]])
def test_a_mistyped_command_is_one_line_and_code_2(words: list[str]) -> None:
    answer = run(*words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    assert answer.stderr.startswith("error: request_invalid: ")


def test_where_json_is_asked_an_error_is_one_json_object_on_stderr() -> None:
    answer = run("contract", "--json", "--wrong")
    assert answer.stdout == ""
    assert json.loads(answer.stderr)["error"] == "request_invalid"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    pipe = f"{sys.executable} -m lssi contract | head -1"
    assert subprocess.run(pipe, shell=True, cwd=ROOT, capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_an_interpreter_that_is_not_supported_gets_one_clear_line(version: tuple[int, int]) -> None:
    code = f"import runpy, sys; sys.version_info = (*{version}, 0); runpy.run_module('lssi', run_name='__main__')"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.stderr == f"lssi needs Python 3.11 to 3.13; this is {version[0]}.{version[1]}\n"
    assert answer.returncode == 1


def test_progress_is_silent_in_a_pipe() -> None:
    code = "from lssi.output import progress\nwith progress('x') as advance:\n    advance(1, 2)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout + answer.stderr == ""


LOADER = """
import sys
import typer
from lssi.entry import run
app = typer.Typer()
@app.command()
def load() -> None:
    import models.bundle.lean_lightgbm
    print(*sorted({"lightgbm", "pandas", "sklearn"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("last", "loaded"), [("run(app)", "lightgbm"), ("app()", "lightgbm pandas sklearn")]
)
def test_a_command_loads_lightgbm_alone_and_a_program_of_somebody_else_its_estimators_too(
    last: str, loaded: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADER + last], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, loaded + "\n"), done.stderr
