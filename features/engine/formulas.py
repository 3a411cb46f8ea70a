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
"""Cases whose steps are taken at once: of so few a column is 64 KiB, which a processor's cache holds."""
FEW = 64
"""Cases up to which one concatenation of all values is cheaper than writing one feature after another."""
READS = (atoms_of, peers_of, stored_values_read, names_of)
_NAN = np.float64(np.nan)
_ZERO = np.float64(0)
_ONE = np.float64(1)
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
        """Turn formulas by name into steps; each comes after those that it names."""
        self._steps = Steps()
        self._places: dict[str, Place] = {}
        for name, tree in trees.items():
            reads_nothing = not any(read(tree) for read in READS)
            place = self._place_of(tree)
            if reads_nothing:
                place = self._everywhere(place)
            self._places[name] = place

    def values(self, known: Environment, names: Iterable[str]) -> Values:
        """Return named formulas' values side by side, float64 (n, F); NaN where an operand is missing or a divisor is zero."""
        places = [self._places[name] for name in names]
        leaves = known.leaves()
        with np.errstate(divide="ignore", invalid="ignore"):
            if known.size <= FEW and places:
                outcomes = self._steps.run(leaves)
                side_by_side = np.concatenate([outcomes[place] for place in places])
                # The sum with 0.0 turns -0.0 into 0.0, here and below.
                return side_by_side.reshape(len(places), known.size).T + 0.0
            columns = np.empty((len(places), known.size))
            for first in range(0, known.size if places else 0, AT_ONCE):
                part = slice(first, first + AT_ONCE)
                here = leaves
                if known.size > AT_ONCE:
                    here = {name: values[part] for name, values in leaves.items()}
                outcomes = self._steps.run(here)
                for place, column in zip(places, columns, strict=True):
                    np.add(outcomes[place], 0.0, out=column[part])
        return columns.T

    def _place_of(self, tree: ast.expr) -> Place:
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
            return steps.step(np.negative, self._place_of(tree.operand))
        if isinstance(tree, ast.BinOp):
            left_place = self._place_of(tree.left)
            right_place = self._place_of(tree.right)
            return self._arithmetic(tree.op, left_place, right_place)
        if isinstance(tree, ast.Compare):
            left_place = self._place_of(tree.left)
            right_place = self._place_of(tree.comparators[0])
            return self._comparison(tree.ops[0], left_place, right_place)
        if isinstance(tree, ast.Call):
            return self._call(tree)
        raise CatalogueError(f"{ast.unparse(tree)!r} is not a formula")

    def _everywhere(self, constant: Place) -> Place:
        """Add the step that repeats a constant for each case, and return its place."""
        return self._missing_where(self._missing(self._steps.leaf("as_of")), constant)

    def _named(self, name: str) -> Place:
        if name in self._places:
            return self._places[name]
        return self._steps.leaf(name)

    def _arithmetic(self, operator: ast.operator, left: Place, right: Place) -> Place:
        if isinstance(operator, ast.Div):
            is_zero = self._steps.step(np.equal, right, self._steps.constant(_ZERO))
            quotient = self._steps.step(np.divide, left, right)
            return self._missing_where(is_zero, quotient)
        return self._steps.step(_ARITHMETIC[type(operator)], left, right)

    def _comparison(self, operator: ast.cmpop, left: Place, right: Place) -> Place:
        left_missing = self._missing(left)
        right_missing = self._missing(right)
        missing = self._steps.step(np.logical_or, left_missing, right_missing)
        holds = self._steps.step(_COMPARE[type(operator)], left, right)
        return self._missing_where(missing, holds)

    def _missing(self, place: Place) -> Place:
        return self._steps.step(np.isnan, place)

    def _missing_where(self, missing: Place, value: Place) -> Place:
        return self._steps.step(np.where, missing, self._steps.constant(_NAN), value)

    def _call(self, tree: ast.Call) -> Place:
        name = call_name(tree)
        step = self._steps.step
        if name == "stored":
            return self._steps.leaf(f"stored {word(tree.args[0])}")
        first, *others = (self._place_of(argument) for argument in tree.args)
        if name == "known":
            present = step(np.logical_not, self._missing(first))
            # The product with 1.0 makes a float64 of a truth value.
            return step(np.multiply, present, self._steps.constant(_ONE))
        if name == "default":
            return step(np.where, self._missing(first), others[0], first)
        if name == "where":
            holds = step(np.not_equal, first, self._steps.constant(_ZERO))
            missing = self._missing(first)
            return self._missing_where(missing, step(np.where, holds, *others))
        if name == "lesser":
            return step(np.minimum, first, others[0])
        if name == "greater":
            return step(np.maximum, first, others[0])
        raise CatalogueError(f"unknown function {name!r}")


def formula_values(tree: ast.expr, known: Environment) -> Values:
    """Return a formula's values, float64 (n,)."""
    return Program({"": tree}).values(known, [""])[:, 0]
