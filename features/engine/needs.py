"""What some features need: aggregates, peer values and stored values, and their formulas as one program, made once."""

from __future__ import annotations

from dataclasses import dataclass

from features.catalogue.language import Atom, Peer, atoms_of, peers_of, stored_values_read
from features.catalogue.model import Catalogue
from features.engine.formulas import Program


@dataclass(frozen=True, slots=True, eq=False)
class Needs:
    """All that some features and the features behind them read, and the program of their formulas."""

    names: tuple[str, ...]
    atoms: frozenset[Atom]
    peers: frozenset[Peer]
    stored: frozenset[str]
    categories: tuple[str, ...]
    program: Program


def needs_of(catalogue: Catalogue, names: tuple[str, ...]) -> Needs:
    """Return what named features need."""
    trees = {feature.name: feature.tree for feature in catalogue.chain(names)}
    atoms: set[Atom] = set()
    peers: set[Peer] = set()
    stored: set[str] = set()
    for tree in trees.values():
        atoms |= atoms_of(tree)
        peers |= peers_of(tree)
        stored |= stored_values_read(tree)
    categories = tuple(name for name in names if catalogue.feature(name).category)
    return Needs(
        names=names,
        atoms=frozenset(atoms),
        peers=frozenset(peers),
        stored=frozenset(stored),
        categories=categories,
        program=Program(trees),
    )
