"""Parameters of the mechanisms: a small text table each, read by the code and printed in docs/city.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a mechanism, its unit, where it comes from, and what it means."""

    name: str
    value: float
    unit: str
    source: str
    meaning: str


class Parameters(Mapping[str, float]):
    """The parameters of one mechanism by name; `rows` holds them with their units and sources."""

    def __init__(self, rows: tuple[Parameter, ...]) -> None:
        self.rows = rows
        self._values = {row.name: row.value for row in rows}

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def parameter_of(line: str) -> Parameter:
    """Return the parameter that one line `name | value | unit | source | meaning` declares."""
    name, value, unit, source, meaning = (part.strip() for part in line.split("|"))
    return Parameter(name, float(value), unit, source, meaning)


def parameters(text: str) -> Parameters:
    """Return the parameters of a table text.

    >>> parameters("delay | 12 | days | assumed | usual delay")["delay"]
    12.0
    """
    return Parameters(tuple(parameter_of(line) for line in text.strip().splitlines()))
