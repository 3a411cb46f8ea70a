"""Lost rows: those of facts, as if they had never been recorded; what they corrected holds again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL, Column, located
from features.calendar import month_of_day
from features.cases import Cases
from features.catalogue.differences import declared_differences
from features.catalogue.model import ENTITIES, KEYS, Measure
from features.engine.engine import Engine
from features.online.case_rows import CaseRows, Picked, TableRows, standing_rows
from features.online.fact import Fact
from features.online.lineage_rows import OF_UNIT, is_monthly, sound_rows, tally_of_rows

NEVER = -40_000
"""A day before every row, in 1860; a choice."""


@dataclass(frozen=True, slots=True)
class Variants:
    """Facts taken away from cases, which are named by their places: one fact makes one variant of its case."""

    places: Column
    facts: Sequence[Fact]

    def __len__(self) -> int:
        return len(self.facts)

    def of(self, which: Column) -> Variants:
        """Return some of them."""
        return Variants(self.places[which], [self.facts[place] for place in which.tolist()])


@dataclass(frozen=True, slots=True)
class Lost:
    """Rows of one table that variants lose, `rows` (m,), each told by its variant and the code of its number in one.

    `ends` are the rows that take another back on one of `days`, which would then not have ended it. In a join what holds
    again keeps the version that the other side had on that day.
    """

    rows: Column
    ends: Column
    days: Column

    def moved(self, variants: Column) -> Lost:
        """Return the same of variants that stand elsewhere."""
        return Lost(_moved(self.rows, variants), _moved(self.ends, variants), self.days)

    def remain(self, code: Column, ending: Column) -> NDArray[np.bool_]:
        """Return which rows (m,) remain, by variant and number and by the day that they end another row, NULL for none."""
        _, are_lost = located(self.rows, code)
        _, may_end = located(np.unique(self.ends), code)
        may_end &= ending != NULL
        remain = ~are_lost
        if may_end.any():
            pairs = set(zip(self.ends.tolist(), self.days.tolist(), strict=True))
            for row in np.flatnonzero(may_end).tolist():
                remain[row] &= (int(code[row]), int(ending[row])) not in pairs
        return remain


def _moved(code: Column, variants: Column) -> Column:
    owner = code // OF_UNIT
    return code + (variants[owner] - owner) * OF_UNIT


class Losses:
    """Finds the rows behind facts again, by what their measures count between their days."""

    def __init__(self, engine: Engine, cases: Cases, rows: CaseRows) -> None:
        """Take cases and their rows."""
        self._engine, self._cases, self._rows = engine, cases, rows

    def measure(self, fact: Fact) -> Measure:
        """Return the measure whose rows a fact has: of a difference the one that is taken from."""
        difference = declared_differences().get(fact.measure)
        return self._engine.catalogue.measure(difference.plus if difference else fact.measure)

    def of_register(self, measure: Measure) -> bool:
        """Tell whether a measure counts rows of the register of the cases."""
        register, _ = ENTITIES[self._cases.entity]
        return measure.table == register

    def of_own_register_row(self, fact: Fact) -> bool:
        """Tell whether a fact rests on the case's own place in the register."""
        measure = self.measure(fact)
        own_key, *_ = KEYS[self._cases.entity]
        return self.of_register(measure) and measure.by == own_key

    def of(self, variants: Variants) -> Lost:
        """Return what variants lose; their facts are of one table."""
        by_measure: dict[str, list[int]] = {}
        for place, fact in enumerate(variants.facts):
            by_measure.setdefault(fact.measure, []).append(place)
        parts: list[Lost] = []
        for places in by_measure.values():
            in_parts = self._in_parts(variants, np.array(places, np.int64))
            parts += [self._of_measure(variants, which) for which in in_parts]
        rows = np.concatenate([part.rows for part in parts])
        ends = np.concatenate([part.ends for part in parts])
        days = np.concatenate([part.days for part in parts])
        return Lost(np.sort(rows), ends, days)

    def _in_parts(self, variants: Variants, which: Column) -> Iterator[Column]:
        """Yield which variants of one measure to look at together, in turn: as many as have few rows."""
        first_fact = variants.facts[int(which[0])]
        measure = self.measure(first_fact)
        table = self._rows.table(measure.table, measure.by)
        for some in table.in_parts(variants.places[which]):
            yield which[some]

    def _of_measure(self, variants: Variants, which: Column) -> Lost:
        """Return what some variants lose whose facts are of one measure."""
        some = variants.of(which)
        fact = some.facts[0]
        measure = self.measure(fact)
        table = self._rows.table(measure.table, measure.by)
        picked = table.of_cases(some.places)
        spans = Spans.of(some.facts)
        counted = self._counted(measure, picked, some, spans)
        if self.of_register(measure):
            # A case without its own register row would not be there at all.
            own_key, *_ = KEYS[self._cases.entity]
            row_code = table.column(own_key)[counted.index]
            case_code = self._cases.code[some.places][counted.owner]
            counted = counted.where(row_code != case_code)
        live = self._standing(measure, counted)
        difference = declared_differences().get(fact.measure)
        if difference is not None:
            minus = self._engine.catalogue.measure(difference.minus)
            settled = self._settled(measure, minus, picked, some, spans)
            _, is_settled = located(settled, live)
            live = live[~is_settled]
        lost = self._with_ends(measure, picked, live)
        return lost.moved(which)

    def _counted(
        self, measure: Measure, picked: Picked, variants: Variants, spans: Spans
    ) -> Picked:
        """Return the rows known by the case's day that a measure counts, from the first to the last day of each variant."""
        table = self._rows.table(measure.table, measure.by)
        as_of = self._cases.as_of[variants.places]
        known_day = table.column("known")[picked.index]
        keep = known_day <= as_of[picked.owner]
        if measure.when:
            if is_monthly(self._engine, measure):
                spans = spans.in_months()
            when = table.column(measure.when)[picked.index]
            first = spans.first[picked.owner]
            last = spans.last[picked.owner]
            keep &= (when >= first) & (when <= last)
        sound = sound_rows(self._engine, self._rows, measure, picked.where(keep))
        return sound.picked

    def _settled(
        self, plus: Measure, minus: Measure, picked: Picked, variants: Variants, spans: Spans
    ) -> Column:
        """Return the rows of which a difference leaves nothing: spells that ended, amounts paid in full."""
        if plus.when != minus.when:
            # a spell counts as ended whenever it ended, up to the day that is looked from
            as_of = self._cases.as_of[variants.places]
            always = np.full(len(as_of), NEVER)
            spans = Spans(always, as_of)
        counted = self._counted(minus, picked, variants, spans)
        begun = tally_of_rows(self._engine, self._rows, plus, counted)
        ended = tally_of_rows(self._engine, self._rows, minus, counted)
        has_ended = begun.value == ended.value
        return self._standing(minus, counted.where(has_ended))

    def _standing(self, measure: Measure, picked: Picked) -> Column:
        """Return the codes of the rows whose signs sum above zero."""
        table = self._rows.table(measure.table, measure.by)
        sign = table.column("sign")[picked.index]
        standing = standing_rows(self._codes(measure, picked), sign)
        return standing.code

    def _codes(self, measure: Measure, picked: Picked) -> Column:
        """Return each row's variant and number in one."""
        numbers = self._rows.numbers(measure.table, measure.by, "row_id")
        return picked.owner * OF_UNIT + numbers[picked.index]

    def _with_ends(self, measure: Measure, picked: Picked, live: Column) -> Lost:
        """Return rows with what they corrected: the rows of the same business key that end on the day they begin."""
        table = self._rows.table(measure.table, measure.by)
        code = self._codes(measure, picked)
        known_day = table.column("known")
        is_plus = table.column("sign")[picked.index] > 0
        _, is_live = located(live, code)
        begins = picked.where(is_live & is_plus)
        ends = picked.where(~is_live & ~is_plus)
        # most rows begin on a day on which none of their unit ends
        begin_days = known_day[begins.index] + begins.owner * OF_UNIT
        end_days = known_day[ends.index] + ends.owner * OF_UNIT
        ends = ends.where(np.isin(end_days, begin_days))
        begins = begins.where(np.isin(begin_days, end_days))
        business = (*self._engine.store.tables[measure.table].key, "known")
        begun = set(self._keys(table, begins, business))
        corrects = [key in begun for key in self._keys(table, ends, business)]
        corrected = ends.where(np.array(corrects, np.bool_))
        end_codes = self._codes(measure, corrected)
        return Lost(live, end_codes, known_day[corrected.index])

    def _keys(
        self, table: TableRows, picked: Picked, names: tuple[str, ...]
    ) -> Iterator[tuple[int, ...]]:
        """Return each row's variant with its values of some columns."""
        columns = [table.column(name)[picked.index].tolist() for name in names]
        return zip(picked.owner.tolist(), *columns, strict=True)


@dataclass(frozen=True, slots=True)
class Spans:
    """The first and last day of each variant's fact."""

    first: Column
    last: Column

    @classmethod
    def of(cls, facts: Sequence[Fact]) -> Spans:
        """Return the days of facts."""
        first = np.array([fact.first for fact in facts], np.int64)
        return cls(first, np.array([fact.last for fact in facts], np.int64))

    def in_months(self) -> Spans:
        """Return the months in which the days lie."""
        first, last = (
            np.array([month_of_day(day) for day in days.tolist()], np.int64)
            for days in (self.first, self.last)
        )
        return Spans(first, last)
