"""Peer values: the lower median of a feature among the living units that share a key, as of the last month end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from features.arrays import NULL, Column, Values, located
from features.cases import Cases, by_month_end
from features.catalogue.language import Atom, Peer, atoms_of
from features.catalogue.model import Catalogue
from features.engine.engine import Engine
from features.seal import check_whole, with_seal


@dataclass(frozen=True, slots=True)
class ByCode:
    """One value (n,) for each of some key codes (n,), ascending."""

    codes: Column
    values: Values

    def of(self, key: Column) -> Values:
        """Return the value of each key (n,), NaN where it has none."""
        if not len(self.codes):
            return np.full(len(key), np.nan)
        place, present = located(self.codes, key)
        return np.where(present, self.values[place], np.nan)


def by_code(values: Mapping[int, float]) -> ByCode:
    """Return values by code, ready to be looked up."""
    codes = sorted(values)
    in_order = [values[code] for code in codes]
    return ByCode(np.array(codes, np.int64), np.array(in_order, np.float64))


Medians = Mapping[Peer, ByCode]
ValuesOfLiving = Callable[[tuple[str, ...], int], tuple[Cases, Values]]
"""(features, day) -> the units that live on a day, and the values of the features for each, float64 (n, F)."""


def medians(
    engine: Engine,
    entity: str,
    peers: Iterable[Peer],
    day: int,
    values_of_living: ValuesOfLiving,
) -> Medians:
    """Return the peer values of a day by key code; computed once for a history, a day and a catalogue, then kept beside it."""
    wanted = sorted(set(peers), key=lambda peer: (peer.feature, peer.by))
    digest = _digest(engine.catalogue, tuple(wanted))
    file = engine.store.folder / "peers" / f"{entity}-{day}-{digest}.json"
    if file.exists():
        return dict(zip(wanted, _read(file), strict=True))
    # No day before the history's first can be described, so the first stands for those before it.
    computed = _computed(wanted, max(day, engine.store.first_known), values_of_living)
    file.parent.mkdir(exist_ok=True)
    in_order = [computed[peer] for peer in wanted]
    with with_seal(file) as unfinished:
        unfinished.write_text(json.dumps(in_order, allow_nan=False), "utf-8")
    return {peer: by_code(values) for peer, values in computed.items()}


@lru_cache(256)
def _read(file: Path) -> tuple[ByCode, ...]:
    """Return peer values from the file that keeps them; a file of a day and a catalogue never changes."""
    check_whole(file)
    entries = json.loads(file.read_text("utf-8"))
    return tuple(_with_codes(entry) for entry in entries)


def _with_codes(entry: Mapping[str, float]) -> ByCode:
    # JSON knows no keys but texts, so the codes were written as texts.
    return by_code({int(code): value for code, value in entry.items()})


@lru_cache(64)
def _digest(catalogue: Catalogue, peers: tuple[Peer, ...]) -> str:
    """Return a digest of all that decides some peer values."""
    definitions = []
    for peer in peers:
        spelled = _spelled(catalogue, peer.feature)
        definitions.append((peer.feature, peer.by, spelled))
    text = json.dumps(definitions, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _spelled(catalogue: Catalogue, name: str) -> list[str]:
    """Return the expressions a feature rests on, as one text a measure or feature."""
    chain = catalogue.chain([name])
    atoms: set[Atom] = set()
    for feature in chain:
        atoms |= atoms_of(feature.tree)
    measures = []
    for atom in atoms:
        spelled = catalogue.measure(atom.measure).spelled()
        measures.append(f"{atom}{spelled}")
    return [feature.expression for feature in chain] + sorted(measures)


def _computed(
    peers: list[Peer], day: int, values_of_living: ValuesOfLiving
) -> dict[Peer, dict[int, float]]:
    names = tuple(dict.fromkeys(peer.feature for peer in peers))
    cases, values = values_of_living(names, day)
    medians_of: dict[Peer, dict[int, float]] = {}
    for peer in peers:
        column = values[:, names.index(peer.feature)]
        medians_of[peer] = lower_medians(column, cases.keys[peer.by])
    return medians_of


def lower_medians(values: Values, key: Column) -> dict[int, float]:
    """Return the lower median of the known values under each key code: a stored value, never a mean of two."""
    keep = ~np.isnan(values) & (key != NULL)
    keys = key[keep]
    ranked = values[keep]
    order = np.lexsort((ranked, keys))
    keys = keys[order]
    ranked = ranked[order]
    codes, begins, sizes = np.unique(keys, return_index=True, return_counts=True)
    middle = begins + (sizes - 1) // 2
    return dict(zip(codes.tolist(), ranked[middle].tolist(), strict=True))


def peer_values(
    engine: Engine,
    cases: Cases,
    peers: Iterable[Peer],
    values_of_living: ValuesOfLiving,
) -> dict[Peer, Values]:
    """Return each case's peer values, float64 (n,), NaN where its key has none."""
    wanted = sorted(set(peers), key=lambda peer: (peer.feature, peer.by))
    by_peer = {peer: np.full(len(cases), np.nan) for peer in wanted}
    if not wanted:
        return by_peer
    for day, places in by_month_end(cases.as_of):
        table = medians(engine, cases.entity, wanted, day, values_of_living)
        for peer in wanted:
            key = cases.keys[peer.by][places]
            by_peer[peer][places] = table[peer].of(key)
    return by_peer
