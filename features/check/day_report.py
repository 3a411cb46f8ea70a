"""What a load of a day did, as plain values and as lines for a person."""

from __future__ import annotations

from typing import Any

from features.store.append import LOADED, MADE, UNCHANGED, Fed
from features.store.load import row_of

SAID = {
    MADE: "新建 store made",
    LOADED: "已装载 day loaded",
    UNCHANGED: "无变化 loaded before with the same rows; nothing changed",
}


def load_as_json(fed: Fed) -> dict[str, Any]:
    """Return what a load of a day did as plain values."""
    tables: dict[str, Any] = {}
    for name, table in fed.tables.items():
        if table["accepted"] or table["refused"]:
            tables[name] = dict(table)
    return {
        "state": fed.state,
        "complete_to": fed.complete_to,
        "store": str(fed.store),
        "accepted": fed.counted("accepted"),
        "refused": fed.counted("refused"),
        "refused_rows": str(fed.refused_rows) if fed.refused_rows else None,
        "tables": tables,
    }


def load_lines(fed: Fed) -> list[str]:
    """Return what a load of a day did as lines for a person."""
    accepted = fed.counted("accepted")
    refused = fed.counted("refused")
    lines = [f"{SAID[fed.state]} · 截至 complete to {fed.complete_to}"]
    lines.append(f"接收 accepted {accepted:,} · 拒收 refused {refused:,}")
    for name, table in fed.tables.items():
        for why in table["reasons"]:
            first = row_of(why)
            lines.append(f"  {name}: {why['rows']:,} x {why['reason']} (first: {first})")
    if fed.refused_rows:
        lines.append(f"拒收行 refused rows: {fed.refused_rows}")
    return lines
