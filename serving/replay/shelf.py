"""What records rest on in a home, each opened once however many records ask for it: models, histories, rows of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from features.errors import BundleError
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle, load_bundle
from models.bundle.folder import read_folder
from models.bundle.second_engine import SecondEngine, second_engine
from serving.ledger.record import Record, Rows
from serving.scoring.batch import read_rows, rooted

Opened = TypeVar("Opened")


@dataclass(slots=True, eq=False)
class Shelf:
    """The models, histories and batches of a home that were opened, of which some may be `opened` from the start."""

    home: Path
    opened: dict[tuple[str, str], Any] = field(default_factory=dict)

    def bundle(self, record_id: str, record: Record) -> Bundle:
        """Return the digest-checked model of a record; BundleError when it is gone or damaged."""
        path = self._model_folder(record_id, record)
        return self._once("bundle", record.bundle, lambda: load_bundle(path, record.bundle))

    def second_engine(self, record_id: str, record: Record) -> SecondEngine:
        """Return the second engine of a record's model, whose digests `bundle` has checked."""
        path = self._model_folder(record_id, record)
        return self._once("engine", record.bundle, lambda: _engine_of(path))

    def store(self, record: Record) -> Store | None:
        """Return the history that a record was made from, or None if it is not available."""
        return self._once("store", record.store, lambda: self._found_store(record.store))

    def rows(self, rows: Rows) -> Matrix:
        """Return the matrix of a batch with its scores; LedgerError when the file is gone or changed."""
        return self._once("rows", rows.digest, lambda: read_rows(self.home / "batches", rows))

    def rooted_rows(self, rows: Rows) -> Matrix:
        """Return the matrix of a batch; LedgerError where its rows are not those of the recorded root."""
        matrix = self.rows(rows)
        self._once("root", rows.digest, lambda: rooted(matrix, rows))
        return matrix

    def _once(self, kind: str, name: str, opened: Callable[[], Opened]) -> Opened:
        if (kind, name) not in self.opened:
            self.opened[kind, name] = opened()
        value: Opened = self.opened[kind, name]
        return value

    def _model_folder(self, record_id: str, record: Record) -> Path:
        path = self.home / "bundles" / f"{record.target}-{record.bundle[:12]}"
        if not path.is_dir():
            raise BundleError(
                f"the model of record '{record_id}' is gone; restore the folder {path}"
            )
        return path

    def _found_store(self, named: str) -> Store | None:
        name, _, fingerprint = named.rpartition("-")
        folder = self.home / "stores" / f"{name}-{fingerprint[:12]}"
        if not (folder / "store.json").is_file():
            return None
        store = Store(folder)
        return store if store.fingerprint == fingerprint else None


def bundles_in_use(bundles: Iterable[Bundle]) -> dict[tuple[str, str], Any]:
    """Return models that were checked when they were opened, as a shelf keeps them."""
    return {("bundle", bundle.digest): bundle for bundle in bundles}


def _engine_of(folder: Path) -> SecondEngine:
    files = read_folder(folder)
    count = files.get("model_count.txt")
    return second_engine(files["model_any.txt"].decode(), None if count is None else count.decode())
