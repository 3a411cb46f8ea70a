"""The check of a source: what was accepted, what was refused and why, what is absent, what is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from features.check.placeholder_days import placeholders
from features.check.reused_keys import reuse_line, reused
from features.connection import named
from features.contract.tables import contract
from features.engine import dormancy
from features.engine.matrices import catalogue_of
from features.ingest.source import Place
from features.ingest.staging import Progress
from features.store.load import quiet, row_of
from features.store.store import Store, open_store

REGISTERS = {
    "enterprise": "enterprises",
    "worker": "workers",
    "provider": "providers",
    "claim": "claims",
    "inspection": "inspections",
}
"""The table that should hold every identifier of a name space."""


def check(source: Place, data: Place | None = None, progress: Progress = quiet) -> dict[str, Any]:
    """Return what loading a source gave, as plain values; SourceError if a table is broken."""
    return summary_of(open_store(source, data, progress))


def summary_of(store: Store) -> dict[str, Any]:
    """Return what a store holds and what its load refused, as plain values."""
    tables = store.summary["tables"]
    refused = sum(table["refused"] for table in tables.values())
    return {
        "source": store.summary["name"],
        "complete_to": store.summary["complete_to"],
        "store": str(store.folder),
        "accepted": sum(table["accepted"] for table in tables.values()),
        "refused": refused,
        "refused_rows": str(store.folder / "refused") if refused else None,
        "tables": tables,
        "refused_whole": refused_whole(tables),
        "unregistered": list(unregistered(store)),
        "placeholders": [asdict(one) for one in placeholders(store)],
        "reused": list(reused(store)),
        "derived": store.summary["joins"],
        "absent": store.summary["absent"],
        "notes": store.summary.get("notes", []),
        "assumed_delays": dict(store.source.assumed_delays),
        "attributes": [f"{a.table}.{a.name}" for a in store.source.attribute],
        "targets": list(store.source.target),
        "dormant": dormant(store),
    }


def dormant(store: Store) -> dict[str, Any] | None:
    """Return how many firms are dormant on the last closed day; None for a source without a register of enterprises."""
    if not store.has("enterprises"):
        return None
    return dormancy.dormancy_as_json(
        dormancy.dormancy(store, catalogue_of(store), store.complete_to)
    )


def refused_whole(tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the tables that have rows, of which every one was refused.

    >>> refused_whole({"claims": {"accepted": 0, "refused": 2}, "deaths": {"accepted": 0, "refused": 0}})
    ['claims']
    """
    return [name for name, table in tables.items() if table["refused"] and not table["accepted"]]


def unregistered(store: Store) -> Iterator[dict[str, Any]]:
    """Yield, by column, how many accepted rows name how many identifiers that the register of their kind never holds."""
    for table in contract():
        for column in store.tables[table].columns if store.has(table) else ():
            register = REGISTERS.get(column.space) if column.kind == "id" else None
            if register is None or register == table or not store.has(register):
                continue
            key, own = named(column.name), named(column.space)
            found = store.sql(
                f"SELECT count(*) AS rows, count(DISTINCT {key}) AS ids FROM {named(table)} "
                f"WHERE sign > 0 AND {key} NOT IN (SELECT {own} FROM {named(register)})"
            ).to_pylist()[0]
            if found["rows"]:
                yield {"table": table, "column": column.name, "register": register} | found


def check_lines(summary: dict[str, Any]) -> list[str]:
    """Return a check as lines for a person: one per table, its reasons below it, then what is absent or assumed."""
    lines = [
        f"{summary['source']} · 截至 complete to {summary['complete_to']}",
        f"接收 accepted {summary['accepted']:,} · 拒收 refused {summary['refused']:,}",
    ]
    for name, table in summary["tables"].items():
        lines.append(f"  {name:<20} {table['accepted']:>13,}  refused {table['refused']:,}")
        lines += [
            f"    {why['rows']:,} x {why['reason']} (first: {row_of(why)})"
            for why in table["reasons"]
        ]
    if summary["refused"]:
        lines.append(f"拒收行 refused rows: {summary['refused_rows']}")
    lines += [f"整表拒收 every row refused: {name}" for name in summary["refused_whole"]]
    lines += [
        f"未登记 unregistered: {one['table']}.{one['column']} {one['rows']:,} 行 rows，{one['ids']:,} 个不在 "
        f"that are not in {one['register']}"
        for one in summary["unregistered"]
    ]
    lines += [
        f"占位日 placeholder: {one['table']}.{one['column']} {one['day']}: {one['rows']:,} 行 rows of {one['of']:,}; "
        f"{one['why']}"
        for one in summary["placeholders"]
    ]
    if summary["dormant"] is not None:
        lines.append(dormancy.dormancy_line(summary["dormant"]))
    lines += map(reuse_line, summary["reused"])
    lines.append(f"缺表 absent: {', '.join(summary['absent']) or '-'}")
    lines += [f"说明 note: {note}" for note in summary["notes"]]
    lines += [
        f"假定延迟 assumed: {table} is taken as recorded {days} days after the event"
        for table, days in summary["assumed_delays"].items()
    ]
    return lines
