"""The check of a source: what was accepted, what was refused and why, what is absent, what is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from features.catalogue.roles import PROTECTED, WITHOUT_BASIS, of_scored
from features.check.placeholder_days import placeholders
from features.check.reused_keys import reuse_line, reused
from features.connection import named
from features.contract.tables import contract
from features.engine import dormancy
from features.engine.engine import engine_of
from features.ingest.source import Place
from features.ingest.staging import Progress
from features.store.load import quiet, row_of
from features.store.opening import open_store
from features.store.store import Store

REGISTERS = {
    "enterprise": "enterprises",
    "worker": "workers",
    "provider": "providers",
    "claim": "claims",
    "inspection": "inspections",
}
"""The table that should hold every identifier of a name space."""
NO_FEATURE = {
    PROTECTED: "受保护，只供公平性核查 protected, for checks of fairness alone",
    WITHOUT_BASIS: (
        "未声明法律依据，训练照常而不读它 no legal basis is stated, and training goes on without it: 在 source.toml 的 "
        '[[attribute]] 中写 say basis = "…", 或 or protected = true'
    ),
}
"""Why an attribute is no feature, in both languages."""
UNREGISTERED = (
    "SELECT count(*) AS rows, count(DISTINCT {key}) AS ids FROM {table} "
    "WHERE sign > 0 AND {key} NOT IN (SELECT {register_key} FROM {register})"
)


def check(source: Place, data: Place | None = None, progress: Progress = quiet) -> dict[str, Any]:
    """Return what loading a source gave, as plain values; SourceError if a table is broken."""
    return summary_of(open_store(source, data, progress))


def summary_of(store: Store) -> dict[str, Any]:
    """Return what a store holds and what its load refused, as plain values."""
    summary, source = store.summary, store.source
    tables = summary["tables"]
    refused = sum(table["refused"] for table in tables.values())
    return {
        "source": summary["name"],
        "complete_to": summary["complete_to"],
        "store": str(store.folder),
        "accepted": sum(table["accepted"] for table in tables.values()),
        "refused": refused,
        "refused_rows": str(store.folder / "refused") if refused else None,
        "tables": tables,
        "refused_whole": refused_whole(tables),
        "unregistered": list(unregistered(store)),
        "placeholders": [asdict(one) for one in placeholders(store)],
        "reused": list(reused(store)),
        "derived": summary["joins"],
        "absent": summary["absent"],
        "notes": summary.get("notes", []),
        "assumed_delays": dict(source.assumed_delays),
        "attributes": [f"{attribute.table}.{attribute.name}" for attribute in source.attribute],
        "attributes_left_out": of_scored(engine_of(store).catalogue.unread),
        "targets": list(source.target),
        "dormant": dormant(store),
    }


def dormant(store: Store) -> dict[str, Any] | None:
    """Return how many firms are dormant on the last closed day; None for a source without a register of enterprises."""
    if not store.has("enterprises"):
        return None
    result = dormancy.dormancy(engine_of(store), store.complete_to)
    return dormancy.dormancy_as_json(result)


def refused_whole(tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the tables that have rows, of which every one was refused.

    >>> refused_whole({"claims": {"accepted": 0, "refused": 2}, "deaths": {"accepted": 0, "refused": 0}})
    ['claims']
    """
    return [name for name, table in tables.items() if table["refused"] and not table["accepted"]]


def unregistered(store: Store) -> Iterator[dict[str, Any]]:
    """Yield, by column, how many accepted rows name how many identifiers that the register of their kind never holds."""
    for table in filter(store.has, contract()):
        for column in store.tables[table].columns:
            register = REGISTERS.get(column.space) if column.kind == "id" else None
            # a register holds its own identifiers by definition
            if register is None or register == table or not store.has(register):
                continue
            query = UNREGISTERED.format(
                key=named(column.name),
                table=named(table),
                register_key=named(column.space),
                register=named(register),
            )
            counts = store.sql(query).to_pylist()[0]
            if counts["rows"]:
                place = {"table": table, "column": column.name, "register": register}
                yield place | counts


def check_lines(summary: dict[str, Any]) -> list[str]:
    """Return a check as lines for a person: one per table, its reasons below it, then what is absent or assumed."""
    lines = [
        f"{summary['source']} · 截至 complete to {summary['complete_to']}",
        f"接收 accepted {summary['accepted']:,} · 拒收 refused {summary['refused']:,}",
    ]
    for name, table in summary["tables"].items():
        lines.append(f"  {name:<20} {table['accepted']:>13,}  refused {table['refused']:,}")
        lines += map(_reason_line, table["reasons"])
    if summary["refused"]:
        lines.append(f"拒收行 refused rows: {summary['refused_rows']}")
    lines += [f"整表拒收 every row refused: {name}" for name in summary["refused_whole"]]
    lines += map(_unregistered_line, summary["unregistered"])
    lines += map(_placeholder_line, summary["placeholders"])
    if summary["dormant"] is not None:
        lines.append(dormancy.dormancy_line(summary["dormant"]))
    lines += map(reuse_line, summary["reused"])
    lines.append(f"缺表 absent: {', '.join(summary['absent']) or '-'}")
    for place, reason in summary["attributes_left_out"].items():
        lines.append(f"不作特征 no feature: {place}: {NO_FEATURE[reason]}")
    lines += [f"说明 note: {note}" for note in summary["notes"]]
    for table, days in summary["assumed_delays"].items():
        lines.append(f"假定延迟 assumed: {table} is taken as recorded {days} days after the event")
    return lines


def _reason_line(refusal: dict[str, Any]) -> str:
    first = row_of(refusal)
    return f"    {refusal['rows']:,} x {refusal['reason']} (first: {first})"


def _unregistered_line(column: Mapping[str, Any]) -> str:
    place = f"{column['table']}.{column['column']}"
    rows, ids = f"{column['rows']:,}", f"{column['ids']:,}"
    return (
        f"未登记 unregistered: {place} {rows} 行 rows，{ids} 个不在 "
        f"that are not in {column['register']}"
    )


def _placeholder_line(placeholder: Mapping[str, Any]) -> str:
    place = f"{placeholder['table']}.{placeholder['column']} {placeholder['day']}"
    rows, of = f"{placeholder['rows']:,}", f"{placeholder['of']:,}"
    return f"占位日 placeholder: {place}: {rows} 行 rows of {of}; {placeholder['why']}"
