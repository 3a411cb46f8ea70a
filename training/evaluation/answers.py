"""Answers: what a model says of cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.number import Number

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model says of cases, float64 (n,): raw score, probability and, with a count model, the expected number.

    `number` is how that number was made, by which its interval and the size of a case are known.
    """

    raw: Floats
    probability: Floats
    expected: Floats | None
    number: Number | None = None

    @property
    def benefit(self) -> Floats:
        """What a visit to each case is expected to bring, as a plan has it: the number, or the probability where no number is."""
        return self.probability if self.expected is None else self.expected
