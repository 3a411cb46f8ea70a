"""The glossary and the code say the same: each word has its place, and each public name one meaning."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.test_house import ROOT, module_of, python_files

PAGE = (ROOT / "docs" / "glossary.md").read_text("utf-8")
WORD = re.compile(r"^\| ([a-z][^|]*) \| ([^|]+) \| ([^|]+) \| `([^`]+)` \|$", re.MULTILINE)
TWICE = re.compile(r"^\| `(\w+)` \| ([^|]+) \|$", re.MULTILINE)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
MOST_TWICE = 10


def public_names(path: Path) -> set[str]:
    """Return the functions and classes that a file defines for others."""
    body = ast.parse(path.read_text("utf-8")).body
    defined = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return {name for name in defined if not name.startswith("_")}


def names_that_stand_twice() -> dict[str, list[str]]:
    """Return the public names that two or more modules define, with those modules."""
    modules: dict[str, list[str]] = defaultdict(list)
    for path in python_files():
        for name in public_names(path):
            modules[name].append(module_of(path))
    return {name: where for name, where in modules.items() if len(where) > 1}


def test_every_word_is_said_in_both_languages_and_stands_once() -> None:
    words = WORD.findall(PAGE)
    assert len(words) > 40
    assert [
        word for word, zh, meaning, _ in words if not CHINESE.search(zh) or not meaning.strip()
    ] == []
    assert len({word for word, *_ in words}) == len(words)


def test_every_word_has_its_place_in_the_code() -> None:
    assert [where for *_, where in WORD.findall(PAGE) if not (ROOT / where).is_file()] == []


def test_a_public_name_has_one_meaning_or_a_reason() -> None:
    reasons = dict(TWICE.findall(PAGE))
    assert names_that_stand_twice().keys() == reasons.keys(), names_that_stand_twice()
    assert len(reasons) <= MOST_TWICE
