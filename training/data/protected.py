"""Protected attributes of cases: what a check of fairness may know of them, and no feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL
from features.catalogue.model import ENTITIES, KEYS
from features.contract.tables import Column, contract
from features.store.store import Store
from training.data.events import DAYS, marks
from training.data.labels import Codes, Floats

Texts = NDArray[np.str_]
CLAIMANT = "worker"
PERSONS = "protected"
"""The contract's table of protected attributes, of workers."""


@dataclass(frozen=True, slots=True, eq=False)
class ProtectedColumn:
    """A protected attribute of cases: its table and column, and the value of each, float64 (n,), NaN where none is known."""

    table: str
    column: Column
    values: Floats

    @property
    def place(self) -> str:
        return f"{self.table}.{self.column.name}"


def protected_columns(store: Store, entity: str, subject: Codes) -> Iterator[ProtectedColumn]:
    """Yield the protected attributes of cases by the codes of their subjects, as they are known on the last closed day.

    They are those that the source declares of the entity, and of a claim also what table `protected` says of its claimant.
    """
    register, _ = ENTITIES[entity]
    for attribute in store.source.attribute:
        if attribute.table == register and attribute.protected and store.has(register):
            values = newest_values(store, register, KEYS[entity][0], attribute.name)
            yield ProtectedColumn(register, attribute.column, values[subject])
    if entity != "claim" or not store.has(PERSONS):
        return
    claimant = claimants(store, subject)
    for column in contract()[PERSONS].columns:
        if column.name == CLAIMANT:
            continue
        values = newest_values(store, PERSONS, CLAIMANT, column.name)
        yield ProtectedColumn(PERSONS, column, _of_known(values, claimant))


def claimants(store: Store, claim: Codes) -> Codes:
    """Return the code of the worker who files each claim, NULL where the register names none."""
    worker = newest_values(store, "claims", "claim", CLAIMANT)[claim]
    return np.where(np.isnan(worker), NULL, worker).astype(np.int64)


def persons_of(store: Store, claim: Codes) -> NDArray[np.str_]:
    """Return who files each claim, as text that no two persons share; a claim that names nobody is a person of its own."""
    worker = claimants(store, claim)
    return np.where(worker == NULL, -1 - claim, worker).astype(np.str_)


def persons_texts(store: Store, column: str, worker: Codes) -> Texts:
    """Return what the protected table says of workers as text, "" where it says nothing or the code is NULL."""
    choices = contract()[PERSONS].column(column).choices
    values = newest_values(store, PERSONS, CLAIMANT, column)
    return texts_of_codes(_of_known(values, worker), choices)


def texts_of_codes(values: Floats, choices: Sequence[str]) -> Texts:
    """Return the text of each code, "" where it is NaN.

    >>> texts_of_codes(np.array([1.0, np.nan]), ("a", "b")).tolist()
    ['b', '']
    """
    # the last text stands for a value that nobody knows
    table = np.array([*choices, ""], np.str_)
    places = np.where(np.isnan(values), len(choices), values)
    return table[places.astype(np.int64)]


def share_of_staff(store: Store, column: str, value: str, looks: tuple[Codes, Codes]) -> Floats:
    """Return the share of an enterprise's staff, by code and day, of whom the protected table says a value; NaN without staff.

    Staff of whom it says nothing do not count. Spells are those known on the last closed day.
    """
    spells = store.live(
        "employment", store.complete_to, (CLAIMANT, "enterprise", "started", "ended")
    )
    texts = persons_texts(store, column, spells[CLAIMANT].astype(np.int64))
    is_said = texts != ""
    has_value = texts[is_said] == value
    spells_of_known = {
        name: spells[name][is_said].astype(np.int64) for name in ("enterprise", "started", "ended")
    }
    staff = _running(spells_of_known, np.ones(len(has_value)), looks)
    of_value = _running(spells_of_known, has_value.astype(np.float64), looks)
    nobody = np.full(len(staff), np.nan)
    return np.asarray(np.divide(of_value, staff, out=nobody, where=staff > 0))


def _running(spells: Mapping[str, Codes], weight: Floats, looks: tuple[Codes, Codes]) -> Floats:
    """Return the weight of the spells that run at an enterprise on a day: begun by then, and not ended."""
    has_end = spells["ended"] != NULL
    enterprise = np.concatenate((spells["enterprise"], spells["enterprise"][has_end]))
    day = np.concatenate((spells["started"], spells["ended"][has_end]))
    step = np.concatenate((weight, -weight[has_end]))
    mark = marks(enterprise, day)
    order = np.argsort(mark, kind="stable")
    so_far = np.concatenate(([0.0], np.cumsum(step[order])))
    code, until = looks
    end = np.searchsorted(mark[order], marks(code, until), side="right")
    begin = np.searchsorted(mark[order], code * DAYS)
    return np.asarray(so_far[end] - so_far[begin])


def newest_values(store: Store, table: str, key: str, name: str) -> Floats:
    """Return by code of a key the newest value of a column on the last closed day, float64, NaN where there is none."""
    dated = [when for register, when in ENTITIES.values() if register == table]
    rows = store.live(table, store.complete_to, (key, name, *dated))
    codes, column = rows[key], rows[name]
    for when in dated:
        order = np.argsort(rows[when], kind="stable")
        codes, column = codes[order], column[order]
    values = np.full(store.dictionary(key).size, np.nan)
    # of several rows of one code the last one stays
    values[codes] = np.where(column == NULL, np.nan, column)
    return values


def _of_known(values: Floats, code: Codes) -> Floats:
    """Return the value of each code, NaN where the code is NULL."""
    is_named = code != NULL
    of_each = np.full(len(code), np.nan)
    of_each[is_named] = values[code[is_named]]
    return of_each
