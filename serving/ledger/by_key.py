"""A record by its idempotency key: what an act of that key has already said."""

from __future__ import annotations

from serving.database.place import LedgerPlace
from serving.ledger.entries import record_id_of
from serving.ledger.opening import ledger_exists, ledger_reader
from serving.ledger.read import StoredRecord, stored

KEYED = (
    "SELECT sequence, CAST(hash AS BLOB)"
    " FROM retries JOIN nodes ON level = 0 AND place = sequence WHERE retry_key = ?"
)


def record_by_key(path: LedgerPlace, who: str, key: str) -> StoredRecord | None:
    """Return the record of an act under a key of who acts, None where there is none or its payload has expired.

    LedgerError where the record was changed after it was written.
    """
    return record_by_retry_key(path, f"act:{who}:{key}")


def record_by_retry_key(path: LedgerPlace, retry_key: str) -> StoredRecord | None:
    """Return the record under an idempotency key as the ledger writes it, None and LedgerError as in `record_by_key`."""
    if not ledger_exists(path):
        return None
    with ledger_reader(path) as connection:
        row = connection.execute(KEYED, (retry_key,)).fetchone()
        if row is None:
            return None
        sequence, leaf_hash = row
        return stored(connection, record_id_of(sequence, leaf_hash))
