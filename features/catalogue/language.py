"""The two small languages of the catalogue: row expressions (filters, values) and formulas (arithmetic on aggregates)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from features.errors import CatalogueError

MULTISET = ("since", "first_since", "largest", "smallest", "median", "distinct", "newest")
ADDITIVE = ("sum", "count")
SERIES = ("peak", "low", "last", "months", "slope", "variance")
AGGREGATES = ADDITIVE + SERIES + MULTISET
LIMIT = 2**53
"""Sums stay below this, because float64 holds every integer up to it."""
MANY = 1 << 15
"""Nodes whose meaning is remembered: more than the formulas of a catalogue have."""


class Atom(NamedTuple):
    """One aggregate of one measure over one window: what the engines compute from rows."""

    aggregate: str
    measure: str
    window: str


class Peer(NamedTuple):
    """The lower median of a feature among the living units that share a key of the case."""

    feature: str
    by: str


def word(node: ast.expr, where: str = "formula") -> str:
    """Return the bare word that an argument is, such as a measure's name or a window like `30d`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise CatalogueError(f"{where}: expected a name, got {ast.unparse(node)!r}")


def call_name(node: ast.expr) -> str | None:
    """Return the function a node calls, or None where it is no call."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    return None


@lru_cache(MANY)
def atom_of(node: ast.expr) -> Atom | None:
    """Return the aggregate that a node stands for, or None."""
    name = call_name(node)
    if name in AGGREGATES and isinstance(node, ast.Call):
        measure, window = node.args
        return Atom(str(name), word(measure), word(window))
    return None


@lru_cache(MANY)
def peer_of(node: ast.expr) -> Peer | None:
    """Return the peer value that a node stands for, or None."""
    if call_name(node) == "peer" and isinstance(node, ast.Call):
        feature, key = node.args
        return Peer(word(feature), word(key))
    return None


@lru_cache(MANY)
def atoms_of(tree: ast.expr) -> frozenset[Atom]:
    """Return every aggregate that a formula needs."""
    atoms = {atom_of(node) for node in ast.walk(tree) if isinstance(node, ast.expr)}
    return frozenset(atom for atom in atoms if atom)


@lru_cache(MANY)
def peers_of(tree: ast.expr) -> frozenset[Peer]:
    """Return every peer value that a formula needs."""
    peers = {peer_of(node) for node in ast.walk(tree) if isinstance(node, ast.expr)}
    return frozenset(peer for peer in peers if peer)


@lru_cache(MANY)
def stored_values_read(tree: ast.expr) -> frozenset[str]:
    """Return every stored value that a formula reads."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return frozenset(word(call.args[0]) for call in calls if call_name(call) == "stored")


@lru_cache(MANY)
def names_of(tree: ast.expr) -> tuple[str, ...]:
    """Return the bare names of other features, of `as_of`, that a formula refers to."""
    return tuple(_names(tree))


def _names(tree: ast.expr) -> Iterator[str]:
    if isinstance(tree, ast.Name):
        yield tree.id
    elif isinstance(tree, ast.Call):
        if call_name(tree) not in (*AGGREGATES, "peer", "stored"):
            for argument in tree.args:
                yield from _names(argument)
    else:
        for child in ast.iter_child_nodes(tree):
            if isinstance(child, ast.expr):
                yield from _names(child)


@lru_cache(MANY)
def row_columns(tree: ast.expr) -> frozenset[str]:
    """Return the columns that a row expression reads."""
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
