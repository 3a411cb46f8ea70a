"""Declared parameters: days, counts and shares that people argue about, each in a table with its meaning and its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from features.errors import CatalogueError
from features.text_files import declaration_lines, once

Days = int
Count = int
Share = float
UNITS = {"Days": "days", "Count": "count", "Share": "share"}
"""The unit in which a field of each type is declared."""
MOST = {"days": 36_500, "count": 1_000_000}
"""The greatest value of each unit; a choice: 100 years, and more units than one key or number ever has."""
_Values = TypeVar("_Values")


@dataclass(frozen=True, slots=True)
class DeclaredParameter:
    """A declared value: what it means, and why it has this value, in both languages."""

    name: str
    value: int | float
    unit: str
    zh: str
    en: str
    reason_zh: str
    reason_en: str


def parameter_values(kind: type[_Values], declared: Mapping[str, DeclaredParameter]) -> _Values:
    """Return the declared values by name, as a dataclass of that kind."""
    values: dict[str, Any] = {name: parameter.value for name, parameter in declared.items()}
    return kind(**values)


def parameters_in(text: str, kind: type[Any], file: str) -> Mapping[str, DeclaredParameter]:
    """Return the parameters of a declaration text by name; CatalogueError unless it declares each of them once and rightly.

    `kind` is a dataclass that has a field for each, of type Days, Count or Share; `file` is named in errors.
    """
    units = {field.name: UNITS[str(field.type)] for field in fields(kind)}
    rows: list[DeclaredParameter] = []
    for name, value, unit, *words in declaration_lines(text, 7, file):
        if name not in units:
            raise CatalogueError(
                f"{file}: {name!r} is not a parameter; it should be one of {', '.join(units)}"
            )
        if unit != units[name]:
            raise CatalogueError(
                f"{file}: {name} should be declared in {units[name]}; got {unit!r}"
            )
        if not all(words):
            raise CatalogueError(f"{file}: {name} needs its meaning and its reason in zh and en")
        rows.append(DeclaredParameter(name, _value(name, value, unit, file), unit, *words))
    parameters = once(rows, lambda parameter: parameter.name, "parameter")
    missing = [name for name in units if name not in parameters]
    if missing:
        raise CatalogueError(f"{file} lacks {', '.join(missing)}; add a line for each")
    return parameters


def _value(name: str, text: str, unit: str, file: str) -> int | float:
    """Return a value as its unit reads it; CatalogueError where it does not fit."""
    if unit == "share":
        if re.fullmatch(r"0?\.[0-9]{1,6}", text) and float(text) > 0:
            return float(text)
        raise CatalogueError(f"{file}: {name} should be a share above 0 and below 1; got {text!r}")
    most = MOST[unit]
    if re.fullmatch(r"[0-9]{1,7}", text) and 1 <= int(text) <= most:
        return int(text)
    raise CatalogueError(
        f"{file}: {name} should be a whole number from 1 to {most} ({unit}); got {text!r}"
    )
