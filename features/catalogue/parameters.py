"""Parameters of the network that people argue about, read from parameters.txt: one definition for code, digest and dictionary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from features.catalogue.text_files import declaration_lines, declaration_text, once
from features.errors import CatalogueError

FILE = "parameters.txt"
Days = int
Count = int
Share = float
UNITS = {"Days": "days", "Count": "count", "Share": "share"}
"""The unit in which a field of each type is declared."""
MOST = {"days": 36_500, "count": 1_000_000}
"""The greatest value of each unit; a choice: 100 years, and more units than one key or number ever has."""


@dataclass(frozen=True, slots=True)
class NetworkParameter:
    """A declared value: what it means, and why it has this value, in both languages."""

    name: str
    value: int | float
    unit: str
    zh: str
    en: str
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class NetworkParameters:
    """The value of each parameter of the network; parameters.txt says what each means."""

    move_gap: Days
    move_span: Days
    most_spells: Count
    exit_span: Days
    weight_half_life: Days
    most_sharing: Count
    link_moves: Count
    walk_share: Share
    heir_lead: Days
    moved_together: Count
    ring_claimants: Count
    most_providers: Count


@cache
def network_parameters() -> NetworkParameters:
    """Return the declared values by name."""
    values: dict[str, Any] = {name: p.value for name, p in declared_parameters().items()}
    return NetworkParameters(**values)


@cache
def declared_parameters() -> Mapping[str, NetworkParameter]:
    """Return the declarations of parameters.txt by name."""
    return parameters_in(declaration_text(FILE))


def parameters_in(text: str) -> Mapping[str, NetworkParameter]:
    """Return the parameters of a declaration text by name; CatalogueError unless it declares each of them once and rightly."""
    units = {field.name: UNITS[str(field.type)] for field in fields(NetworkParameters)}
    rows: list[NetworkParameter] = []
    for name, value, unit, *words in declaration_lines(text, 7, FILE):
        if name not in units:
            raise CatalogueError(
                f"{FILE}: {name!r} is not a parameter; it should be one of {', '.join(units)}"
            )
        if unit != units[name]:
            raise CatalogueError(
                f"{FILE}: {name} should be declared in {units[name]}; got {unit!r}"
            )
        if not all(words):
            raise CatalogueError(f"{FILE}: {name} needs its meaning and its reason in zh and en")
        rows.append(NetworkParameter(name, _value(name, value, unit), unit, *words))
    parameters = once(rows, lambda parameter: parameter.name, "parameter")
    missing = [name for name in units if name not in parameters]
    if missing:
        raise CatalogueError(f"{FILE} lacks {', '.join(missing)}; add a line for each")
    return parameters


def _value(name: str, text: str, unit: str) -> int | float:
    """Return a value as its unit reads it; CatalogueError where it does not fit."""
    if unit == "share":
        if re.fullmatch(r"0?\.[0-9]{1,6}", text) and float(text) > 0:
            return float(text)
        raise CatalogueError(f"{FILE}: {name} should be a share above 0 and below 1; got {text!r}")
    most = MOST[unit]
    if re.fullmatch(r"[0-9]{1,7}", text) and 1 <= int(text) <= most:
        return int(text)
    raise CatalogueError(
        f"{FILE}: {name} should be a whole number from 1 to {most} ({unit}); got {text!r}"
    )
