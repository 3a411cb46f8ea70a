"""Every guard of the house sees a fault at whatever depth: each is planted in a copy, and its guard has to name it."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests import test_house, test_house_reads, test_house_reasons
from tests.test_house import CITY, COMMAND_LINE, DECLARED, PACKAGES, ROOT

DEPTHS = ("planted", "planted.inner", "planted.inner.innermost")
"""Where a fault is planted: in a room of a room, and one and two deeper."""
ROOMS = {
    "features": "ingest",
    "models": "bundle",
    "training": "data",
    "serving": "ledger",
    CITY: "ground",
}
"""The room of each package in which faults are planted; it imports no other room."""
FIRST = PACKAGES[0]
BELOW = [package for package in PACKAGES[1:] if package != COMMAND_LINE]
PLACES = [
    *(f"{FIRST}.{ROOMS[FIRST]}.{depth}" for depth in DEPTHS),
    *(f"{package}.{ROOMS[package]}.{DEPTHS[-1]}" for package in BELOW),
]
"""The packages that get each fault: every depth of one, the deepest of the others.

The command line is left out: it may print, and it opens the city.
"""
OUTSIDE = [place for place in PLACES if not place.startswith(f"{CITY}.")]
"""Those places that lie not in the city."""
LAYERS = ("features", "models", "training")
HONEST = '"""A module of the copy."""\n'
TOOLS = Path(sys.executable).parent


@dataclass(frozen=True)
class House:
    """The packages of the project with nothing in them but what is planted: whoever checks has soon read them."""

    root: Path

    def plant(self, module: str, text: str) -> Path:
        """Write a module and the packages that lead to it."""
        path = self.root.joinpath(*module.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        above = [
            self.root / folder for folder in path.relative_to(self.root).parents if folder.name
        ]
        for folder in above:
            (folder / "__init__.py").write_text(HONEST, "utf-8")
        path.write_text(text, "utf-8")
        return path

    def run(self, tool: str, *words: str) -> tuple[int, str]:
        """Return how a tool ends in the copy, with the settings of the project, and what it prints."""
        room = os.environ | {"PYTHONPATH": str(self.root), "COLUMNS": "400"}
        done = subprocess.run(
            [TOOLS / tool, *words],
            cwd=self.root,
            env=room,
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout


def outlined(place: Path) -> House:
    """Return the packages of the project, rooms and all, each file of them empty."""
    for path in test_house.python_files():
        copy = place / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(HONEST, "utf-8")
    shutil.copy(ROOT / "pyproject.toml", place)
    return House(place)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """An outline that the guards take for the project."""
    outline = outlined(tmp_path)
    monkeypatch.setattr(test_house, "ROOT", tmp_path)
    monkeypatch.setattr(test_house_reads, "ROOT", tmp_path)
    return outline


def test_a_false_doctest_is_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in [f"{package}.{room}" for package, room in ROOMS.items()]:
        real = importlib.import_module(room)
        copy = house.root.joinpath(*room.split("."))
        monkeypatch.setattr(real, "__path__", [*real.__path__, str(copy)])
    for place in PLACES:
        house.plant(f"{place}.sums", '"""Sums.\n\n>>> 1 + 1\n3\n"""\n')
    found: dict[str, int] = {}
    for package in PACKAGES:
        found |= test_house.false_doctests(package)
    assert found == {f"{place}.sums": 1 for place in PLACES}


def imports_of_the_city(place: str) -> dict[str, str]:
    """Return the ways in which a module of a package can import the city, each under a name of its own."""
    first, _, last = CITY.rpartition(".")
    ways = {
        "whole": f"import {CITY}.run\n",
        "named": f"from {CITY}.run import write_city\n",
        "room": f"from {CITY} import run\n",
    }
    if first:
        ways["from_above"] = f"from {first} import {last}\n"
    if first and place.startswith(f"{first}."):
        ways["from_here"] = f"from {'.' * (place.count('.') + 1)}{last} import run\n"
    return ways


def test_an_import_of_the_city_is_found(house: House) -> None:
    by_text = f'from importlib import import_module\n\nCITY = import_module("{CITY}.run")\n'
    planted = [
        (f"{place}.{way}", text)
        for place in OUTSIDE
        for way, text in {**imports_of_the_city(place), "by_text": by_text}.items()
    ]
    for module, text in planted:
        house.plant(module, HONEST + text)
    assert sorted(test_house.openers_of_the_city()) == sorted(module for module, _ in planted)


def test_what_the_city_may_not_know_is_found(house: House) -> None:
    wrong = {
        "knows_the_store": "from features import store\n",
        "knows_a_model": "import models.bundle.bundle\n",
        "knows_training": "from training.train import train\n",
    }
    for depth in DEPTHS:
        for name, text in wrong.items():
            house.plant(f"{CITY}.{depth}.{name}", HONEST + text)
        house.plant(
            f"{CITY}.{depth}.honest",
            f"{HONEST}from features import calendar\nfrom {CITY} import run\n",
        )
    assert sorted(test_house.strangers_to_the_city()) == sorted(
        f"{CITY}.{depth}.{name}" for depth in DEPTHS for name in wrong
    )


def test_a_folder_that_is_no_package_is_found(house: House) -> None:
    for place in PLACES:
        house.plant(f"{place}.bare.module", HONEST).with_name("__init__.py").unlink()
    assert test_house.folders_that_are_no_package() == sorted(f"{place}.bare" for place in PLACES)


def test_a_package_that_no_tool_knows_is_found(house: House) -> None:
    assert test_house.packages_at_the_top() == set(PACKAGES)
    house.plant("newcomer.room.module", HONEST)
    assert test_house.packages_at_the_top() == {*PACKAGES, "newcomer"}


@pytest.mark.parametrize("folder", ["build", "dist", "venv"])
def test_a_folder_that_the_linter_leaves_out_is_found(house: House, folder: str) -> None:
    for place in PLACES:
        house.plant(f"{place}.{folder}.module", HONEST)
    left_out = {f"{place}.{folder}{end}" for place in PLACES for end in ("", ".module")}
    assert set(test_house.unread_by_the_linter()) == left_out


@pytest.mark.parametrize(
    ("name", "text"), [(f"reads{suffix}", text) for suffix, text in test_house_reads.PLANTED[::6]]
)
def test_a_bare_read_is_found(house: House, name: str, text: str) -> None:
    planted = [house.plant(f"{place}.honest", HONEST).with_name(name) for place in PLACES]
    for path in planted:
        path.write_text(text, "utf-8")
    assert [
        path for path in test_house_reads.files_of_the_house() if test_house_reads.bare_reads(path)
    ] == sorted(planted)


NUMBERS = {
    "silent": "MOST = 90\n",
    "typed": "MOST: int = 90\n",
    "negative": "LEAST = -(2**62)\n",
    "computed": "TEXT = 'a'\n\nMOST = 2 * 90\n",
    "several": "LEAST, MOST = 1, 90\n",
    "empty": "MOST = 90  # \n",
    "far": "# The reason of another line.\n\nMOST = 90\n",
}
REASONS = {
    "under": 'MOST = 90\n"""A choice: a quarter of a year."""\n',
    "above": "# A choice: a quarter of a year.\nMOST = 90\nLEAST = 1\n",
    "beside": "MOST = 90  # a choice\n",
    "no_number": "NAMES = ('a', 'b')\nIS_OPEN = True\n",
}


def test_a_number_without_its_reason_is_found(house: House) -> None:
    for place in PLACES:
        for name, text in {**NUMBERS, **REASONS}.items():
            house.plant(f"{place}.{name}", f"{HONEST}{text}")
    found = {name.rpartition(".")[0] for name in test_house_reasons.numbers_without_reason()}
    assert found == {f"{place}.{name}" for place in PLACES for name in NUMBERS}


def loop(comment: str, decorator: str) -> str:
    """Return a module with one compiled loop under a comment."""
    body = 'def walk(x: int) -> int:\n    """Return x."""\n    return x\n'
    return f"{HONEST}\n\n{comment}{decorator}\n{body}"


def test_a_compiled_loop_without_its_reason_is_found(house: House) -> None:
    silent = {
        "bare": loop("", "@compiled()"),
        "plain": loop("", "@njit"),
        "said": loop("# A walk.\n", "@numba.njit(cache=True)"),
    }
    why = "# Compiled, because each step rests on the one before it.\n"
    for place in PLACES:
        house.plant(f"{place}.honest", loop(why, "@compiled()"))
        house.plant(f"{place}.plain_function", loop("", "@cache"))
        for name, text in silent.items():
            house.plant(f"{place}.{name}", text)
    assert sorted(test_house_reasons.loops_without_reason()) == sorted(
        f"{place}.{name}.walk" for place in PLACES for name in silent
    )


def test_a_trick_of_memory_without_its_reason_is_found(house: House) -> None:
    head = f'{HONEST}\n\ndef walk(x: object) -> None:\n    """Walk."""\n'
    silent = {"gives": "    x.madvise(4)\n", "drops": "    del x\n", "freezes": "    gc.freeze()\n"}
    for place in PLACES:
        house.plant(f"{place}.honest", f"{head}    # Else both would be in memory.\n    del x\n")
        house.plant(f"{place}.item", f"{head}    del x[0]\n")
        for name, text in silent.items():
            house.plant(f"{place}.{name}", head + text)
    assert sorted(test_house_reasons.tricks_without_reason()) == sorted(
        f"{place}.{name}.walk" for place in PLACES for name in silent
    )


def walls() -> Iterator[tuple[str, str, str]]:
    """Yield for each wall of `pyproject.toml` its name, a package that it bars, and what that may not import."""
    for contract in DECLARED["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "forbidden":
            for package in contract["source_modules"]:
                yield contract["name"], package, contract["forbidden_modules"][0]


def taken(package: str, barred: str) -> str:
    """Return the name of the planted module of a package that imports what is barred."""
    return f"{package}.{DEPTHS[-1]}.takes_{barred}"


@pytest.fixture(scope="module")
def imports(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the checker of imports says of an outline in which every wall is broken at depth."""
    house = outlined(tmp_path_factory.mktemp("imports"))
    house.plant(f"{CITY}.run", HONEST)
    for place in PLACES:
        for way, text in imports_of_the_city(place).items():
            house.plant(f"{place}.{way}", HONEST + text)
    for _, package, barred in walls():
        house.plant(taken(package, barred), f"{HONEST}import {barred}\n")
    for below, above in pairwise(LAYERS):
        house.plant(taken(below, above), f"{HONEST}import {above}\n")
    house.plant(taken("training", "serving"), f"{HONEST}import serving\n")
    code, said = house.run("lint-imports", "--no-logo", "--no-cache")
    assert code == 1
    return said


def test_an_import_of_the_city_breaks_its_contract(imports: str) -> None:
    assert "only the command line opens the city BROKEN" in imports
    illegal = imports.partition(f"protected package {CITY}")[2]
    planted = [f"{place}.{way}" for place in OUTSIDE for way in imports_of_the_city(place)]
    assert [module for module in planted if f"- {module} -> {CITY}" not in illegal] == []


def test_an_import_through_a_wall_breaks_its_contract(imports: str) -> None:
    assert len(list(walls())) > 20
    assert [name for name, _, _ in walls() if f"{name} BROKEN" not in imports] == []
    crossed = [f"{taken(package, barred)} -> {barred}" for _, package, barred in walls()]
    assert [line for line in crossed if line not in imports] == []


def test_an_import_of_a_layer_above_breaks_the_layers(imports: str) -> None:
    assert "training, serving and the city never meet BROKEN" in imports
    crossed = [
        f"{taken(below, above)} -> {above}"
        for below, above in [*pairwise(LAYERS), ("training", "serving")]
    ]
    assert [line for line in crossed if line not in imports] == []


def long_function() -> str:
    """Return a function of more statements than a function may have."""
    most = DECLARED["tool"]["ruff"]["lint"]["pylint"]["max-statements"]
    return '\n\ndef much() -> None:\n    """Do much."""\n' + "    print\n" * (most + 1)


def tangled_function() -> str:
    """Return a function with more branches than one may have."""
    branches = "".join(f"    if x == {number}:\n        return {number}\n" for number in range(14))
    return f'\n\ndef tangled(x: int) -> int:\n    """Return what stands there."""\n{branches}    return -1\n'


def wide_function() -> str:
    """Return a function of more arguments than one may have."""
    most = DECLARED["tool"]["ruff"]["lint"]["pylint"]["max-args"]
    words = ", ".join(f"x{number}: int" for number in range(most + 1))
    return f'\n\ndef wide({words}) -> None:\n    """Take much."""\n'


LINTED = {
    "no_word_of_a_module": ("D100", "X = 1\n"),
    "no_word_of_a_class": ("D101", f"{HONEST}\n\nclass Silent:\n    x = 1\n"),
    "no_word_of_a_function": ("D103", f"{HONEST}\n\ndef silent() -> None:\n    return None\n"),
    "long": ("PLR0915", HONEST + long_function()),
    "tangled": ("C901", HONEST + tangled_function()),
    "kernel_room": ("C901", HONEST + tangled_function()),
    "many_words": ("PLR0913", HONEST + wide_function()),
    "long_line": ("E501", f"{HONEST}X = '{'x' * 200}'\n"),
    "prints": ("T201", f'{HONEST}\nprint("x")\n'),
    "unused": ("F401", f"{HONEST}\nimport os\n"),
    "swallows": ("BLE001", f"{HONEST}\ntry:\n    X = 1\nexcept Exception:\n    X = 2\n"),
    "shell": ("S602", f'{HONEST}\nimport subprocess\n\nsubprocess.run("ls", shell=True)\n'),
    "local_time": ("DTZ005", f"{HONEST}\nfrom datetime import datetime\n\nX = datetime.now()\n"),
}
"""Faults by the name of their module: the rule of the linter that has to see them, and the text."""


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of an outline with all of these faults at all of the places."""
    house = outlined(tmp_path_factory.mktemp("linted"))
    for place in PLACES:
        for name, (_, text) in LINTED.items():
            house.plant(f"{place}.{name}", text)
    code, said = house.run("ruff", "check", "--no-cache", "--output-format", "concise", ".")
    assert code == 1
    return said


@pytest.mark.parametrize("name", LINTED)
def test_the_linter_finds_a_fault_at_whatever_depth(linted: str, name: str) -> None:
    rule = LINTED[name][0]
    files = [f"{place.replace('.', '/')}/{name}.py" for place in PLACES]
    assert [
        file for file in files if not re.search(rf"^{file}:\d+:\d+: {rule}\b", linted, re.MULTILINE)
    ] == []


TYPED = {
    "untyped": ("no-untyped-def", f"{HONEST}\n\ndef bare(x):\n    return x\n"),
    "half_typed": ("no-untyped-def", f"{HONEST}\n\ndef half(x: int):\n    return x\n"),
    "untyped_method": (
        "no-untyped-def",
        f"{HONEST}\n\nclass One:\n    def bare(self, x):\n        return x\n",
    ),
    "bare_generic": ("type-arg", f"{HONEST}\n\ndef kept(x: list) -> None:\n    return None\n"),
    "wrong": ("return-value", f"{HONEST}\n\ndef number() -> int:\n    return 'x'\n"),
}
"""Faults by the name of their module: the kind that the checker of types has to see, and the text."""


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the checker of types says of an outline with all of these faults at all of the places."""
    house = outlined(tmp_path_factory.mktemp("checked"))
    for place in PLACES:
        for name, (_, text) in TYPED.items():
            house.plant(f"{place}.{name}", text)
    code, said = house.run("mypy", "--no-incremental", "--cache-dir", os.devnull)
    assert code == 1
    return said


@pytest.mark.parametrize("name", TYPED)
def test_the_types_of_a_module_are_checked_at_whatever_depth(checked: str, name: str) -> None:
    kind = TYPED[name][0]
    files = [f"{place.replace('.', '/')}/{name}.py" for place in PLACES]
    assert [
        file
        for file in files
        if not re.search(rf"^{file}:\d+: error: .*\[{kind}\]", checked, re.MULTILINE)
    ] == []


def test_an_outline_without_a_fault_passes(house: House) -> None:
    """A guard that found a fault in every copy would prove nothing."""
    for place in PLACES:
        house.plant(f"{place}.honest", HONEST)
    found = [
        test_house.openers_of_the_city(),
        test_house.strangers_to_the_city(),
        test_house.folders_that_are_no_package(),
        test_house.unread_by_the_linter(),
        *map(test_house.false_doctests, PACKAGES),
    ]
    assert not any(found)
    assert house.run("lint-imports", "--no-logo", "--no-cache")[0] == 0
    assert house.run("ruff", "check", "--no-cache", ".")[0] == 0
