"""An appeal of an enterprise, a claimant or a provider against a row: its days, its decision, who else rests on the row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from features.calendar import date_of, day_of
from features.connection import named, quoted
from features.contract.tables import contract
from features.store.store import Store
from serving.errors import ActRefused
from serving.ledger.entries import Receipt
from serving.loop.act_once import ActRecord, Beside, Deed, Doer, Loop, carried_out, one_row
from serving.loop.corrected_values import check_correction, corrected_values
from serving.loop.journal_rows import marked_rows
from serving.loop.responsible_team import check_team, team_of_unit
from serving.requests import LodgedAppeal

SUBJECTS = ("enterprise", "provider", "claim")
"""The kinds of cases that a row may name."""


@dataclass(frozen=True, slots=True)
class AppealedRow:
    """A row of a source that is appealed against: its table, its number, and the identifiers that it names, by kind.

    `known` is the day on which the source knew it.
    """

    table: str
    row_id: str
    known: int
    units: dict[str, set[str]]

    def names(self, kind: str, unit: str) -> bool:
        """Tell whether the row names a unit."""
        return unit in self.units.get(kind, set())


def lodge_appeal(loop: Loop, asked: LodgedAppeal, doer: Doer) -> Receipt:
    """Record an appeal, or the decision on one that was lodged.

    ActRefused where the row never was, does not concern the appellant, or the appeal is decided already.
    """
    deed = Deed(
        what="appeal",
        asked=asked.model_dump(mode="json"),
        table="appeals",
        marks=(f"appeal {asked.appeal}", _row_mark(asked)),
        check=lambda: _check(loop, asked, doer),
        rows=lambda recorded: one_row(_columns(asked, recorded)),
        beside=lambda recorded: _corrections(loop, asked, recorded),
    )
    return carried_out(loop, deed, doer)


def _columns(asked: LodgedAppeal, _recorded: ActRecord) -> dict[str, Any]:
    return {
        "appeal": asked.appeal,
        "enterprise": asked.enterprise,
        "claim": asked.claim,
        "provider": asked.provider,
        "lodged": day_of(asked.lodged),
        "decided_on": None if asked.decided_on is None else day_of(asked.decided_on),
        "upheld": None if asked.upheld is None else int(asked.upheld),
        "about": asked.table,
        "about_row": asked.row_id,
    }


def _corrections(loop: Loop, asked: LodgedAppeal, recorded: ActRecord) -> Iterator[Beside]:
    """Yield the rows of `corrections`, one for each value that is corrected."""
    if asked.corrected is None:
        return
    values = corrected_values(loop.store, asked)
    rows = len(values)
    yield Beside(
        "corrections",
        {
            "appeal": [asked.appeal] * rows,
            "about": [asked.table] * rows,
            "about_row": [asked.row_id] * rows,
            "field": list(values),
            "value": [None if value is None else str(value) for value in values.values()],
            "record": [recorded.record_id] * rows,
        },
    )


def _check(loop: Loop, asked: LodgedAppeal, doer: Doer) -> None:
    row = appealed_row(loop.store, asked.table, asked.row_id)
    subject, appellant = asked.unit
    if not row.names(subject, appellant):
        raise ActRefused(
            f"the row that is named is not of this {subject}; give a row that its reasons or matches name"
        )
    if doer.team is not None:
        responsible = team_of_unit(loop.store, subject, appellant, doer.day)
        check_team(doer.team, responsible, doer.day)
    _check_appeal_days(asked, doer)
    earlier = marked_rows(loop.journal, "appeals", f"appeal {asked.appeal}")
    if any(one["decided_on"] is not None for one in earlier):
        raise ActRefused("this appeal is decided; lodge another one under a new number")
    if any((one["about"], one["about_row"]) != (asked.table, asked.row_id) for one in earlier):
        raise ActRefused("this appeal was lodged against another row; lodge a second appeal")
    lodged = day_of(asked.lodged)
    if any(one.get(subject) != appellant or day_of(one["lodged"]) != lodged for one in earlier):
        # one answer for both: nobody is told who else appealed
        raise ActRefused(
            "this appeal was lodged by another or on another day; "
            "decide it as it was lodged, or lodge one under a number of its own"
        )
    of_row = marked_rows(loop.journal, "appeals", _row_mark(asked))
    if asked.upheld and any(one["upheld"] for one in of_row):
        raise ActRefused(
            "an appeal against this row was upheld before; appeal against the one that stands in its place"
        )
    if asked.corrected is not None:
        check_correction(loop.store, asked, doer.day)


def _row_mark(asked: LodgedAppeal) -> str:
    return f"row {asked.table} {asked.row_id}"


def _check_appeal_days(asked: LodgedAppeal, doer: Doer) -> None:
    """Raise ActRefused unless an appeal was lodged before it was decided, and both by the day of the act."""
    days = [date.fromisoformat(asked.lodged), date_of(doer.day)]
    if asked.decided_on is not None:
        days.insert(1, date.fromisoformat(asked.decided_on))
    if days != sorted(days):
        raise ActRefused(
            f"an appeal should be lodged, then decided, then recorded, which is on {days[-1]}"
        )


def appealed_row(store: Store, table: str, row_id: str) -> AppealedRow:
    """Return a row of a source's own tables by its number, corrected since or not; ActRefused where it never was."""
    if table not in contract() or not store.has(table):
        raise ActRefused(
            "the source holds no such table; an appeal is against a row of one of its tables"
        )
    rows = _first_row(store, table, f"row_id = {quoted(row_id)}")
    if not rows:
        raise ActRefused(
            "the table never held a row of this number; give a row that a reason or a match names"
        )
    units = _units_of(store, table, rows)
    if "inspection" in units and table != "inspections" and store.has("inspections"):
        # a finding is of whoever was inspected
        (inspection,) = units["inspection"]
        code = store.code("inspection", inspection)
        inspected = _first_row(store, "inspections", f"inspection = {code}")
        units |= _units_of(store, "inspections", inspected)
    return AppealedRow(table, row_id, rows["known"], units)


def _first_row(store: Store, table: str, condition: str) -> dict[str, Any]:
    """Return one row of a table that meets a condition, empty where there is none."""
    columns = [column.name for column in contract()[table].columns if column.kind == "id"]
    picked = ", ".join(map(named, [*columns, "known", "sign"]))
    rows = store.sql(f"SELECT {picked} FROM {named(table)} WHERE {condition} AND sign = 1 LIMIT 1")
    return rows.to_pylist()[0] if rows.num_rows else {}


def _units_of(store: Store, table: str, row: dict[str, Any]) -> dict[str, set[str]]:
    """Return the identifiers that a row names, by kind."""
    units: dict[str, set[str]] = {}
    for column in contract()[table].columns:
        if column.kind == "id" and row.get(column.name) is not None:
            text = store.texts(column.space)[row[column.name]]
            units.setdefault(column.space, set()).add(text)
    return units


def cases_on_row(store: Store, row: AppealedRow) -> dict[str, list[str]]:
    """Return by kind the cases that rest on a row: those that it names, and the claims of its worker."""
    cases = {kind: set(row.units.get(kind, ())) for kind in SUBJECTS}
    if store.has("claims"):
        for worker in row.units.get("worker", ()):
            cases["claim"] |= _claims_of(store, worker)
    return {kind: sorted(units) for kind, units in cases.items() if units}


def others_on_row(store: Store, row: AppealedRow, asked: LodgedAppeal) -> dict[str, list[str]]:
    """Return by kind the cases other than the appellant that rest on a row."""
    cases = cases_on_row(store, row)
    appellant_kind, appellant = asked.unit
    others = {
        kind: [unit for unit in units if (kind, unit) != (appellant_kind, appellant)]
        for kind, units in cases.items()
    }
    return {kind: units for kind, units in others.items() if units}


def _claims_of(store: Store, worker: str) -> set[str]:
    code = store.code("worker", worker)
    rows = store.sql(
        f"SELECT DISTINCT claim FROM claims WHERE worker = {code} AND sign = 1"
    ).to_pylist()
    texts = store.texts("claim")
    return {texts[row["claim"]] for row in rows}
