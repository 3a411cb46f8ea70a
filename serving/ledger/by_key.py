"""A record by its idempotency key: what an act of that key has already said."""

from __future__ import annotations

from collections.abc import Iterable

from serving.database.place import LedgerPlace
from serving.ledger.entries import record_id_of
from serving.ledger.opening import ledger_exists, ledger_reader
from serving.ledger.read import StoredRecord, stored

KEYED = (
    "SELECT sequence, CAST(hash AS BLOB)"
    " FROM retries JOIN nodes ON level = 0 AND place = sequence WHERE retry_key = ?"
)


def record_by_key(path: LedgerPlace, who: str, key: str) -> StoredRecord | None:
    """Return the record of an act under a key of who acts, None where there is none; its payload is None once it has expired.

    LedgerError where the record was changed after it was written.
    """
    return records_by_key(path, who, [key]).get(key)


def records_by_key(path: LedgerPlace, who: str, keys: Iterable[str]) -> dict[str, StoredRecord]:
    """Return by key the records of acts under some keys of who acts, read over one connection; keys without one are left out."""
    retry_keys = {f"act:{who}:{key}": key for key in keys}
    records = _records(path, retry_keys)
    return {retry_keys[retry_key]: record for retry_key, record in records.items()}


def record_by_retry_key(path: LedgerPlace, retry_key: str) -> StoredRecord | None:
    """Return the record under an idempotency key as the ledger writes it, None and LedgerError as in `record_by_key`."""
    return _records(path, [retry_key]).get(retry_key)


def _records(path: LedgerPlace, retry_keys: Iterable[str]) -> dict[str, StoredRecord]:
    """Return by idempotency key, as the ledger writes it, the records that there are."""
    if not ledger_exists(path):
        return {}
    records: dict[str, StoredRecord] = {}
    with ledger_reader(path) as connection:
        for retry_key in retry_keys:
            row = connection.execute(KEYED, (retry_key,)).fetchone()
            if row is not None:
                sequence, leaf_hash = row
                records[retry_key] = stored(connection, record_id_of(sequence, leaf_hash))
    return records
