"""The arguments of a city: its size, its months, its last day and its seed; and the random streams made from the seed."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.calendar import day_of, first_day, month_of_day
from features.errors import RequestError
from simulation.ground.parameters import parameters

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

P = parameters("""
enterprises | 433193 | units | seed | corporate units of the full city
workers | 5900000 | persons | seed | working people of the full city
cells | 396 | cells | seed | grid cells of the full city, one team each
full_time | 150 | members | seed | full-time inspectors of the full city
part_time | 300 | members | seed | part-time inspectors of the full city
assistants | 650 | members | seed | inspection assistants of the full city
block | 4096 | units | assumed | enterprises simulated together; workers change jobs only within a block
""")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,74}")
"""What a city may be called: as any source, and so that the city beside a dump can add `-city`."""
BLOCK = int(P["block"])
WORKERS_A_BLOCK = 500_000
"""Numbers set aside for the workers of a block; a choice: far more than 4,096 enterprises have."""
CLAIMS_A_BLOCK = 4_000_000
"""Numbers set aside for the claims of a block, shared out among the months; a choice: far more than a block has."""
NEVER = 1 << 29
"""The day of what does not happen: after every day of a city, and a span added to it still fits an int32."""
NULL = -(1 << 31)
"""Stands for an empty cell: the least int32."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The arguments of a city: units, months up to the one that `until` (a day) lies in, the seed, and its source's name.

    Where no name is given, that of the layout is used.
    """

    enterprises: int
    months: int
    until: int
    seed: int
    name: str | None = None

    @property
    def last(self) -> int:
        """The last month, in which `until` lies."""
        return month_of_day(self.until)

    @property
    def first(self) -> int:
        """The first month."""
        return self.last - self.months + 1

    @property
    def drift(self) -> int:
        """The month in which habits change."""
        return self.first + self.months // 2

    @property
    def first_day(self) -> int:
        """The day on which the first month begins."""
        return first_day(self.first)

    @property
    def blocks(self) -> int:
        """The number of blocks of enterprises."""
        return -(-self.enterprises // BLOCK)

    @property
    def cells(self) -> int:
        """The number of cells and teams: 396 at full size, in proportion below it, at least 200 units in each."""
        share = round(P["cells"] * self.enterprises / P["enterprises"])
        return int(min(P["cells"], max(share, min(4, self.enterprises // 200), 1)))

    def scaled(self, name: str) -> int:
        """Return a figure of the full city in proportion to this one's units, at least 1."""
        return max(1, round(P[name] * self.enterprises / P["enterprises"]))

    def size_of(self, block: int) -> int:
        """Return the number of enterprises in one block."""
        return min(BLOCK, self.enterprises - block * BLOCK)


def setting_of(
    enterprises: int, months: int, *, until: str, seed: int, name: str | None = None
) -> Setting:
    """Return the setting of the given arguments; RequestError if no city can be made of them."""
    if not 50 <= enterprises <= 5_000_000:
        raise RequestError(f"a city should have 50 to 5000000 enterprises; got {enterprises}")
    if not 3 <= months <= 240:
        raise RequestError(f"a city should have 3 to 240 months; got {months}")
    if not 0 <= seed < 2**63:
        raise RequestError(f"a seed should be a whole number from 0; got {seed}")
    day = day_of(until)
    if not day_of("1995-01-01") <= day <= day_of("2050-12-31"):
        raise RequestError(f"the last day of a city should lie in 1995 to 2050; got {until}")
    if name is not None and not NAME.fullmatch(name):
        raise RequestError(
            "the name of a city should be at most 75 lower-case letters, digits, underscores and hyphens, "
            f"a letter first; got {name!r}"
        )
    return Setting(enterprises, months, day, seed, name)


def stream(setting: Setting, block: int, month: int, *, of: str) -> np.random.Generator:
    """Return the stream of chance of one mechanism in one block and month, the same at every call."""
    key = (block + 2, month, zlib.crc32(of.encode()))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(setting.seed, spawn_key=key)))


def length_of(month: int) -> int:
    """Return the days of an integer month.

    >>> length_of(2015 * 12 + 1)
    28
    """
    return first_day(month + 1) - first_day(month)


def day_of_months(months: Ints) -> Ints:
    """Return the first day of each integer month."""
    moments = (months - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray(moments.astype(np.int64), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Turn:
    """One block's turn in one month."""

    setting: Setting
    block: int
    month: int

    @property
    def day(self) -> int:
        """The first day of the month."""
        return first_day(self.month)

    @property
    def end(self) -> int:
        """The first day of the next month."""
        return first_day(self.month + 1)

    @property
    def days(self) -> int:
        """The days of the month."""
        return self.end - self.day

    def stream(self, of: str) -> np.random.Generator:
        """Return the stream of chance of one mechanism in this turn."""
        return stream(self.setting, self.block, self.month, of=of)
