"""Features that tell of others: what a firm or person concerned by a score must not learn from its explanation."""

from __future__ import annotations

from features.catalogue.dependencies import closure, stored_behind
from features.catalogue.model import Catalogue, Feature

OWN_KEYS = {
    "enterprise": {"enterprise", "agency"},
    "claim": {"claim", "worker"},
    "provider": {"provider"},
}
"""The keys by which a unit's own rows are counted; rows by any other key are of others too."""
CONFIDENTIAL = {"complaints", "claims", "network"}
"""Families that would show who complained, which worker claimed a benefit, or with whom a unit is linked."""


def tells_of_others(catalogue: Catalogue, feature: Feature) -> bool:
    """Tell whether a feature's value says something of other units or persons, or who gave information."""
    if feature.family in CONFIDENTIAL:
        return True
    atoms, peers = closure(catalogue, feature)
    keys = {catalogue.measure(atom.measure).by for atom in atoms}
    own_keys = OWN_KEYS[feature.entity]
    return bool(peers) or bool(stored_behind(catalogue, feature)) or not keys <= own_keys
