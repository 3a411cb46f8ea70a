"""A reader who follows imports from a command reaches the ground in few files: the longest chain of imports has a bound."""

from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import cycle, pairwise
from pathlib import Path

import pytest

from tests import test_house
from tests.test_house import PACKAGES, imported_by, module_of, python_files

LONGEST_CHAIN = 22
"""Modules at most, the first and the last among them."""
WAYS = (
    "from {package} import {name}\n",
    "from {package}.{name} import X\n",
    "import {package}.{name}\n",
    "def f():\n    from {package}.{name} import X\n",
    "if TYPE_CHECKING:\n    from {package}.{name} import X\n",
)
"""How a module may import the next: each way counts, for a reader follows it all the same."""


def imports_of_modules() -> dict[str, set[str]]:
    """Return by module those of the project that it imports, for types and inside functions too."""
    paths = {module_of(path): path for path in python_files()}
    return {module: (imported_by(path) & paths.keys()) - {module} for module, path in paths.items()}


def longest_chain() -> list[str]:
    """Return the modules of the longest chain of imports, from the top down; CycleError where one ends in itself."""
    imports = imports_of_modules()
    chains: dict[str, list[str]] = {}
    # modules come in such an order that the chains below each are there already
    for module in TopologicalSorter(imports).static_order():
        chains_below = [chains[imported] for imported in imports[module]]
        chains[module] = [module, *max(chains_below, key=len, default=[])]
    return max(chains.values(), key=len)


def test_no_chain_of_imports_is_longer_than_its_bound() -> None:
    assert len(longest_chain()) <= LONGEST_CHAIN, " -> ".join(longest_chain())


@pytest.mark.parametrize("package", PACKAGES)
def test_a_longer_chain_is_found_however_its_modules_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setattr(test_house, "ROOT", tmp_path)
    for name in PACKAGES:
        (tmp_path / name).mkdir()
    links = [f"link_{number}" for number in range(LONGEST_CHAIN + 1)]
    for (link, below), way in zip(pairwise(links), cycle(WAYS), strict=False):
        text = way.format(package=package, name=below)
        (tmp_path / package / f"{link}.py").write_text(text, "utf-8")
    (tmp_path / package / f"{links[-1]}.py").write_text("X = 1\n", "utf-8")
    assert longest_chain() == [f"{package}.{link}" for link in links]
