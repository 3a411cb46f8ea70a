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
Mask = NDArray[np.bool_]


class BundlePart(BaseModel):
    """A part of a bundle's manifest: an unknown key is refused, and an error repeats no value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Correction(BundlePart):
    """By what the numbers of units of some staff are multiplied."""

    staff: NonNegativeFloat
    factor: PositiveFloat


class Reach(BundlePart):
    """How many spreads what is found may lie from what is expected, of units of `up_to` staff, None for all above.

    `spreads` is None where too few cases were seen to tell: the interval then holds all that is at stake. Numbers of such
    units are `bounded` by it, unless more was found too often.
    """

    up_to: PositiveFloat | None
    spreads: FiniteFloat | None = Field(None, ge=0)
    # left out where it is true, so that bundles written before have the same bytes
    bounded: bool = Field(default=True, exclude_if=bool)


class Untold(BundlePart):
    """Units of which no source tells what is at stake: what is taken in its place, and their spreads; nothing bounds them."""

    stake: PositiveFloat
    spreads: FiniteFloat | None = Field(default=None, ge=0)


class Number(BundlePart):
    """How the shares that a count model tells become numbers: times what is at stake, times a correction by staff.

    `staff` names the features whose largest is a unit's staff, `stake` those whose largest, times `each` and with `least`
    added, is at stake and bounds the number; without any of `stake` nothing does. A unit of which none of these tells
    anything is `untold`, where such units were found with more than `least`. `unit` is that of the number, "" where nothing
    says. `coverage` is the share of cases of every size whose number should lie in its interval.
    """

    staff: tuple[str, ...]
    stake: tuple[str, ...]
    least: PositiveFloat
    corrections: tuple[Correction, ...] = Field(min_length=1)
    reaches: tuple[Reach, ...] = Field(min_length=1)
    coverage: float = Field(gt=0, lt=1)
    each: PositiveFloat = 1.0
    unit: str = ""
    untold: Untold | None = Field(default=None, exclude_if=lambda untold: untold is None)

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

    def is_told(self, names: Sequence[str], values: Floats) -> Mask:
        """Return of which rows a feature tells what is at stake: all, where there is no feature to tell it."""
        if not self.stake:
            return np.ones(len(values), np.bool_)
        return np.asarray(_largest(self.stake, names, values) > 0)

    def at_stake(self, names: Sequence[str], values: Floats) -> Floats:
        """Return what each row has at stake, always above 0."""
        at_stake = self.least + self.each * _largest(self.stake, names, values)
        if self.untold is None:
            return at_stake
        return np.where(self.is_told(names, values), at_stake, self.untold.stake)

    def most(self, names: Sequence[str], values: Floats) -> Floats:
        """Return what bounds the number of each row, infinite where nothing does."""
        if not self.stake:
            return np.full(len(values), np.inf)
        member = staff_class(self.reaches, self.staff_of(names, values))
        is_bounded = np.array([each.bounded for each in self.reaches])[member]
        if self.untold is not None:
            is_bounded &= self.is_told(names, values)
        return np.where(is_bounded, self.at_stake(names, values), np.inf)

    def expected(self, names: Sequence[str], values: Floats, share: Floats) -> Floats:
        """Return the number expected of each row, never below 0 nor above what bounds it."""
        most = np.where(np.isinf(self.most(names, values)), np.inf, 1.0)
        corrected = share * self.correction(names, values)
        return np.asarray(self.at_stake(names, values) * np.clip(corrected, 0.0, most))

    def correction(self, names: Sequence[str], values: Floats) -> Floats:
        """Return by what the number of each row is multiplied: by staff, where anybody tells it."""
        factor = self.factor(self.staff_of(names, values))
        if self.untold is None:
            return factor
        return np.where(self.is_told(names, values), factor, 1.0)

    def factor(self, staff: Floats) -> Floats:
        """Return the correction of each number of staff: a line between the corrections, level outside them."""
        places = [np.log1p(each.staff) for each in self.corrections]
        factors = [np.log(each.factor) for each in self.corrections]
        return np.asarray(np.exp(np.interp(np.log1p(staff), places, factors)))

    def interval(
        self, names: Sequence[str], values: Floats, expected: Floats
    ) -> tuple[Floats, Floats]:
        """Return the whole numbers between which what is found should lie; the upper one is infinite where nothing bounds it."""
        reach = self._spreads(names, values) * spread(expected)
        lower = np.floor(np.maximum(expected - reach, 0.0))
        return lower, np.minimum(np.ceil(expected + reach), np.ceil(self.most(names, values)))

    def _spreads(self, names: Sequence[str], values: Floats) -> Floats:
        """Return how many spreads from what is expected the interval of each row reaches, infinite where nothing tells."""
        member = staff_class(self.reaches, self.staff_of(names, values))
        spreads = np.array([_spreads_of(each) for each in self.reaches])[member]
        if self.untold is None:
            return spreads
        return np.where(self.is_told(names, values), spreads, _spreads_of(self.untold))


def _spreads_of(part: Reach | Untold) -> float:
    return np.inf if part.spreads is None else part.spreads


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
