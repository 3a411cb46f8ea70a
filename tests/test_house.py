"""The house keeps what its documents say: commands, targets, locks, packages and walls."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.models import CommandInfo

from features.ingest.scan import files_below, files_in

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-extra.lock")
ALLOWED_IN_CITY = {"features.contract", "features.errors", "features.files", "features.days", "features.ingest.scan"}


def documents() -> str:
    """Return the text of every document that a user reads."""
    return "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *files_in(ROOT / "docs", "*.md")])


def tracked() -> list[Path]:
    """Return the files of the project as git knows them, or skip in a tree without git."""
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is not a clone: git clone the project")
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def commands() -> set[str]:
    """Return every command as it is typed after `lssi`, those of groups too."""
    import lssi

    found = {name_of(command) for command in lssi.app.registered_commands}
    for group in lssi.app.registered_groups:
        found |= {f"{group.name} {name_of(command)}" for command in group.typer_instance.registered_commands}
    return found


def name_of(command: CommandInfo) -> str:
    """Return the word by which a command is called."""
    return command.name or command.callback.__name__.replace("_", "-")


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    rows = re.findall(r"^\| `lssi ([a-z-]+(?: [a-z-]+)?)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(commands())


def test_a_document_names_no_command_that_does_not_exist() -> None:
    named = set(re.findall(r"`lssi ([a-z-]+)", documents()))
    assert named <= {command.split()[0] for command in commands()}


def test_every_make_target_is_documented() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert targets is not None
    for name in targets[1].split():
        assert f"make {name}" in documents(), f"`make {name}` stands in no document"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_every_line_by_hash_and_names_no_host(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text and "index-url" not in text and "find-links" not in text
    pins = re.findall(r"^[a-z0-9][^\s]*==[^\s]+.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert pins and all("--hash=sha256:" in pin for pin in pins)


def test_the_lock_holds_every_declared_dependency() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    lock = (ROOT / LOCKS[0]).read_text("utf-8")
    pinned = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==", lock, re.MULTILINE))
    assert {re.split(r"[<>=\[]", entry)[0] for entry in declared} <= pinned


def test_gitignore_swallows_no_file_of_the_house() -> None:
    question = ["git", "check-ignore", "--no-index", *map(str, tracked())]
    assert subprocess.run(question, cwd=ROOT, capture_output=True, text=True).stdout == ""


def test_no_file_names_a_machine_path() -> None:
    paths = [path for path in tracked() if path.suffix in {".py", ".md", ".toml", ".txt", ".sql", ".in", ".lock", ""}]
    for path in paths:
        assert not re.search(r"/(?:home|root|work)/\w", path.read_text("utf-8")), path.relative_to(ROOT)


def test_the_city_knows_only_the_contract_its_errors_and_its_days() -> None:
    for path in files_below(ROOT / "features" / "city", "*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            strangers = [name for name in names if name.split(".")[0] in {"features", "models", "training", "serving"}]
            assert all(name in ALLOWED_IN_CITY or name.startswith("features.city") for name in strangers), path.name


def test_nobody_but_the_command_line_opens_the_city() -> None:
    for path in tracked():
        if path.suffix == ".py" and path.parts[-2] in {"features", "models", "training", "serving"}:
            assert not re.search(r"features\.city|features import city", path.read_text("utf-8")), path.name


@pytest.mark.parametrize("folder", ["lssi", "features", "models", "training", "serving"])
def test_doctests_hold(folder: str) -> None:
    import doctest
    import importlib

    for path in files_below(ROOT / folder, "*.py"):
        if ">>> " in path.read_text("utf-8"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            result = doctest.testmod(importlib.import_module(module))
            assert result.failed == 0, path.name


@pytest.mark.parametrize("version", ["(3, 10, 9)", "(3, 14, 0)"])
def test_make_with_an_unsupported_interpreter_says_one_line_and_lays_nothing(tmp_path: Path, version: str) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old-python"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'import sys; sys.version_info = {version}; exec(sys.argv[2])' \"$@\"\n")
    old.chmod(0o755)
    made = subprocess.run(["make", "install", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True)
    said = [line for line in made.stderr.splitlines() if not line.startswith("make")]
    assert made.returncode != 0
    assert len(said) == 1 and said[0].startswith("lssi needs Python 3.11 to 3.13; ")
    assert not (tmp_path / ".venv").exists()


def test_every_make_target_needs_only_the_installation() -> None:
    rules = re.findall(r"^([a-z]+):(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    allowed = {"$(STAMP)", "$(EXTRA)", "check"}
    assert {name for name, _ in rules} >= {"install", "demo", "test", "check", "bench", "extra"}
    assert all(set(needs.split()) <= allowed for _, needs in rules)


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for place in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "README.md").read_text("utf-8")):
        assert (ROOT / place).exists(), place


def both(zh: str, en: str) -> bool:
    """Say whether one text is Chinese and the other is not."""
    chinese = re.compile(r"[\u4e00-\u9fff]")
    return bool(chinese.search(zh)) and bool(en.strip()) and not chinese.search(en)


def test_every_table_and_column_of_the_contract_is_named_in_both_languages() -> None:
    from features.contract import contract

    for table in contract().values():
        for named in (table, *table.columns):
            assert both(named.zh, named.en), f"{table.name}.{named.name}"


def test_every_source_target_and_rule_set_is_named_in_both_languages() -> None:
    for path in [*files_below(ROOT / "sources", "source.toml"), *files_in(ROOT / "models" / "rules", "*.toml")]:
        declared = tomllib.loads(path.read_text("utf-8"))
        for named in (declared, *declared.get("target", {}).values(), *declared.get("attribute", [])):
            assert both(named["zh"], named["en"]), (path.parent.name, named.get("name"))


def test_every_feature_is_named_in_both_languages() -> None:
    from features.catalogue import read_catalogue

    whole = read_catalogue(lambda _table: True, ())
    named = [feature for entity in ("enterprise", "claim", "provider") for feature in whole.features(entity)]
    assert len(named) > 130
    assert [feature.name for feature in named if not both(feature.zh, feature.en)] == []
