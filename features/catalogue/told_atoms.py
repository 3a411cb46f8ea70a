"""The aggregates that a reason may rest on: those of a formula, without what a number that is high is divided by."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from features.catalogue.language import AGGREGATES, MANY, Atom, atom_of, atoms_of, call_name
from features.catalogue.model import Catalogue, Feature


@lru_cache(MANY)
def told_atoms(catalogue: Catalogue, name: str) -> tuple[Atom, ...]:
    """Return the aggregates behind a feature, those that its own formula names first.

    Of a feature of which more is worse, what it divides by is its scale and no evidence: it raises by being small.
    """
    feature = catalogue.feature(name)
    if feature.direction == "up":
        numerators = dict.fromkeys(_atoms_above(catalogue, feature))
        if numerators:
            return tuple(numerators)
    atoms: list[Atom] = []
    for link in reversed(catalogue.chain([name])):
        atoms += sorted(atoms_of(link.tree), key=_order)
    return tuple(dict.fromkeys(atoms))


def _atoms_above(catalogue: Catalogue, feature: Feature) -> Iterator[Atom]:
    """Yield the aggregates of a formula that stand above every division, then those of the features it names there."""
    parts = list(parts_above(feature.tree))
    atoms = [atom for atom in map(atom_of, parts) if atom is not None]
    yield from sorted(atoms, key=_order)
    for part in parts:
        if isinstance(part, ast.Name) and part.id != "as_of":
            yield from _atoms_above(catalogue, catalogue.feature(part.id))


def parts_above(tree: ast.expr) -> Iterator[ast.expr]:
    """Yield the parts of a formula that are not divided by: aggregates and names of features among them.

    >>> formula = ast.parse("(a - b / c) / d", mode="eval").body
    >>> [part.id for part in parts_above(formula) if isinstance(part, ast.Name)]
    ['a', 'b']
    """
    yield tree
    for child in _children_above(tree):
        yield from parts_above(child)


def _children_above(tree: ast.expr) -> list[ast.expr]:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div):
        return [tree.left]
    if isinstance(tree, ast.Call):
        # the words in an aggregate are of measures and windows, not of features
        named_inside = call_name(tree) in (*AGGREGATES, "peer", "stored")
        return [] if named_inside else tree.args
    return [child for child in ast.iter_child_nodes(tree) if isinstance(child, ast.expr)]


def _order(atom: Atom) -> tuple[str, str, str]:
    """Order all aggregates of a formula, whatever the order in which a process happens to hold them."""
    return atom.measure, atom.aggregate, atom.window
