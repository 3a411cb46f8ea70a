"""A fact: what the rows of one table say of a case, with the rows and days that it rests on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """What the rows of one table say of a case: a measure's value over `first` to `last`, integer days."""

    measure: str
    table: str
    zh: str
    en: str
    value: int | None
    unit: str
    first: int
    last: int
    row_ids: tuple[str, ...]
    n_rows: int
