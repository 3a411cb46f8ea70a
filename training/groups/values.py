"""The groups of cases: to which group of each attribute of `groups.toml` a case belongs, read as that table says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.aggregates.reader import atom_values
from features.arrays import NULL
from features.catalogue.language import Atom
from features.catalogue.model import ENTITIES
from features.contract.tables import Column, contract
from features.engine.engine import Engine
from features.engine.population import bare_cases
from features.matrix import Matrix
from features.store.store import Store
from training.data.events import marks
from training.data.protected import (
    PERSONS,
    claimants,
    newest_values,
    persons_texts,
    share_of_staff,
    texts_of_codes,
)
from training.groups.table import (
    ALL_OTHERS,
    NOBODY_KNOWS,
    AuditAttribute,
    AuditGroup,
    AuditReading,
    GroupTable,
)

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """Cases whose groups are asked: the engine that knows them, their features, and the codes of their subjects."""

    engine: Engine
    matrix: Matrix
    subject: Codes

    @property
    def store(self) -> Store:
        return self.engine.store

    @property
    def day(self) -> Codes:
        return self.matrix.as_of.astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """An attribute's groups, and the place of each case's among them, int64 (n,); `word` says why there are none."""

    attribute: AuditAttribute
    groups: tuple[AuditGroup, ...]
    member: Codes
    word: str = ""


def partitions(looked: Looked, table: GroupTable) -> list[Partition]:
    """Return the partition of cases by each attribute of a table."""
    return [_partition(looked, attribute, table) for attribute in table.attribute]


def _partition(looked: Looked, attribute: AuditAttribute, table: GroupTable) -> Partition:
    entity = looked.matrix.entity
    reading = attribute.reading(entity)
    if reading is None:
        return _unknown(attribute, f"not known: nothing in the contract says it of a {entity}")
    missing = _missing(looked, reading)
    if missing:
        return _unknown(attribute, f"not known: the source holds no {missing}")
    values = _values(looked, reading, table.least_share)
    groups, member = _grouped(values, reading.groups, table.most_groups)
    if not groups:
        return _unknown(attribute, "not known: the source says it of no case of the test")
    return Partition(attribute, groups, member)


def _unknown(attribute: AuditAttribute, word: str) -> Partition:
    return Partition(attribute, (), np.empty(0, np.int64), word)


# ---- which tables and features a reading needs


NEEDED: Mapping[str, tuple[str, ...]] = {
    "cover": ("enterprises",),
    "district": ("cells",),
    "protected": (PERSONS,),
    "staff": (PERSONS, "employment"),
}
"""The tables without which a reading says nothing, by its first word."""


def _missing(looked: Looked, reading: AuditReading) -> str:
    """Return the table, or the features, without which a reading says nothing; "" where all are there."""
    how, *words = reading.read.split()
    if how in ("largest", "leading"):
        there = set(words) & set(looked.matrix.names)
        return "" if there else f"feature {' or '.join(words)}"
    tables = [*NEEDED.get(how, ())]
    if words == ["district"]:
        tables.append("cells")
    if how == "claimant":
        tables.append("employment" if words == ["spell"] else "workers")
    absent = [table for table in tables if not looked.store.has(table)]
    return f"table {absent[0]}" if absent else ""


# ---- the values


Values = Floats | Texts


def _values(looked: Looked, reading: AuditReading, least_share: float) -> Values:
    """Return what a reading says of each case: a number, NaN where nothing is known, or a text, then ""."""
    how, *words = reading.read.split()
    if how == "leading":
        return _leading(looked.matrix, words, least_share)
    return READERS[how](looked, words)


def _largest(looked: Looked, names: Sequence[str]) -> Floats:
    """Return the largest known of some features."""
    matrix = looked.matrix
    columns = [matrix.column(name) for name in names if name in matrix.names]
    return np.asarray(np.fmax.reduce(columns), np.float64)


def _leading(matrix: Matrix, names: Sequence[str], least: float) -> Texts:
    """Return the name of the greatest of some shares where it is at least `least`, else "none"; "" where none is known."""
    there = [name for name in names if name in matrix.names]
    shares = np.array([matrix.column(name) for name in there])
    greatest = np.fmax.reduce(shares)
    leader = np.array(there, np.str_)[np.nan_to_num(shares, nan=-1.0).argmax(axis=0)]
    named = np.where(greatest >= least, leader, "none")
    return np.where(np.isnan(greatest), "", named)


def _register(looked: Looked, entity: str, code: Codes, column: str) -> Texts:
    """Return what a register holds of units on the days of the cases, as text; of a code that is NULL nothing."""
    table, _ = ENTITIES[entity]
    declared = contract()[table].column(column)
    is_named = code != NULL
    cases = bare_cases(entity, code[is_named], looked.day[is_named])
    atom = Atom("newest", f"{entity}_{column}", "all")
    values = np.full(len(code), np.nan)
    values[is_named] = atom_values(looked.engine, cases, {atom})[atom]
    return texts_of_codes(values, _texts(looked.store, declared))


def _texts(store: Store, column: Column) -> tuple[str, ...]:
    """Return the texts of a column's codes."""
    if column.kind == "choice":
        return column.choices
    if column.kind == "id":
        return tuple(store.texts(column.space))
    return "0", "1"


def _own(looked: Looked, words: Sequence[str]) -> Texts:
    """Return what the register holds of the units themselves."""
    return _register(looked, looked.matrix.entity, looked.subject, words[0])


def _own_district(looked: Looked, _: Sequence[str]) -> Texts:
    """Return the districts of the units themselves."""
    return _district(looked, looked.matrix.entity, looked.subject)


def _cover(looked: Looked, words: Sequence[str]) -> Texts:
    """Return what the register holds of the enterprises of cover of claims."""
    enterprise = _claim_key(looked, "enterprise")
    [column] = words
    if column == "district":
        return _district(looked, "enterprise", enterprise)
    return _register(looked, "enterprise", enterprise, column)


def _claim_key(looked: Looked, key: str) -> Codes:
    """Return whom the newest row of each claim names under a key, NULL where it names nobody."""
    codes = newest_values(looked.store, "claims", "claim", key)[looked.subject]
    return np.where(np.isnan(codes), NULL, codes).astype(np.int64)


def _district(looked: Looked, entity: str, code: Codes) -> Texts:
    """Return the district of the grid cell in which units lay on the days of the cases."""
    cell = _register(looked, entity, code, "cell")
    cells = looked.store.live("cells", looked.store.complete_to, ("cell", "since", "district"))
    by_day = np.argsort(cells["since"], kind="stable")
    texts = looked.store.texts("cell")
    districts = looked.store.texts("district")
    # of several rows of a cell the last one stays
    codes = zip(cells["cell"][by_day].tolist(), cells["district"][by_day].tolist(), strict=True)
    district_of = {texts[each]: districts[district] for each, district in codes}
    return np.array([district_of.get(text, "") for text in cell.tolist()], np.str_)


def _claimant(looked: Looked, words: Sequence[str]) -> Texts:
    """Return what is known of claimants on the last closed day; of spells, the kind of the newest begun by the case's day."""
    worker = claimants(looked.store, looked.subject)
    [column] = words
    if column == "spell":
        return _spell(looked, worker)
    values = newest_values(looked.store, "workers", "worker", column)
    is_named = worker != NULL
    of_each = np.full(len(worker), np.nan)
    of_each[is_named] = values[worker[is_named]]
    declared = contract()["workers"].column(column)
    return texts_of_codes(of_each, declared.choices)


def _spell(looked: Looked, worker: Codes) -> Texts:
    """Return the kind of each worker's newest spell of employment that had begun by the day of the case."""
    read = ("worker", "started", "kind")
    spells = looked.store.live("employment", looked.store.complete_to, read)
    of_worker, started, kind = (spells[name].astype(np.int64) for name in read)
    begun = marks(of_worker, started)
    order = np.lexsort((kind, begun))
    place = np.searchsorted(begun[order], marks(worker, looked.day), side="right") - 1
    # the row behind the last, which place -1 means too, is nobody's
    newest_worker = np.append(of_worker[order], NULL)[place]
    newest_kind = np.append(kind[order], NULL)[place]
    is_said = (newest_worker == worker) & (newest_kind != NULL)
    declared = contract()["employment"].column("kind")
    return texts_of_codes(np.where(is_said, newest_kind, np.nan), declared.choices)


def _protected(looked: Looked, words: Sequence[str]) -> Texts:
    """Return what the protected table says of claimants."""
    worker = claimants(looked.store, looked.subject)
    return persons_texts(looked.store, words[0], worker)


def _staff(looked: Looked, words: Sequence[str]) -> Floats:
    """Return the share of the staff of whom the protected table says a value."""
    column, _, value = words
    looks = (looked.subject, looked.day)
    return share_of_staff(looked.store, column, value, looks)


READERS: Mapping[str, Callable[[Looked, Sequence[str]], Values]] = {
    "largest": _largest,
    "register": _own,
    "cover": _cover,
    "district": _own_district,
    "claimant": _claimant,
    "protected": _protected,
    "staff": _staff,
}
"""What reads the value of an attribute, by the first word of its reading."""


# ---- the groups of values


def _grouped(
    values: Values, declared: tuple[AuditGroup, ...], most: int
) -> tuple[tuple[AuditGroup, ...], Codes]:
    """Return the groups of values and the place of each case's; none where no case has a value."""
    if values.dtype.kind == "f":
        numbers = values.astype(np.float64)
        place = _range_place(numbers, declared)
        is_known = ~np.isnan(numbers)
    else:
        texts = values.astype(np.str_)
        declared = declared or _most_frequent(texts, most)
        place = _declared_place(texts, declared)
        is_known = texts != ""
    if not is_known.any():
        return (), np.empty(0, np.int64)
    member = np.where(is_known, place, len(declared))
    return (*declared, NOBODY_KNOWS), member.astype(np.int64)


def _range_place(values: Floats, declared: tuple[AuditGroup, ...]) -> Codes:
    """Return the place of the first group below whose end each number lies, behind the last where none does."""
    ends = [np.inf if group.below is None else group.below for group in declared]
    return np.searchsorted(np.array(ends), np.nan_to_num(values), side="right")


def _declared_place(values: Texts, declared: tuple[AuditGroup, ...]) -> Codes:
    """Return the place of the group that declares each value, behind the last where none does."""
    place_of: dict[str, int] = {}
    for place, group in enumerate(declared):
        place_of |= dict.fromkeys(group.values, place)
    places = [place_of.get(text, len(declared)) for text in values.tolist()]
    return np.array(places, np.int64)


def _most_frequent(values: Texts, most: int) -> tuple[AuditGroup, ...]:
    """Return a group for each value, in the order of the texts, the rarest together as one where there are too many."""
    distinct, sizes = np.unique(values[values != ""], return_counts=True)
    most_first = np.lexsort((distinct, -sizes))
    names = np.sort(distinct[most_first[:most]]).tolist()
    groups = [AuditGroup(name=name, zh=name, en=name, values=(name,)) for name in names]
    if len(distinct) > most:
        rare = np.sort(distinct[most_first[most:]]).tolist()
        groups.append(ALL_OTHERS.model_copy(update={"values": tuple(rare)}))
    return tuple(groups)
