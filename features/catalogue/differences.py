"""Differences: one sum taken away from another of the same rows, such as spells ended from spells begun."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from features.catalogue.language import Atom
from features.text_files import declaration_lines, declaration_text, once

FILE = "differences.txt"


@dataclass(frozen=True, slots=True)
class Difference:
    """Two measures of the same rows, one taken away from the other; without a unit what is left is not said."""

    name: str
    plus: str
    minus: str
    unit: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class WindowDifference:
    """A difference over one window, as a formula has it."""

    difference: Difference
    window: str

    @property
    def sums(self) -> tuple[Atom, Atom]:
        """Return the two sums that a formula takes one from the other."""
        plus = Atom("sum", self.difference.plus, self.window)
        minus = Atom("sum", self.difference.minus, self.window)
        return plus, minus


@cache
def declared_differences() -> Mapping[str, Difference]:
    """Return the declared differences by name."""
    lines = declaration_lines(declaration_text(FILE), 6, FILE)
    rows = [Difference(*fields) for fields in lines]
    return MappingProxyType(once(rows, lambda row: row.name, "difference"))


def differences_among(atoms: Collection[Atom]) -> list[WindowDifference]:
    """Return the differences of which both sums are among some aggregates of one formula."""
    differences = []
    windows = dict.fromkeys(atom.window for atom in atoms)
    for declared in declared_differences().values():
        for window in windows:
            difference = WindowDifference(declared, window)
            if set(difference.sums) <= set(atoms):
                differences.append(difference)
    return differences
