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
    values = {"enterprise": register.code} | sharing_counts(links, register)
    latest = found_days(store, register, day) if store.has("found") else None
    latest_any = np.full(len(register), NULL, np.int64)
    if latest is not None:
        latest_any = latest[1]
        values["linked_found"] = linked(links, latest[0] != NULL)
        values["linked_found_any"] = linked(links, latest_any != NULL)
    if store.has("employment"):
        exits = exit_days(register.closed, latest_any)
        moves, staff = moves_of(store, register.place, exits, day)
        values |= movers(moves, day, len(register))
        values |= phoenix(moves, register, exits, staff=staff, links=links)
        if latest is not None:
            values |= nearby(moves, links, latest, day=day)
    order = np.argsort(register.code)
    by_code = {name: column[order] for name, column in values.items()}
    return {"enterprise": by_code}


def sharing_counts(links: csr_matrix, register: EnterpriseRegister) -> dict[str, Column]:
    """Return with how many others, and with how many closed others, each shares a representative, address or account."""
    every = np.ones(len(register), np.bool_)
    closed = register.closed != NULL
    return {"linked": linked(links, every), "linked_closed": linked(links, closed)}


def nearby(
    moves: Moves, links: csr_matrix, latest: tuple[Column, Column], *, day: int
) -> dict[str, NDArray[Any]]:
    """Return the exposure to enterprises found for violation 1, and for any, directly and along the network."""
    weights = ties(moves, links, day)
    starts = np.column_stack([starts_of(days, day) for days in latest])
    rank = ranks(weights, starts)
    values: dict[str, NDArray[Any]] = {}
    for number, name in enumerate(("found", "found_any")):
        marked = latest[number] != NULL
        weight, came = exposure_of(moves, marked, day)
        values[f"move_weight_{name}"] = weight
        values[f"movers_from_{name}_365d"] = came
        values[f"rank_{name}"] = rank[:, number]
    return values
