"""The report of one record: one page in Chinese and English that needs nothing else, for an auditor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from features.calendar import date_of
from features.errors import BundleError, RequestError
from features.store.store import Store
from models.bundle.bundle import Bundle
from serving.database.place import ledger_place
from serving.ledger import merkle
from serving.ledger.approval import PromotedModel, approval_before
from serving.ledger.read import Proof, StoredRecord, find, prove
from serving.ledger.record import Case, Record
from serving.proof.checkpoint import Checkpoint, checkpoint
from serving.replay.checks import CaseReplay
from serving.replay.contributions import Named
from serving.replay.dossier import dossier
from serving.replay.legal_basis import legal_bases, stated_bases
from serving.replay.passport import Passport
from serving.replay.provenance import retold_row
from serving.replay.report_peers import ShownPeers, shown_peers
from serving.replay.report_unit import unit_of
from serving.scoring.batch import RowProof

MOST = 20
"""Units that one page shows at most; a choice: with more a reader names one."""
ENTITIES = {
    "enterprise": ("企业", "Enterprise"),
    "claim": ("待遇申领", "Claim"),
    "provider": ("医疗机构或药店", "Provider"),
}
SIDES = {"left": ("左", "left"), "right": ("右", "right")}


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """What a report shows: the record as stored, its proof and checkpoint, and the cases with their replays.

    `record` is None once the payload has expired; `rows` holds a batch row's proof by its unit. `peers` is None where no
    comparison with peers is shown.
    """

    stored: StoredRecord
    proof: Proof
    checkpoint: Checkpoint
    record: Record | None
    cases: tuple[tuple[Case, CaseReplay | None], ...]
    named: Named
    rows: Mapping[str, RowProof]
    note: str = ""
    passport: Passport | None = None
    peers: ShownPeers | None = None


def exhibit_of(home: Path, record_id: str, at: str, unit: str | None = None) -> Exhibit:
    """Return what the report of a record shows; `at` is written on the checkpoint.

    If the payload has expired, only the proof is shown. If the model is gone or damaged, the recorded values are shown
    with a note.
    """
    path = ledger_place(home)
    stored, proof, mark = find(path, record_id), prove(path, record_id), checkpoint(path, at)
    if stored.payload is None:
        return Exhibit(stored, proof, mark, None, (), Named({}), {})
    evidence = dossier(home, record_id, unit)
    if len(evidence.cases) > MOST or (evidence.record.rows is not None and unit is None):
        count = len(evidence.cases) or (evidence.record.rows.count if evidence.record.rows else 0)
        if not count:
            raise RequestError(
                f"record '{record_id}' is of a batch without units: it has no score to show; choose another record"
            )
        raise RequestError(
            f"record '{record_id}' holds {count} units, a page at most {MOST}; name one with --unit"
        )
    cases, store = evidence.cases, evidence.store()
    try:
        bundle, replays = evidence.bundle(), tuple(evidence.replays())
    except BundleError as error:
        none: tuple[CaseReplay | None, ...] = (None,) * len(cases)
        return Exhibit(
            stored,
            proof,
            mark,
            evidence.record,
            tuple(zip(cases, none, strict=True)),
            Named({}),
            evidence.rows,
            str(error),
        )
    if evidence.rows:
        cases = tuple(retold_row(evidence.record, case, bundle, store) for case in cases)
    model = PromotedModel(bundle.manifest.origin.get("source", ""), bundle.target, bundle.digest)
    approval = approval_before(path, model, stored.sequence)
    return Exhibit(
        stored,
        proof,
        mark,
        evidence.record,
        tuple(zip(cases, replays, strict=True)),
        _named(bundle, store),
        evidence.rows,
        passport=Passport(bundle, store, approval),
        peers=shown_peers(evidence),
    )


def _named(bundle: Bundle, store: Store | None) -> Named:
    """Return what a bundle and the history of its source call things, and the legal basis of each feature."""
    features = {feature.name: feature for feature in bundle.features}
    bases = legal_bases(bundle.features, stated_bases(store, bundle.entity))
    target = None if store is None else store.source.target.get(bundle.target)
    zh, en = ("", "") if target is None else (target.zh, target.en)
    return Named(features, zh, en, bases)


def report(exhibit: Exhibit) -> str:
    """Return the page as HTML: no script, nothing fetched; the same bytes for the same exhibit."""
    pages = Environment(loader=PackageLoader("serving", "pages"), autoescape=True, undefined=StrictUndefined,
                        trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    return pages.get_template("report.html.j2").render(page=_page(exhibit))


def _page(exhibit: Exhibit) -> dict[str, Any]:
    entry, record = exhibit.stored.entry, exhibit.record
    page: dict[str, Any] = {
        "record_id": exhibit.stored.record_id,
        "as_of": date_of(entry["as_of"]),
        "complete_to": date_of(entry["complete_to"]),
        "keep_until": date_of(entry["keep_until"]),
        "at": entry["at"],
        "bundle": entry["bundle"],
        "entry": json.dumps(
            entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ),
        "proof": exhibit.proof,
        "steps": _steps(exhibit.proof.sequence, exhibit.proof),
        "checkpoint": str(exhibit.checkpoint).strip(),
        "expired": record is None,
        "dormant": None,
        "explainer": None,
        "note": exhibit.note,
        "passport": [] if exhibit.passport is None else exhibit.passport.lines(),
        "units": [],
    }
    return page if record is None else page | _of_record(exhibit, record)


def _of_record(exhibit: Exhibit, record: Record) -> dict[str, Any]:
    zh, en = ENTITIES.get(record.entity, (record.entity, record.entity))
    return {
        "caller": record.caller,
        "entity_zh": zh,
        "entity_en": en,
        "target_zh": exhibit.named.target_zh or record.target,
        "target_en": exhibit.named.target_en or record.target,
        "explainer": record.explainer,
        "store": record.store,
        "request": record.request,
        "dormant": record.answer.get("dormant"),
        "units": [_unit(exhibit, record, case, replayed) for case, replayed in exhibit.cases],
    }


def _unit(
    exhibit: Exhibit, record: Record, case: Case, replayed: CaseReplay | None
) -> dict[str, Any]:
    row = exhibit.rows.get(case.key)
    peers = exhibit.peers
    return {
        **unit_of(record, case, exhibit.named, replayed),
        "peers": None if peers is None else peers.by_unit.get(case.key),
        "peers_note": "" if peers is None else peers.note,
        "row": row,
        "row_steps": row and _steps(row.place, row),
    }


def _steps(place: int, proof: Proof | RowProof) -> Sequence[dict[str, str]]:
    sided_steps = zip(merkle.sides(place, proof.size), proof.path, strict=True)
    return [
        {"side_zh": SIDES[side][0], "side_en": SIDES[side][1], "hash": step}
        for side, step in sided_steps
    ]
