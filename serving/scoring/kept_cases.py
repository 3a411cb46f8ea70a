"""Kept cases: units that a scored day lacks, computed when they were first asked for, and told again with the same bits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from serving.ledger.record import Case

MOST = 2_048
"""Units that are kept, those asked for last; a choice: with reasons one takes some 30 kB, all of them 60 MB of a worker."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptCases:
    """The cases that one scorer computed, so of one history and one model each, by what was asked and the unit."""

    most: int = MOST
    _cases: OrderedDict[tuple[Hashable, str], Case] = field(default_factory=OrderedDict)

    def of(self, asked: Hashable, keys: Iterable[str]) -> dict[str, Case]:
        """Return the cases that are kept of some units, by unit."""
        cases = {}
        for key in keys:
            case = self._cases.get((asked, key))
            if case is not None:
                self._cases.move_to_end((asked, key))
                cases[key] = case
        return cases

    def keep(self, asked: Hashable, cases: Iterable[Case]) -> None:
        """Keep cases, and let those go that were asked for longest ago."""
        for case in cases:
            self._cases[asked, case.key] = case
        while len(self._cases) > self.most:
            self._cases.popitem(last=False)
