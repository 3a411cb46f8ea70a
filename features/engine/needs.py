"""What some features need: aggregates, peer values and stored values, and their formulas laid out once for a catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from features.catalogue import Catalogue
from features.catalogue.language import Atom, Peer, atoms_of, peers_of, stored_values_read
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


@lru_cache(64)
def needs_of(catalogue: Catalogue, names: tuple[str, ...]) -> Needs:
    """Return what named features need."""
    chain = catalogue.chain(names)
    atoms = frozenset(atom for feature in chain for atom in atoms_of(feature.tree))
    peers = frozenset(peer for feature in chain for peer in peers_of(feature.tree))
    stored = frozenset(name for feature in chain for name in stored_values_read(feature.tree))
    categories = tuple(name for name in names if catalogue.feature(name).category)
    return Needs(
        names,
        atoms,
        peers,
        stored,
        categories,
        Program({feature.name: feature.tree for feature in chain}),
    )
