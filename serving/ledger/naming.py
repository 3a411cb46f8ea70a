"""Records that name something: those whose payload holds one of some texts, such as the number of a unit or of a row."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from serving.database.place import LedgerPlace
from serving.ledger.entries import canonical, record_id_of
from serving.ledger.merkle import leaf_hash
from serving.ledger.opening import ledger_exists, ledger_reader
from serving.ledger.read import StoredRecord, stored

_WITH_PAYLOAD = (
    "SELECT sequence, CAST(leaf AS BLOB), CAST(payload AS BLOB)"
    " FROM entries JOIN payloads USING (sequence) ORDER BY sequence"
)


def records_naming(path: LedgerPlace, texts: Collection[str]) -> Iterator[StoredRecord]:
    """Yield the records whose payload, not yet erased, holds one of some texts as a value or a name, oldest first.

    Rows of batches lie beside the ledger and are not read. LedgerError where a record was changed after it was written.
    """
    if not ledger_exists(path):
        return
    # a payload is canonical JSON, in which a text is written in one way and stands between its quotes
    written = [canonical(text) for text in texts]
    with ledger_reader(path) as connection:
        for sequence, leaf, payload in connection.each(_WITH_PAYLOAD):
            content = bytes(payload)
            if any(text in content for text in written):
                yield stored(connection, record_id_of(sequence, leaf_hash(bytes(leaf))))
