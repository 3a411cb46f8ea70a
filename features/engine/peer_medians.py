"""Peer values: the lower median of a feature among the living units that share a key, as of the last month end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from features.aggregates.reader import atom_values
from features.arrays import NULL, Column, Values, located
from features.cases import Cases, by_month_end
from features.catalogue import Catalogue
from features.catalogue.language import Peer, atoms_of
from features.engine.formulas import Environment
from features.engine.needs import needs_of
from features.engine.population import living
from features.files import write_text
from features.store.store import Store


@dataclass(frozen=True, slots=True)
class ByCode:
    """One value (n,) for each of some key codes (n,), ascending."""

    codes: Column
    values: Values

    def of(self, key: Column) -> Values:
        """Return the value of each key (n,), NaN where it has none."""
        place, held = located(self.codes, key)
        return (
            np.where(held, self.values[place], np.nan)
            if len(self.codes)
            else np.full(len(key), np.nan)
        )


def by_code(values: Mapping[int, float]) -> ByCode:
    """Return values by code, ready to be looked up."""
    codes = sorted(values)
    return ByCode(np.array(codes, np.int64), np.array([values[code] for code in codes], np.float64))


Medians = Mapping[Peer, ByCode]


def medians(
    store: Store, catalogue: Catalogue, entity: str, peers: Iterable[Peer], day: int
) -> Medians:
    """Return the peer values of a day by key code; computed once for a history, a day and a catalogue, then kept beside it."""
    wanted = sorted(set(peers), key=lambda peer: (peer.feature, peer.by))
    kept = store.folder / "peers" / f"{entity}-{day}-{_said(catalogue, tuple(wanted))}.json"
    if kept.exists():
        return dict(zip(wanted, _read(kept), strict=True))
    found = _computed(store, catalogue, entity, wanted, max(day, store.first_known))
    kept.parent.mkdir(exist_ok=True)
    write_text(kept, json.dumps([found[peer] for peer in wanted], allow_nan=False))
    return {peer: by_code(values) for peer, values in found.items()}


@lru_cache(256)
def _read(kept: Path) -> tuple[ByCode, ...]:
    """Return peer values that were kept; a file of a day and a catalogue never changes."""
    return tuple(
        by_code({int(code): value for code, value in found.items()})
        for found in json.loads(kept.read_text("utf-8"))
    )


@lru_cache(64)
def _said(catalogue: Catalogue, peers: tuple[Peer, ...]) -> str:
    """Return a digest of all that decides some peer values."""
    said = json.dumps(
        [(peer.feature, peer.by, _spelled(catalogue, peer.feature)) for peer in peers],
        allow_nan=False,
    )
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _spelled(catalogue: Catalogue, name: str) -> list[str]:
    """Return the expressions a feature rests on, as one text a measure or feature."""
    chain = catalogue.chain([name])
    atoms = {atom for feature in chain for atom in atoms_of(feature.tree)}
    return [f.expression for f in chain] + sorted(
        f"{atom}{catalogue.measure(atom.measure).spelled()}" for atom in atoms
    )


def _computed(
    store: Store, catalogue: Catalogue, entity: str, peers: list[Peer], day: int
) -> dict[Peer, dict[int, float]]:
    cases = living(store, catalogue, entity, day)
    needs = needs_of(catalogue, tuple(dict.fromkeys(peer.feature for peer in peers)))
    atoms = atom_values(store, catalogue, cases, needs.atoms)
    values = needs.program.values(
        Environment(len(cases), cases.as_of.astype(np.float64), atoms, {}, {}, {}), needs.names
    )
    return {
        peer: lower_medians(values[:, needs.names.index(peer.feature)], cases.keys[peer.by])
        for peer in peers
    }


def lower_medians(values: Values, key: Column) -> dict[int, float]:
    """Return the lower median of the known values under each key code: a stored value, never a mean of two."""
    keep = ~np.isnan(values) & (key != NULL)
    order = np.lexsort((values[keep], key[keep]))
    keys, ranked = key[keep][order], values[keep][order]
    codes, begins, sizes = np.unique(keys, return_index=True, return_counts=True)
    return dict(zip(codes.tolist(), ranked[begins + (sizes - 1) // 2].tolist(), strict=True))


def peer_values(
    store: Store, catalogue: Catalogue, cases: Cases, peers: Iterable[Peer]
) -> dict[Peer, Values]:
    """Return each case's peer values, float64 (n,), NaN where its key has none."""
    wanted = sorted(set(peers), key=lambda peer: (peer.feature, peer.by))
    found = {peer: np.full(len(cases), np.nan) for peer in wanted}
    if not wanted:
        return found
    for day, here in by_month_end(cases.as_of):
        table = medians(store, catalogue, cases.entity, wanted, day)
        for peer in wanted:
            found[peer][here] = table[peer].of(cases.keys[peer.by][here])
    return found
