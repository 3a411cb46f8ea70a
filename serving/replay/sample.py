"""A sample of all recorded scores, drawn with a seed and replayed: scores of requests and rows of batches alike."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from features.errors import LssiError
from features.matrix import Matrix
from serving.database.connection import LedgerConnection
from serving.database.place import ledger_place
from serving.ledger import merkle
from serving.ledger.entries import leaf_content, record_id_of
from serving.ledger.opening import ledger_reader
from serving.ledger.read import stored
from serving.ledger.record import record_of
from serving.replay.checks import AGREEMENTS, Agreement, CaseReplay, Check, agreement_of, with_check
from serving.replay.dossier import Dossier, dossier_of, processor
from serving.replay.replay import replay_case, second_case
from serving.replay.shelf import Shelf
from serving.scoring.batch import case_of_row

_ENTRIES = (
    "SELECT sequence, CAST(leaf AS BLOB), CAST(payload AS BLOB)"
    " FROM entries LEFT JOIN payloads USING (sequence) ORDER BY sequence"
)
SHOWN = 10
"""Differences, and records that cannot be replayed, that the lines for a reader name; a choice. JSON has all of them."""


@dataclass(frozen=True, slots=True)
class ScoredRecord:
    """A record of scores: one of a request counts once, one of a batch once for each of its rows.

    One that is not `is_kept` has no payload any more, and cannot be drawn.
    """

    record_id: str
    rows: int | None
    is_kept: bool = True

    @property
    def places(self) -> int:
        """How often it can be drawn."""
        return 1 if self.rows is None else self.rows


@dataclass(frozen=True, slots=True)
class DrawnScore:
    """What was drawn: a record, and of a batch the place of a row."""

    record_id: str
    row: int | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """A record or row that was drawn: how its cases agree, or why it could not be replayed."""

    drawn: DrawnScore
    replays: tuple[CaseReplay, ...]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class SampleReplay:
    """A sample's replay: the seed, how many records and rows it was drawn from, and each that was drawn.

    `expired` counts the records of scores whose payload is gone: nobody can draw them.
    """

    seed: int
    population: int
    expired: int
    drawn: tuple[Replayed, ...]

    @property
    def failures(self) -> list[Replayed]:
        """What could not be replayed."""
        return [one for one in self.drawn if one.failure]

    @property
    def alarms(self) -> list[Replayed]:
        """Of what the two engines computed different scores."""
        return [one for one in self.drawn if any(case.is_alarm for case in one.replays)]

    @property
    def engines_agree(self) -> bool | None:
        """Whether the two engines computed the same scores, None where not one was compared."""
        if len(self.failures) == len(self.drawn):
            return None
        return not self.alarms

    def of(self, agreement: Agreement) -> list[Replayed]:
        """Return what agrees so, by its case that agrees least."""
        replayed = [one for one in self.drawn if not one.failure]
        return [one for one in replayed if agreement_of(one.replays) == agreement]


def replay_sample(home: Path, size: int, seed: int) -> SampleReplay:
    """Draw up to `size` recorded scores without repetition and replay each; the same ledger and seed draw the same."""
    shelf = Shelf(home)
    with ledger_reader(ledger_place(home)) as connection:
        all_records = list(_scored_records(connection))
        records = [record for record in all_records if record.is_kept]
        places = list(accumulate(record.places for record in records))
        population = places[-1] if places else 0
        chosen = random.Random(seed).sample(range(population), min(size, population))
        drawn = [_drawn(records, places, place) for place in sorted(chosen)]
        replayed = tuple(_replayed(shelf, connection, one) for one in drawn)
    return SampleReplay(seed, population, len(all_records) - len(records), replayed)


def _scored_records(connection: LedgerConnection) -> Iterator[ScoredRecord]:
    """Yield the records of scores and batches, oldest first."""
    for sequence, leaf, payload in connection.each(_ENTRIES):
        kind = leaf_content(leaf)["kind"]
        if kind not in ("score", "batch"):
            continue
        record_id = record_id_of(sequence, merkle.leaf_hash(leaf))
        if payload is None:
            yield ScoredRecord(record_id, None, is_kept=False)
            continue
        rows = record_of(payload).rows if kind == "batch" else None
        yield ScoredRecord(record_id, None if rows is None else rows.count)


def _drawn(records: Sequence[ScoredRecord], places: Sequence[int], place: int) -> DrawnScore:
    """Return what stands at a place of all that can be drawn; `places` (n,) counts them up to and with each record."""
    number = bisect_right(places, place)
    record = records[number]
    row = place - (places[number] - record.places)
    return DrawnScore(record.record_id, None if record.rows is None else row)


def _replayed(shelf: Shelf, connection: LedgerConnection, drawn: DrawnScore) -> Replayed:
    try:
        dossier = dossier_of(shelf, stored(connection, drawn.record_id))
        rows = dossier.record.rows
        if drawn.row is None or rows is None:
            return Replayed(drawn, dossier.replays())
        matrix = shelf.rooted_rows(rows)
        return Replayed(drawn, (_replayed_row(dossier, matrix, drawn.row),))
    except LssiError as error:
        return Replayed(drawn, (), str(error))


def _replayed_row(dossier: Dossier, matrix: Matrix, row: int) -> CaseReplay:
    """Replay one row of a batch's matrix."""
    record, bundle = dossier.record, dossier.bundle()
    case = case_of_row(record, matrix, str(matrix.keys[row]))
    second = second_case(record, case, bundle, dossier.second_engine())
    return with_check(replay_case(record, case, bundle, dossier.store()), second)


def sample_as_json(sample: SampleReplay) -> dict[str, Any]:
    """Return what the replay of a sample found, as plain values."""
    apart = [*sample.of("close"), *sample.of("different")]
    counts = {agreement: len(sample.of(agreement)) for agreement in AGREEMENTS}
    return {
        "seed": sample.seed,
        "population": sample.population,
        "expired": sample.expired,
        "drawn": len(sample.drawn),
        "agreement": counts,
        "engines_agree": sample.engines_agree,
        "processor": processor(),
        "alarms": [_named(one) for one in sample.alarms],
        "differences": [_named(one) for one in apart],
        "not_replayable": [_named(one) | {"why": one.failure} for one in sample.failures],
    }


def _named(one: Replayed) -> dict[str, Any]:
    checks = chain.from_iterable(case.checks for case in one.replays)
    fields = [check.field for check in checks if is_apart(check)]
    return {"record_id": one.drawn.record_id, "row": one.drawn.row, "fields": fields}


def is_apart(check: Check) -> bool:
    """Tell whether a field was rebuilt and is another."""
    return check.state == "different"


def sample_lines(shown: dict[str, Any]) -> list[str]:
    """Return what the replay of a sample found, in lines for a reader."""
    drawn, population, seed = shown["drawn"], shown["population"], shown["seed"]
    zh = f"{population} 条评分中抽 {drawn} 条，种子 {seed}"
    en = f"{drawn} of {population} scores, seed {seed}"
    lines = [f"{zh} | {en} | {shown['processor']}"]
    if shown["expired"]:
        lines.append(EXPIRED.format(shown["expired"]))
    lines += [f"  {AGREEMENTS[name]}: {count}" for name, count in shown["agreement"].items()]
    lines.append(f"  {ENGINES[shown['engines_agree']]}")
    for name in ("alarms", "differences", "not_replayable"):
        lines += [_line(name, one) for one in shown[name][:SHOWN]]
    return lines


EXPIRED = "  内容已到期、无从抽取的记录 records whose payload has expired, so that nobody can draw them: {}"
ENGINES = {
    None: "没有比较任何评分 NOT ONE score was compared",
    True: "两个引擎一致 both engines agree",
    False: "警报：两个引擎不一致 ALARM: the two engines differ",
}
"""What is said of the two engines."""


def _line(name: str, one: dict[str, Any]) -> str:
    row = "" if one["row"] is None else f" row {one['row']}"
    explanation = one.get("why") or ", ".join(one["fields"])
    return f"    {name} | {one['record_id']}{row} | {explanation}"
