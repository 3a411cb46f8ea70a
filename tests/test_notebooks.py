"""Every notebook runs from its first cell to its last on a small city, and imports what it uses."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

from features.ingest.scan import files_in
from features.store.opening import open_store
from models.bundle.champions import ModelKey
from training.models.promote import promote
from training.runs.train import train

ROOT = Path(__file__).parents[1]
KEY = ModelKey("city", "undeclared_workers")
NOTEBOOKS = files_in(ROOT / "notebooks", "*.py")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_and_never_defines(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert not [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_imports_is_there_and_its_calls_fit(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    callables = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                callables[alias.name] = getattr(import_module(node.module), alias.name)
    commands = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in commands:
        name = getattr(call.func, "id", "")
        if name.endswith("_command"):
            words = {word.arg: None for word in call.keywords if word.arg}
            inspect.signature(callables[name]).bind(*call.args, **words)


def written_by(name: str) -> str:
    """Return what a notebook writes, run from its first cell to its last."""
    notebook = jupytext.read(ROOT / "notebooks" / name)
    NotebookClient(notebook, timeout=1_800, kernel_name="python3").execute(cwd=str(ROOT))
    texts = [
        output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    return "\n".join(texts)


def long_after_a_commitment(city: Path) -> int:
    """Return seconds within which a commitment surely ends on this machine as it is now: four times what a plan takes."""
    began = time.monotonic()
    plan = ("plan", str(city), "--week", "2015-07-06", "--minutes", "600", "--preview")
    subprocess.run([sys.executable, "-m", "lssi", *plan], check=True, capture_output=True, cwd=ROOT)
    return max(60, int(4 * (time.monotonic() - began)))


@pytest.mark.slow
def test_the_notebook_walks_a_week_of_inspections(
    city_2000: Path, trained_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(trained_home))
    monkeypatch.setenv("LSSI_SOURCE", str(city_2000))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("LSSI_PUBLIC_AFTER", str(long_after_a_commitment(city_2000)))
    written = written_by("week.py")
    for word in ("complaint", "lottery", "条预警 alerts", "逐位一致 identical to the bit"):
        assert word in written, word


@pytest.mark.slow
def test_the_notebook_retrains_judges_and_opens_the_registry(
    city_2000: Path, city_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(city_home))
    monkeypatch.setenv("LSSI_SOURCE", str(city_2000))
    made = train(open_store(city_2000), KEY.target, home=city_home)
    promote(city_home, KEY, made["mlflow"]["version"], although="a trial")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MPLBACKEND", "agg")
    written = written_by("retrain.py")
    assert "average_precision" in written and "labelled_only" in written and "mlflow ui" in written
    assert "version in use: 1" in written and "mean |log-odds|" in written
    differences = [
        float(line.rsplit(" ", 1)[1])
        for line in written.splitlines()
        if "difference from shap" in line
    ]
    assert len(differences) == 1 and differences[0] < 1e-9
