"""The house keeps what its documents say: commands, targets, locks, packages and walls."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.models import CommandInfo

from features.ingest.scan import files_below

ROOT = Path(__file__).parents[1]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = [
    name for name in DECLARED["tool"]["hatch"]["build"]["only-include"] if not name.endswith(".py")
]
"""The packages that are installed; each guard looks into all of them, at whatever depth."""
CITY = "simulation"
COMMAND_LINE = "lssi"
"""The only package that opens the city."""
BESIDE = {"benchmarks", "docs", "notebooks", "sources", "tests"}
"""Folders of code that no user installs."""
LOCKS = ("requirements.lock", "requirements-extra.lock")
ALLOWED_IN_CITY = {
    "features.contract.tables",
    "features.errors",
    "features.files",
    "features.calendar",
    "features.ingest.scan",
}


def documents() -> str:
    """Return the text of every document that a user reads."""
    return "\n".join(
        path.read_text("utf-8")
        for path in [ROOT / "README.md", *files_below(ROOT / "docs", "*.md")]
    )


def tracked() -> list[Path]:
    """Return the files of the project as git knows them, or skip in a tree without git."""
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is not a clone: git clone the project")
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def commands() -> set[str]:
    """Return every command as it is typed after `lssi`, those of groups too."""
    import lssi

    found = {name_of(command) for command in lssi.app.registered_commands}
    for group in lssi.app.registered_groups:
        found |= {
            f"{group.name} {name_of(command)}"
            for command in group.typer_instance.registered_commands
        }
    return found


def name_of(command: CommandInfo) -> str:
    """Return the word by which a command is called."""
    return command.name or command.callback.__name__.replace("_", "-")


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    rows = re.findall(r"^\| `lssi ([a-z-]+(?: [a-z-]+)?)", page, re.MULTILINE)
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
    declared = DECLARED["project"]["dependencies"]
    lock = (ROOT / LOCKS[0]).read_text("utf-8")
    pinned = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==", lock, re.MULTILINE))
    assert {re.split(r"[<>=\[]", entry)[0] for entry in declared} <= pinned


def test_gitignore_swallows_no_file_of_the_house() -> None:
    question = ["git", "check-ignore", "--no-index", *map(str, tracked())]
    assert subprocess.run(question, cwd=ROOT, capture_output=True, text=True).stdout == ""


def test_no_file_names_a_machine_path() -> None:
    paths = [
        path
        for path in tracked()
        if path.suffix in {".py", ".md", ".toml", ".txt", ".sql", ".in", ".lock", ""}
    ]
    for path in paths:
        assert not re.search(r"/(?:home|root|work)/\w", path.read_text("utf-8")), path.relative_to(
            ROOT
        )


def python_files(*packages: str) -> list[Path]:
    """Return every file of Python of the named packages, or of all, at whatever depth."""
    return [
        path for package in packages or PACKAGES for path in files_below(ROOT / package, "*.py")
    ]


def module_of(path: Path) -> str:
    """Return the name by which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(path: Path) -> set[str]:
    """Return the absolute names of all that a file imports, whether it says them whole or from where it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            place = ".".join([*above, *filter(None, [node.module])])
            names |= {place} | {f"{place}.{alias.name}" for alias in node.names}
    return names


def inside(name: str, package: str) -> bool:
    """Say whether a name is a package or lies in it."""
    return f"{name}.".startswith(f"{package}.")


def texts_of(path: Path) -> set[str]:
    """Return the texts that stand in a file, by which a module could be imported too."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def strangers_to_the_city() -> dict[str, list[str]]:
    """Return what modules of the city import of the project that it may not know."""
    strangers = {}
    for path in files_below(ROOT.joinpath(*CITY.split(".")), "*.py"):
        ours = {
            name for name in imported_by(path) if any(inside(name, package) for package in PACKAGES)
        }
        allowed = {
            name for name in ours if any(inside(name, known) for known in {CITY, *ALLOWED_IN_CITY})
        }
        # `from features import days` names its package too, which alone gives nothing
        packages = {name for name in ours if any(inside(other, name) for other in allowed)}
        if ours - allowed - packages:
            strangers[module_of(path)] = sorted(ours - allowed - packages)
    return strangers


def test_the_city_knows_only_the_contract_its_errors_and_its_days() -> None:
    assert strangers_to_the_city() == {}


def openers_of_the_city() -> list[str]:
    """Return the modules outside the city that import it, or name it in a text by which it could be imported."""
    below = [package for package in PACKAGES if package != COMMAND_LINE]
    outside = [path for path in python_files(*below) if not inside(module_of(path), CITY)]
    named = {path: imported_by(path) | texts_of(path) for path in outside}
    return [module_of(path) for path in outside if any(inside(name, CITY) for name in named[path])]


def test_nobody_but_the_command_line_opens_the_city() -> None:
    assert openers_of_the_city() == []


def false_doctests(package: str) -> dict[str, int]:
    """Return the modules of a package whose doctests fail, and how many do."""
    modules = [
        module_of(path) for path in python_files(package) if ">>> " in path.read_text("utf-8")
    ]
    failed = {module: doctest.testmod(importlib.import_module(module)).failed for module in modules}
    return {module: number for module, number in failed.items() if number}


@pytest.mark.parametrize("package", PACKAGES)
def test_doctests_hold(package: str) -> None:
    assert false_doctests(package) == {}


def folders_that_are_no_package() -> list[str]:
    """Return the folders that hold code and no `__init__.py`."""
    folders = {path.parent for path in python_files()}
    return sorted(
        module_of(path / "__init__.py") for path in folders if not (path / "__init__.py").is_file()
    )


def test_every_folder_of_code_is_a_package() -> None:
    """The checker of imports does not enter a folder that is none."""
    assert folders_that_are_no_package() == []


def packages_at_the_top() -> set[str]:
    """Return the packages of the project that are made to be installed, as its folders have them."""
    folders = [
        path
        for path in ROOT.iterdir()
        if path.name[0] not in "._" and (path / "__init__.py").is_file()
    ]
    return {path.name for path in folders} - BESIDE


def test_every_package_is_installed_typed_and_held_by_the_layers() -> None:
    tools = DECLARED["tool"]
    assert packages_at_the_top() == set(PACKAGES)
    assert set(PACKAGES) <= set(tools["mypy"]["packages"])
    assert set(PACKAGES) <= set(tools["importlinter"]["root_packages"])


def unread_by_the_linter() -> list[str]:
    """Return the modules that the linter leaves out."""
    ruff = Path(sys.executable).with_name("ruff")
    listed = subprocess.run(
        [ruff, "check", "--show-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    read = {Path(line) for line in listed.stdout.splitlines()}
    return [module_of(path) for path in python_files() if path not in read]


def test_the_linter_reads_every_file() -> None:
    """A folder called `build` or `dist` would be left out at whatever depth."""
    assert unread_by_the_linter() == []


@pytest.mark.parametrize("version", ["(3, 10, 9)", "(3, 14, 0)"])
def test_make_with_an_unsupported_interpreter_says_one_line_and_lays_nothing(
    tmp_path: Path, version: str
) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old-python"
    old.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys; sys.version_info = {version}; exec(sys.argv[2])' \"$@\"\n"
    )
    old.chmod(0o755)
    made = subprocess.run(
        ["make", "install", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True
    )
    said = [line for line in made.stderr.splitlines() if not line.startswith("make")]
    assert made.returncode != 0
    assert len(said) == 1 and said[0].startswith("lssi needs Python 3.11 to 3.13; ")
    assert not (tmp_path / ".venv").exists()


def test_every_make_target_needs_only_the_installation() -> None:
    rules = re.findall(r"^([a-z]+):(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    allowed = {"$(STAMP)", "$(EXTRA)", "check"}
    assert {name for name, _ in rules} >= {"install", "demo", "test", "check", "bench", "extra"}
    assert all(set(needs.split()) <= allowed for _, needs in rules)


def named_files(path: Path) -> set[str]:
    """Return the files of the project that a text names by their way from its top; `NAME` stands for any."""
    tops = "|".join([*PACKAGES, *sorted(BESIDE)])
    named = re.findall(
        rf"(?<![\w/.])((?:{tops})/[\w/.-]+\.(?:py|md|toml|txt|sql|svg))\b", path.read_text("utf-8")
    )
    return {name for name in named if not re.search(r"\b[A-Z]{4,}|_[A-Z]{4,}", name)}


def test_every_file_that_a_text_names_exists() -> None:
    """An error that sends its reader to a page that is gone helps nobody; the changelog may look back."""
    texts = [
        *python_files(),
        *(path for path in tracked() if path.suffix in {".md", ".toml", ".sql"}),
    ]
    texts = [path for path in texts if path.name != "CHANGELOG.md"]
    named = {(path.name, name) for path in texts for name in named_files(path)}
    assert len(named) > 80
    assert sorted((text, name) for text, name in named if not (ROOT / name).is_file()) == []


def test_every_link_of_the_readme_and_of_the_docs_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *files_below(ROOT / "docs", "*.md")]:
        for place in re.findall(r"\]\((?!http)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / place).exists(), f"{page.name}: {place}"


def both(zh: str, en: str) -> bool:
    """Say whether one text is Chinese and the other is not."""
    chinese = re.compile(r"[\u4e00-\u9fff]")
    return bool(chinese.search(zh)) and bool(en.strip()) and not chinese.search(en)


def test_every_table_and_column_of_the_contract_is_named_in_both_languages() -> None:
    from features.contract.tables import contract

    for table in contract().values():
        for named in (table, *table.columns):
            assert both(named.zh, named.en), f"{table.name}.{named.name}"


def test_every_source_target_and_rule_set_is_named_in_both_languages() -> None:
    rules = [path for path in files_below(ROOT / "models", "*.toml") if path.parent.name == "rules"]
    assert rules
    for path in [*files_below(ROOT / "sources", "source.toml"), *rules]:
        declared = tomllib.loads(path.read_text("utf-8"))
        for named in (
            declared,
            *declared.get("target", {}).values(),
            *declared.get("attribute", []),
        ):
            assert both(named["zh"], named["en"]), (path.parent.name, named.get("name"))


def test_every_feature_is_named_in_both_languages() -> None:
    from features.catalogue.parse import read_catalogue

    whole = read_catalogue(lambda _table: True, ())
    named = [
        feature
        for entity in ("enterprise", "claim", "provider")
        for feature in whole.features(entity)
    ]
    assert len(named) > 130
    assert [feature.name for feature in named if not both(feature.zh, feature.en)] == []
