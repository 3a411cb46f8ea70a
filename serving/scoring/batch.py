"""A batch as one record: its matrix and scores in one file by digest, and a Merkle root over its rows.

A row's leaf is canonical JSON of its key, day, values, texts and scores; so one row can be shown and proved to
belong to the record without showing any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from features.errors import LedgerError, LssiError, UnknownId
from features.files import private_folder, write_points
from features.ingest.scan import scan_parquet
from features.matrix import Matrix, read_matrix, write_matrix
from models.bundle.booster import Floats
from models.bundle.interval import Interval
from models.bundle.score import Scores
from serving.ledger import merkle
from serving.ledger.entries import canonical
from serving.ledger.record import Case, Record, Rows, vector_of

OUTPUTS = ("score.raw", "score.probability", "score.expected", "score.lower", "score.upper")
"""The last columns of a batch; one that an earlier version recorded has the first three alone."""
PAGED = 2
"""Batches whose scores a process holds for the next page; a choice: 30 MB for one of a city."""


@dataclass(frozen=True, slots=True)
class RowProof:
    """That a row stands at `place` among `size` rows under this root; hashes in lowercase hex."""

    place: int
    size: int
    leaf: str
    path: tuple[str, ...]
    root: str


def write_batch_rows(folder: Path, matrix: Matrix, scores: Scores) -> Rows:
    """Write a matrix and its scores to `folder/<digest>.parquet`, whole or not at all, and return what names it."""
    return write_scored_rows(folder, with_scores(matrix, scores))


def with_scores(matrix: Matrix, scores: Scores) -> Matrix:
    """Return a matrix with its scores as last columns."""
    outputs = columns_of(scores)
    values = np.column_stack([matrix.values, *outputs.values()])
    return replace(matrix, names=(*matrix.names, *outputs), values=values)


def write_scored_rows(folder: Path, both: Matrix) -> Rows:
    """Write a matrix that ends with its scores, as `write_batch_rows` does."""
    with private_folder(folder) as work:
        write_matrix(both, work / "rows.parquet")
        digest = _digest(work / "rows.parquet")
        with write_points("the rows of a batch are in place"):
            (work / "rows.parquet").replace(folder / f"{digest}.parquet")
    node, count = merkle.nodes_of(leaves(both))
    return Rows(digest, count, merkle.root(node, count).hex())


def columns_of(scores: Scores) -> dict[str, Floats]:
    """Return the columns of scores by name, in the order of OUTPUTS; what a model does not say is NaN."""
    none = np.full(len(scores), np.nan)
    columns = (scores.raw, scores.probability, scores.expected, scores.lower, scores.upper)
    return {
        name: none if column is None else column
        for name, column in zip(OUTPUTS, columns, strict=True)
    }


def inputs_of_batch(matrix: Matrix) -> tuple[str, ...]:
    """Return the names of a batch's features, without those of the scores that stand in its last columns."""
    return tuple(name for name in matrix.names if name not in OUTPUTS)


def read_rows(folder: Path, rows: Rows) -> Matrix:
    """Return the matrix of a batch with its scores as last columns; LedgerError when the file is gone or changed."""
    path = checked_file(folder, rows)
    try:
        return read_matrix(path)
    except LssiError:
        raise LedgerError(f"the rows of this batch cannot be read ({path.name})") from None


def checked_file(folder: Path, rows: Rows) -> Path:
    """Return the file of a batch's rows; LedgerError when it is gone or changed."""
    path = folder / f"{rows.digest}.parquet"
    if not path.is_file():
        raise LedgerError(
            f"the file with the rows of this batch is gone ({path.name}); restore it to replay the batch"
        )
    if _digest(path) != rows.digest:
        raise LedgerError(
            f"the rows of this batch were changed ({path.name}); restore the file from a copy"
        )
    return path


def read_scores(folder: Path, rows: Rows, entity: str) -> pl.DataFrame:
    """Return identifiers (column `id`) and scores of a batch by identifier; LedgerError when its file is gone or changed.

    A file that looks as it did is not read again: the pages of a batch follow each other.
    """
    try:
        status = (folder / f"{rows.digest}.parquet").stat()
    except OSError:
        checked_file(folder, rows)  # says what is wrong
        raise
    # any write moves the time of change, which no program sets back
    signature = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return _scores_of(folder, rows, entity, signature)


@lru_cache(maxsize=PAGED)
def _scores_of(folder: Path, rows: Rows, entity: str, _signature: tuple[int, ...]) -> pl.DataFrame:
    path = checked_file(folder, rows)
    scanned = scan_parquet(path)
    there = set(scanned.collect_schema().names())
    outputs = [pl.col(name) for name in OUTPUTS if name in there]
    return scanned.select(pl.col(entity).alias("id"), *outputs).sort("id").collect()


def leaves(matrix: Matrix) -> Iterator[bytes]:
    """Yield the leaf hash of each row of a matrix that ends with its scores."""
    return (merkle.leaf_hash(content) for content in contents(matrix))


def contents(matrix: Matrix) -> Iterator[bytes]:
    """Yield what each row says, as the bytes that its leaf is the hash of; a category's place holds 0 or NaN."""
    texts = {name: matrix.texts(name) for name in matrix.categories}
    # the most significant byte first, as the hex digits of a float are written everywhere in the ledger
    values = matrix.values.astype(">f8")
    for name in texts:
        place = matrix.names.index(name)
        values[~np.isnan(values[:, place]), place] = 0.0
    bytes_of_features = values.itemsize * len(inputs_of_batch(matrix))
    keys_and_days = zip(matrix.keys.tolist(), matrix.as_of.tolist(), strict=True)
    for row, (key, day) in enumerate(keys_and_days):
        bits = values[row].tobytes()
        row_texts = {name: column[row] for name, column in texts.items() if column[row] is not None}
        content = {
            "as_of": day,
            "key": key,
            "scores": bits[bytes_of_features:].hex(),
            "texts": row_texts,
            "values": bits[:bytes_of_features].hex(),
        }
        yield canonical(content)


def row_content(matrix: Matrix, row: int) -> bytes:
    """Return what one row says."""
    return next(contents(matrix.row(row)))


def prove_row(matrix: Matrix, rows: Rows, key: str) -> RowProof:
    """Return the proof that a unit's row belongs to the batch; UnknownId or LedgerError where it does not."""
    node = rooted(matrix, rows)
    size = rows.count
    place = place_of(matrix, key)
    path = [step.hex() for step in merkle.audit_path(node, place, size)]
    return RowProof(
        place=place, size=size, leaf=node(0, place).hex(), path=tuple(path), root=rows.root
    )


def rooted(matrix: Matrix, rows: Rows) -> merkle.Node:
    """Return the nodes over the rows of a batch; LedgerError where they do not lead to the recorded root."""
    node, size = merkle.nodes_of(leaves(matrix))
    if size != rows.count or merkle.root(node, size).hex() != rows.root:
        raise LedgerError(
            "the rows of this batch do not match its recorded root; restore the file from a copy"
        )
    return node


def row_holds(proof: RowProof, content: bytes) -> bool:
    """Say whether a row of this content stands in the batch, by its proof alone."""
    path = [bytes.fromhex(step) for step in proof.path]
    root = merkle.root_by_inclusion(merkle.leaf_hash(content), proof.place, proof.size, path)
    return root is not None and root.hex() == proof.root


def place_of(matrix: Matrix, key: str) -> int:
    """Return the row of a unit; UnknownId when the batch has none."""
    places = np.flatnonzero(matrix.keys == key)
    if len(places) != 1:
        raise UnknownId(
            f"this batch of {len(matrix)} rows holds no {matrix.entity} of that number; check it"
        )
    return int(places[0])


def case_of_row(record: Record, matrix: Matrix, key: str) -> Case:
    """Return one row of a batch as a case; contributions, facts and reasons were not recorded and are empty."""
    row = place_of(matrix, key)
    values, texts = vector_of(matrix, row, record.features)
    outputs = {name: float(matrix.column(name)[row]) for name in OUTPUTS if name in matrix.names}
    raw = outputs["score.raw"]
    expected = outputs["score.expected"]
    return Case(
        key=key,
        as_of=int(matrix.as_of[row]),
        values=values,
        texts=texts,
        raw=raw,
        probability=outputs["score.probability"],
        expected=None if np.isnan(expected) else expected,
        contributions=np.empty(0),
        facts={},
        reasons=(),
        rank=int((matrix.column("score.raw") > raw).sum()) + 1,
        of=len(matrix),
        interval=_interval(record, outputs),
    )


def _interval(record: Record, said: Mapping[str, float]) -> Interval | None:
    """Return the interval of a row; None where the model, or the version that recorded, had none."""
    lower = said.get("score.lower", np.nan)
    if np.isnan(lower):
        return None
    return Interval(lower, said["score.upper"], float(record.answer["coverage"]))


def _digest(path: Path) -> str:
    hashed = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            hashed.update(piece)
    return hashed.hexdigest()
