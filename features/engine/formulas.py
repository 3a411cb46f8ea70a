"""Formulas in numpy: float64 arrays, NaN where missing; each operation is one IEEE step, so every engine gives the same bits."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.aggregates.shared_steps import Place, Steps
from features.arrays import Values
from features.catalogue.language import (
    Atom,
    Peer,
    atom_of,
    atoms_of,
    call_name,
    names_of,
    peer_of,
    peers_of,
    stored_values_read,
    word,
)
from features.errors import CatalogueError

AT_ONCE = 1 << 13
FEW = 64
"""Cases up to which laying all values side by side is cheaper than one feature after another."""
READS = (atoms_of, peers_of, stored_values_read, names_of)
_NAN, _ZERO, _ONE = np.float64(np.nan), np.float64(0), np.float64(1)
_COMPARE: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
_ARITHMETIC: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
}


@dataclass(frozen=True, slots=True)
class Environment:
    """What a formula may read: aggregates, peer values, stored values and earlier features, each float64 (n,)."""

    size: int
    as_of: Values
    atoms: Mapping[Atom, Values]
    peers: Mapping[Peer, Values]
    stored: Mapping[str, Values]
    features: Mapping[str, Values]

    def leaves(self) -> dict[Any, Values]:
        """Return all that a formula may read by the name of its leaf."""
        stored = {f"stored {name}": values for name, values in self.stored.items()}
        return {**self.atoms, **self.peers, **stored, **self.features, "as_of": self.as_of}


class Program:
    """Formulas as steps that share their parts; a name that is none of them is read from the environment."""

    def __init__(self, trees: Mapping[str, ast.expr]) -> None:
        """Lay out formulas by name, each after those that it names."""
        self._steps = Steps()
        self._places: dict[str, Place] = {}
        for name, tree in trees.items():
            self._places[name] = (
                self._laid(tree)
                if any(read(tree) for read in READS)
                else self._everywhere(self._laid(tree))
            )

    def values(self, known: Environment, names: Iterable[str]) -> Values:
        """Return named formulas' values side by side, float64 (n, F); NaN where an operand is missing or a divisor is zero."""
        places = [self._places[name] for name in names]
        leaves = known.leaves()
        with np.errstate(divide="ignore", invalid="ignore"):
            if known.size <= FEW and places:
                values = self._steps.run(leaves)
                return (
                    np.concatenate([values[place] for place in places])
                    .reshape(len(places), known.size)
                    .T
                    + 0.0
                )
            found = np.empty((len(places), known.size))
            for first in range(0, known.size if places else 0, AT_ONCE):
                part = slice(first, first + AT_ONCE)
                here = (
                    {name: values[part] for name, values in leaves.items()}
                    if known.size > AT_ONCE
                    else leaves
                )
                values = self._steps.run(here)
                for place, column in zip(places, found, strict=True):
                    np.add(values[place], 0.0, out=column[part])
        return found.T

    def _laid(self, tree: ast.expr) -> Place:
        steps = self._steps
        if (atom := atom_of(tree)) is not None:
            return steps.leaf(atom)
        if (peer := peer_of(tree)) is not None:
            return steps.leaf(peer)
        if isinstance(tree, ast.Constant):
            return steps.constant(np.float64(tree.value))  # type: ignore[arg-type]
        if isinstance(tree, ast.Name):
            return self._named(tree.id)
        if isinstance(tree, ast.UnaryOp):
            return steps.step(np.negative, self._laid(tree.operand))
        if isinstance(tree, ast.BinOp):
            return self._arithmetic(tree.op, self._laid(tree.left), self._laid(tree.right))
        if isinstance(tree, ast.Compare):
            return self._comparison(
                tree.ops[0], self._laid(tree.left), self._laid(tree.comparators[0])
            )
        if isinstance(tree, ast.Call):
            return self._call(tree)
        raise CatalogueError(f"{ast.unparse(tree)!r} is not a formula")

    def _everywhere(self, constant: Place) -> Place:
        """Lay out a constant as one value for each case."""
        return self._missing_where(self._missing(self._steps.leaf("as_of")), constant)

    def _named(self, name: str) -> Place:
        return self._places[name] if name in self._places else self._steps.leaf(name)

    def _arithmetic(self, operator: ast.operator, left: Place, right: Place) -> Place:
        if isinstance(operator, ast.Div):
            nothing = self._steps.step(np.equal, right, self._steps.constant(_ZERO))
            return self._missing_where(nothing, self._steps.step(np.divide, left, right))
        return self._steps.step(_ARITHMETIC[type(operator)], left, right)

    def _comparison(self, operator: ast.cmpop, left: Place, right: Place) -> Place:
        missing = self._steps.step(np.logical_or, self._missing(left), self._missing(right))
        return self._missing_where(missing, self._steps.step(_COMPARE[type(operator)], left, right))

    def _missing(self, place: Place) -> Place:
        return self._steps.step(np.isnan, place)

    def _missing_where(self, missing: Place, value: Place) -> Place:
        return self._steps.step(np.where, missing, self._steps.constant(_NAN), value)

    def _call(self, tree: ast.Call) -> Place:
        name, step = call_name(tree), self._steps.step
        if name == "stored":
            return self._steps.leaf(f"stored {word(tree.args[0])}")
        first, *others = (self._laid(argument) for argument in tree.args)
        if name == "known":
            return step(
                np.multiply, step(np.logical_not, self._missing(first)), self._steps.constant(_ONE)
            )
        if name == "default":
            return step(np.where, self._missing(first), others[0], first)
        if name == "where":
            met = step(np.not_equal, first, self._steps.constant(_ZERO))
            return self._missing_where(self._missing(first), step(np.where, met, *others))
        if name == "lesser":
            return step(np.minimum, first, others[0])
        if name == "greater":
            return step(np.maximum, first, others[0])
        raise CatalogueError(f"unknown function {name!r}")


def formula_values(tree: ast.expr, known: Environment) -> Values:
    """Return a formula's values, float64 (n,)."""
    return Program({"": tree}).values(known, [""])[:, 0]
