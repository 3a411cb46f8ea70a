"""A number: what a visit is expected to find, as a share of what a unit has at stake, corrected by size, and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    PositiveFloat,
    model_validator,
)

Floats = NDArray[np.float64]


class BundlePart(BaseModel):
    """A part of a bundle's manifest: an unknown key is refused, and an error repeats no value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Correction(BundlePart):
    """By what the numbers of units of some staff are multiplied."""

    staff: NonNegativeFloat
    factor: PositiveFloat


class Reach(BundlePart):
    """How many spreads what is found may lie from what is expected, of units of `up_to` staff, None for all above.

    `spreads` is None where too few cases were seen to tell: the interval then holds all that is at stake.
    """

    up_to: PositiveFloat | None
    spreads: FiniteFloat | None = Field(None, ge=0)


class Number(BundlePart):
    """How the shares that a count model tells become numbers: times what is at stake, times a correction by staff.

    `staff` names the features whose largest is a unit's staff, `stake` those whose largest, times `each` and with `least`
    added, is at stake and bounds the number; without any of `stake` nothing does. `unit` is that of the number, "" where
    nothing says. `coverage` is the share of cases of every size whose number should lie in its interval.
    """

    staff: tuple[str, ...]
    stake: tuple[str, ...]
    least: PositiveFloat
    corrections: tuple[Correction, ...] = Field(min_length=1)
    reaches: tuple[Reach, ...] = Field(min_length=1)
    coverage: float = Field(gt=0, lt=1)
    each: PositiveFloat = 1.0
    unit: str = ""

    @model_validator(mode="after")
    def _rises_with_staff(self) -> Number:
        """Refuse corrections that fall faster than staff rises, by which more staff could mean a smaller number."""
        for fewer, more in pairwise(self.corrections):
            rise = np.log1p(more.staff) - np.log1p(fewer.staff)
            fall = np.log(fewer.factor) - np.log(more.factor)
            if rise <= 0 or fall >= rise:
                raise ValueError(
                    "corrections should stand by rising staff, and fall slower than it"
                )
        return self

    def staff_of(self, names: Sequence[str], values: Floats) -> Floats:
        """Return the staff of each row, the largest number that its features tell, 0 where none does."""
        return _largest(self.staff, names, values)

    def at_stake(self, names: Sequence[str], values: Floats) -> Floats:
        """Return what each row has at stake, always above 0."""
        return self.least + self.each * _largest(self.stake, names, values)

    def expected(self, names: Sequence[str], values: Floats, share: Floats) -> Floats:
        """Return the number expected of each row, never below 0 nor above what is at stake."""
        most = 1.0 if self.stake else np.inf
        corrected = share * self.factor(self.staff_of(names, values))
        return np.asarray(self.at_stake(names, values) * np.clip(corrected, 0.0, most))

    def factor(self, staff: Floats) -> Floats:
        """Return the correction of each number of staff: a line between the corrections, level outside them."""
        places = [np.log1p(each.staff) for each in self.corrections]
        factors = [np.log(each.factor) for each in self.corrections]
        return np.asarray(np.exp(np.interp(np.log1p(staff), places, factors)))

    def interval(
        self, names: Sequence[str], values: Floats, expected: Floats
    ) -> tuple[Floats, Floats]:
        """Return the whole numbers between which what is found should lie; the upper one is infinite where nothing bounds it."""
        spreads = [np.inf if each.spreads is None else each.spreads for each in self.reaches]
        member = staff_class(self.reaches, self.staff_of(names, values))
        reach = np.array(spreads)[member] * spread(expected)
        most = np.ceil(self.at_stake(names, values)) if self.stake else np.inf
        lower = np.floor(np.maximum(expected - reach, 0.0))
        return lower, np.minimum(np.ceil(expected + reach), most)


def _largest(wanted: Sequence[str], names: Sequence[str], values: Floats) -> Floats:
    """Return the largest of some features of each row, 0 where none is above it or known."""
    columns = [np.zeros(len(values))]
    columns += [values[:, place] for place, name in enumerate(names) if name in wanted]
    # of a number and a gap `fmax` takes the number
    return np.asarray(np.fmax.reduce(columns))


def staff_class(reaches: Sequence[Reach], staff: Floats) -> NDArray[np.int64]:
    """Return the place of the class in which each number of staff stands."""
    ends = [each.up_to for each in reaches[:-1]]
    return np.searchsorted(np.array(ends, np.float64), staff, side="left")


def spread(expected: Floats) -> Floats:
    """Return how far numbers found lie about what is expected: as counts do where it is small, in proportion where large."""
    return np.asarray(np.sqrt(expected + expected**2))
