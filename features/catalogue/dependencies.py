"""The order in which features can be computed, and what each rests on; a cycle is an error that names its members."""

from __future__ import annotations

from collections.abc import Mapping

from features.catalogue.language import Atom, Peer, atoms_of, names_of, peers_of, stored_values_read
from features.catalogue.model import Catalogue, Feature
from features.errors import CatalogueError


def feature_names(feature: Feature) -> list[str]:
    """Return the features that a formula names, `as_of` aside, those behind peer values included."""
    direct = [name for name in names_of(feature.tree) if name != "as_of"]
    return direct + sorted(peer.feature for peer in peers_of(feature.tree))


def ordered(features: Mapping[str, Feature]) -> list[Feature]:
    """Return features so that each stands after those it names; raise CatalogueError on a cycle or an unknown name."""
    placed: dict[str, Feature] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in placed:
            return
        if name in path:
            raise CatalogueError(
                f"features define each other in a circle: {' -> '.join((*path, name))}"
            )
        if name not in features:
            raise CatalogueError(
                f"feature {path[-1]!r} names {name!r}, which is not declared for this entity"
            )
        for other in feature_names(features[name]):
            visit(other, (*path, name))
        placed[name] = features[name]

    for name in features:
        visit(name, ())
    return list(placed.values())


def stored_behind(catalogue: Catalogue, feature: Feature) -> set[str]:
    """Return every stored value a feature rests on; raise CatalogueError where a peer value would."""
    names: set[str] = set()
    links = list(catalogue.chain([feature.name]))
    for link in links:
        names |= stored_values_read(link.tree)
    for link in links:
        for peer in peers_of(link.tree):
            if stored_behind(catalogue, catalogue.feature(peer.feature)):
                raise CatalogueError(
                    f"feature {link.name!r} takes a peer value of {peer.feature!r}, which is a stored value; "
                    "compare measures instead"
                )
    return names


def closure(catalogue: Catalogue, feature: Feature) -> tuple[set[Atom], set[Peer]]:
    """Return every aggregate and peer value a feature rests on, directly or through other features."""
    atoms, peers = set(atoms_of(feature.tree)), set(peers_of(feature.tree))
    for name in feature_names(feature):
        more_atoms, more_peers = closure(catalogue, catalogue.feature(name))
        atoms |= more_atoms
        peers |= more_peers
    return atoms, peers
