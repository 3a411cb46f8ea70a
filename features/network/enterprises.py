"""The network of enterprises on one day: moves of workers, shared keys, findings nearby, and phoenix firms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from features.arrays import NULL, Column
from features.network.exposure import (
    exposure_of,
    found_days,
    linked,
    movers,
    ranks,
    starts_of,
    ties,
)
from features.network.moves import Moves, moves_of
from features.network.phoenix import exit_days, phoenix
from features.network.register import EnterpriseRegister, register_of
from features.store.store import Store

Kept = Mapping[str, NDArray[Any]]


def network(store: Store, day: int) -> Mapping[str, Kept]:
    """Return every network value of the enterprises known by a day, by code; those that need absent tables left out."""
    register, links = register_of(store, day)
    found = {"enterprise": register.code} | sharing_counts(links, register)
    none = np.full(len(register), NULL, np.int64)
    latest = found_days(store, register, day) if store.has("found") else None
    if latest is not None:
        found |= {
            "linked_found": linked(links, latest[0] != NULL),
            "linked_found_any": linked(links, latest[1] != NULL),
        }
    if store.has("employment"):
        exits = exit_days(register.closed, latest[1] if latest else none)
        moves, staff = moves_of(store, register.place, exits, day)
        found |= movers(moves, day, len(register)) | phoenix(
            moves, register, exits, staff=staff, links=links
        )
        if latest is not None:
            found |= nearby(moves, links, latest, day=day)
    order = np.argsort(register.code)
    return {"enterprise": {name: column[order] for name, column in found.items()}}


def sharing_counts(links: csr_matrix, register: EnterpriseRegister) -> dict[str, Column]:
    """Return with how many others, and with how many closed others, each shares a representative, address or account."""
    every = np.ones(len(register), np.bool_)
    return {"linked": linked(links, every), "linked_closed": linked(links, register.closed != NULL)}


def nearby(
    moves: Moves, links: csr_matrix, latest: tuple[Column, Column], *, day: int
) -> dict[str, NDArray[Any]]:
    """Return the exposure to enterprises found for violation 1, and for any, directly and along the network."""
    weights = ties(moves, links, day)
    rank = ranks(weights, np.column_stack([starts_of(days, day) for days in latest]))
    found: dict[str, NDArray[Any]] = {}
    for number, name in enumerate(("found", "found_any")):
        weight, came = exposure_of(moves, latest[number] != NULL, day)
        found |= {
            f"move_weight_{name}": weight,
            f"movers_from_{name}_365d": came,
            f"rank_{name}": rank[:, number],
        }
    return found
