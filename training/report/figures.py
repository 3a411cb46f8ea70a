"""Figures of the report: a value and its interval as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FEN = 100.0
"""Fen of a yuan, since amounts are kept in fen and read in yuan."""
COUNTED = {"persons": ("人数", "persons"), "fen": ("金额（元）", "yuan")}
"""By unit of what is counted: its name in both languages."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and the ends of its interval, as texts."""

    value: str
    ends: str


def share_figure(told: Sequence[float], *, signed: bool = False) -> Figure:
    """Return a share in percent.

    >>> share_figure((0.25, 0.2, 0.305))
    Figure(value='25.0 %', ends='20.0 – 30.5 %')
    """
    sign = "+" if signed else ""
    value, low, high = (f"{number * 100:{sign}.1f}" for number in told)
    return Figure(f"{value} %", f"{low} – {high} %")


def times_figure(told: Sequence[float]) -> Figure:
    """Return how many times as often.

    >>> times_figure((2.0, 1.52, 2.7))
    Figure(value='2.0 ×', ends='1.5 – 2.7 ×')
    """
    value, low, high = (f"{number:.1f}" for number in told)
    return Figure(f"{value} ×", f"{low} – {high} ×")


def amount_figure(told: Sequence[float], unit: str, *, signed: bool = False) -> Figure:
    """Return a number of persons, or an amount in yuan.

    >>> amount_figure((12_345.0, 9_000.0, 20_000.0), "fen")
    Figure(value='123', ends='90 – 200')
    """
    sign = "+" if signed else ""
    in_fen = unit == "fen"
    digits = 0 if in_fen else 2
    scale = FEN if in_fen else 1.0
    value, low, high = (f"{number / scale:{sign},.{digits}f}" for number in told)
    return Figure(value, f"{low} – {high}")


def unit_words(unit: str) -> tuple[str, str]:
    """Return what is counted in both languages."""
    return COUNTED.get(unit, ("数量", "number"))
