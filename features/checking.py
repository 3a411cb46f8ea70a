"""The check of a source: what was accepted, what was refused and why, what is absent, what is assumed."""

from __future__ import annotations

from typing import Any

from features.loading import quiet
from features.source import Place
from features.staging import Progress
from features.store import Store, open_store


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
        "derived": store.summary["joins"],
        "absent": store.summary["absent"],
        "notes": store.summary.get("notes", []),
        "assumed_delays": dict(store.source.assumed_delays),
        "attributes": [f"{a.table}.{a.name}" for a in store.source.attribute],
        "targets": list(store.source.target),
    }


def lines_of(summary: dict[str, Any]) -> list[str]:
    """Return a check as lines for a person: one per table, its reasons below it, then what is absent or assumed."""
    lines = [f"{summary['source']} · 截至 complete to {summary['complete_to']}",
             f"接收 accepted {summary['accepted']:,} · 拒收 refused {summary['refused']:,}"]
    for name, table in summary["tables"].items():
        lines.append(f"  {name:<20} {table['accepted']:>13,}  refused {table['refused']:,}")
        lines += [f"    {why['rows']:,} x {why['reason']} (first: row {why['first']})" for why in table["reasons"]]
    if summary["refused"]:
        lines.append(f"拒收行 refused rows: {summary['refused_rows']}")
    lines.append(f"缺表 absent: {', '.join(summary['absent']) or '-'}")
    lines += [f"说明 note: {note}" for note in summary["notes"]]
    lines += [f"假定延迟 assumed: {table} is taken as recorded {days} days after the event"
              for table, days in summary["assumed_delays"].items()]
    return lines
