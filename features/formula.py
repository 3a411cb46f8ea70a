"""Formulas in numpy: float64 arrays, NaN where missing; each operation is one IEEE step, so every engine gives the same bits."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.errors import CatalogueError
from features.grid import Values
from features.language import Atom, Peer, atom_of, call_name, peer_of, word

_COMPARE: dict[type[ast.cmpop], Callable[[Values, Values], object]] = {
    ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Lt: np.less, ast.LtE: np.less_equal,
    ast.Gt: np.greater, ast.GtE: np.greater_equal}
_ARITHMETIC: dict[type[ast.operator], Callable[[Values, Values], Values]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply}


@dataclass(frozen=True, slots=True)
class Environment:
    """What a formula may read: aggregates, peer values, stored values and earlier features, each float64 (n,)."""

    size: int
    as_of: Values
    atoms: Mapping[Atom, Values]
    peers: Mapping[Peer, Values]
    stored: Mapping[str, Values]
    features: Mapping[str, Values]


def evaluate(tree: ast.expr, known: Environment) -> Values:
    """Return a formula's values, float64 (n,); NaN where an operand is missing or a divisor is zero."""
    if (atom := atom_of(tree)) is not None:
        return known.atoms[atom]
    if (peer := peer_of(tree)) is not None:
        return known.peers[peer]
    if isinstance(tree, ast.Constant):
        return np.full(known.size, float(tree.value))  # type: ignore[arg-type]
    if isinstance(tree, ast.Name):
        return known.as_of if tree.id == "as_of" else known.features[tree.id]
    if isinstance(tree, ast.UnaryOp):
        return -evaluate(tree.operand, known)
    if isinstance(tree, ast.BinOp):
        return _arithmetic(tree.op, evaluate(tree.left, known), evaluate(tree.right, known))
    if isinstance(tree, ast.Compare):
        return _comparison(tree.ops[0], evaluate(tree.left, known), evaluate(tree.comparators[0], known))
    if isinstance(tree, ast.Call):
        return _call(tree, known)
    raise CatalogueError(f"{ast.unparse(tree)!r} is not a formula")


def _arithmetic(operator: ast.operator, left: Values, right: Values) -> Values:
    if isinstance(operator, ast.Div):
        quotient: Values = np.divide(left, right, out=np.full(len(left), np.nan), where=(right != 0) & ~np.isnan(left))
        return quotient
    return _ARITHMETIC[type(operator)](left, right)


def _comparison(operator: ast.cmpop, left: Values, right: Values) -> Values:
    missing = np.isnan(left) | np.isnan(right)
    return np.where(missing, np.nan, np.asarray(_COMPARE[type(operator)](left, right), np.float64))


def _call(tree: ast.Call, known: Environment) -> Values:
    name = call_name(tree)
    if name == "stored":
        return known.stored[word(tree.args[0])]
    parts = [evaluate(argument, known) for argument in tree.args]
    if name == "known":
        return (~np.isnan(parts[0])).astype(np.float64)
    if name == "default":
        return np.where(np.isnan(parts[0]), parts[1], parts[0])
    if name == "where":
        return np.where(np.isnan(parts[0]), np.nan, np.where(parts[0] != 0, parts[1], parts[2]))
    if name == "lesser":
        return np.minimum(parts[0], parts[1])
    if name == "greater":
        return np.maximum(parts[0], parts[1])
    raise CatalogueError(f"unknown function {name!r}")
