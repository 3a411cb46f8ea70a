"""The proof: the catalogue compiled to SQL and run on DuckDB for the same cases that the evaluator described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from features.arrays import NULL, Column, Values
from features.cases import Cases, complete_months
from features.catalogue import Catalogue
from features.catalogue.language import Peer, peers_of, row_columns, stored_values_read
from features.engine.peer_medians import peer_values
from features.network import stored_values
from features.sql.compile import Dialect, features_sql
from features.store.column_codes import literal_of, month_columns
from features.store.store import Store


def dialect_of(store: Store, catalogue: Catalogue) -> Dialect:
    """Return what the compiler must know of a store."""
    tables: dict[str, set[str]] = {}
    for measure in catalogue.measures.values():
        if store.has(measure.table):
            columns = row_columns(measure.value) | ({measure.when} if measure.when else set())
            tables.setdefault(measure.table, set()).update(columns)
    return Dialect(
        {table: literal_of(store, table) for table in tables},
        {table: month_columns(store, table, columns) for table, columns in tables.items()},
    )


def case_table(
    cases: Cases, peers: Mapping[Peer, Values], stored: Mapping[str, Values] | None = None
) -> pa.Table:
    """Return cases as the table that the compiled statement reads."""

    def nullable(column: Column) -> pa.Array:
        return pa.array(column, pa.int64(), mask=column == NULL)

    columns = {
        "case_no": pa.array(np.arange(len(cases))),
        "as_of": pa.array(cases.as_of, pa.int64()),
        "month": pa.array(complete_months(cases.as_of), pa.int64()),
    }
    columns |= {f"k_{by}": nullable(key) for by, key in cases.keys.items()}
    columns |= {
        f"p_{peer.feature}_{peer.by}": pa.array(values, pa.float64(), mask=np.isnan(values))
        for peer, values in peers.items()
    }
    columns |= {
        f"stored_{name}": pa.array(values, pa.float64(), mask=np.isnan(values))
        for name, values in (stored or {}).items()
    }
    return pa.table(columns)


def cases_given(store: Store, catalogue: Catalogue, cases: Cases, names: Iterable[str]) -> pa.Table:
    """Return cases with the peer values and stored values that some features need, as the compiled statement reads them."""
    chain = catalogue.chain(names)
    peers = {peer for feature in chain for peer in peers_of(feature.tree)}
    stored = {name for feature in chain for name in stored_values_read(feature.tree)}
    return case_table(
        cases,
        peer_values(store, catalogue, cases, peers),
        stored_values(store, catalogue, cases, stored),
    )


def compiled_values(
    store: Store, catalogue: Catalogue, cases: Cases, names: Iterable[str]
) -> dict[str, Values]:
    """Return features as DuckDB computes them from the compiled statement, float64 (n,) each."""
    wanted = list(names)
    sql = features_sql(catalogue, wanted, dialect_of(store, catalogue))
    found = store.sql(sql, cases=cases_given(store, catalogue, cases, wanted))
    return {name: np.asarray(found[f"f_{name}"].to_numpy(), np.float64) + 0.0 for name in wanted}
