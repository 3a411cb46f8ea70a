"""The dossier of a record: the model, history and rows that are available under $LSSI_HOME to replay and show it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.calendar import date_of
from features.errors import LedgerError, RequestError
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.second_engine import SecondEngine
from serving.database.place import ledger_place
from serving.ledger.act import act_of
from serving.ledger.read import StoredRecord, find
from serving.ledger.record import Case, Record, record_of
from serving.replay.checks import AGREEMENTS, CaseReplay, Check, agreement_of, with_check
from serving.replay.replay import replay_case, replay_rows, second_case, second_rows
from serving.replay.shelf import Shelf
from serving.scoring.batch import RowProof, case_of_row, prove_row
from serving.scoring.from_day import resolved


@dataclass(frozen=True, slots=True, eq=False)
class Dossier:
    """One record with the model and the history it was made from; `store` is None where that is not at hand.

    `cases` are the units to show: of a batch the one asked for, with the proof of its row in `rows`.
    """

    shelf: Shelf
    stored: StoredRecord
    record: Record
    cases: tuple[Case, ...]
    rows: Mapping[str, RowProof]

    def bundle(self) -> Bundle:
        """Return the digest-checked model; BundleError when it is gone or damaged."""
        return self.shelf.bundle(self.stored.record_id, self.record)

    def store(self) -> Store | None:
        """Return the history of that day, or None if it is not available."""
        return self.shelf.store(self.record)

    def second_engine(self) -> SecondEngine:
        """Return the second engine of the model."""
        return self.shelf.second_engine(self.stored.record_id, self.record)

    def replays(self) -> tuple[CaseReplay, ...]:
        """Rebuild what the record answered, by two engines; a batch without a unit named is rebuilt row by row at once."""
        bundle, record = self.bundle(), self.record
        engine = self.second_engine()
        if record.rows is not None and not self.cases:
            matrix = self.shelf.rows(record.rows)
            second = second_rows(matrix, bundle, engine)
            return (with_check(replay_rows(matrix, bundle), second),)
        store = self.store()
        replays = []
        for case in self.cases:
            second = second_case(record, case, bundle, engine)
            replays.append(with_check(replay_case(record, case, bundle, store), second))
        return tuple(replays)


def dossier(home: Path, record_id: str, unit: str | None = None) -> Dossier:
    """Return the dossier of a record, of all its units or of one; RecordUnknown, LedgerError or UnknownId otherwise."""
    stored = find(ledger_place(home), record_id)
    return dossier_of(Shelf(home), stored, unit)


def dossier_of(shelf: Shelf, stored: StoredRecord, unit: str | None = None) -> Dossier:
    """Return the dossier of a record that was read, as `dossier` does."""
    record = _scores_of(shelf, stored)
    if record.rows is None:
        cases = record.cases if unit is None else (record.case(unit),)
        return Dossier(shelf, stored, record, cases, {})
    if unit is None:
        return Dossier(shelf, stored, record, (), {})
    matrix = shelf.rows(record.rows)
    proof = prove_row(matrix, record.rows, unit)
    case = case_of_row(record, matrix, unit)
    return Dossier(shelf, stored, record, (case,), {unit: proof})


def _scores_of(shelf: Shelf, stored: StoredRecord) -> Record:
    """Return the record of scores that was stored; LedgerError where it is erased, RequestError where it is none."""
    record_id = stored.record_id
    if stored.payload is None:
        until = date_of(stored.entry["keep_until"])
        raise LedgerError(
            f"the payload of record '{record_id}' was kept until {until} and is erased; its proof remains"
        )
    if stored.entry["kind"] == "act":
        act = act_of(stored.payload)
        raise RequestError(
            f"record '{record_id}' is an act ({act.what}); scores and batches can be replayed"
        )
    record = resolved(shelf.home, record_of(stored.payload))
    if record.kind == "plan":
        raise RequestError(f"record '{record_id}' is a plan; scores and batches can be replayed")
    return record


def replay_as_json(dossier: Dossier, replays: tuple[CaseReplay, ...]) -> dict[str, Any]:
    """Return what a replay found, as plain values; `identical` is of everything that was rebuilt."""
    record = dossier.record
    return {
        "record_id": dossier.stored.record_id,
        "kind": record.kind,
        "target": record.target,
        "entity": record.entity,
        "at": record.at,
        "as_of": date_of(record.as_of).isoformat(),
        "complete_to": date_of(record.complete_to).isoformat(),
        "model_digest": record.bundle,
        "explainer": record.explainer,
        "identical": all(replay.identical for replay in replays),
        "agreement": agreement_of(replays),
        "processor": processor(),
        "engines_agree": not any(replay.is_alarm for replay in replays),
        "units": [_plain_unit(replay) for replay in replays],
    }


def _plain_unit(replay: CaseReplay) -> dict[str, Any]:
    fields = [_plain(check) for check in replay.checks]
    return {"id": replay.key, "identical": replay.identical, "fields": fields}


def _plain(check: Check) -> dict[str, str]:
    return {"field": check.field, "state": check.state, "zh": check.zh, "en": check.en}


def replay_lines(dossier: Dossier, replays: tuple[CaseReplay, ...]) -> list[str]:
    """Return what a replay found, in lines for a reader."""
    outcome = replay_as_json(dossier, replays)
    record_id, target, day = outcome["record_id"], outcome["target"], outcome["as_of"]
    verdict = AGREEMENTS[outcome["agreement"]]
    lines = [f"{record_id} | {target} | {day} | {outcome['model_digest'][:12]} | {verdict}"]
    for unit in outcome["units"]:
        # a whole batch is one unit without a number
        if unit["id"]:
            lines.append(f"  {unit['id']}")
        lines += [_field_line(field) for field in unit["fields"]]
    return lines


def processor() -> str:
    """Return the family of this machine's processor, such as x86_64."""
    return platform.machine()


def _field_line(field: Mapping[str, str]) -> str:
    line = f"    {field['field']}: {field['state']}"
    if field["en"]:
        line += f" | {field['zh']} | {field['en']}"
    return line
