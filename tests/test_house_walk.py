"""The page that walks through the code names functions that stand where it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "walk.md").read_text("utf-8")
STEP = re.compile(r"^\| (\d+) \| `([a-z_/]+\.py)` \| `([a-z_]+)` \|", re.MULTILINE)
BESIDE = re.compile(r"\(`([a-z_/]+\.py)`,\s`([a-z_]+)`\)")
MOST_STEPS = 15


def functions_of(path: Path) -> set[str]:
    """Return the names of all functions and methods of a file."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def test_the_walk_has_few_steps_numbered_in_turn() -> None:
    numbers = [int(number) for number, _, _ in STEP.findall(PAGE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert 10 <= len(numbers) <= MOST_STEPS


def test_every_function_of_the_walk_stands_in_its_file() -> None:
    named = [(file, function) for _, file, function in STEP.findall(PAGE)] + BESIDE.findall(PAGE)
    assert len(named) > MOST_STEPS
    missing = [
        (file, function)
        for file, function in named
        if not (ROOT / file).is_file() or function not in functions_of(ROOT / file)
    ]
    assert missing == []
