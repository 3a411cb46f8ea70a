"""The register of keys as its operator reads it: who holds which key, what limits it, and whether it opens now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from serving.gate.key_register import KeyHolder, read


def listed_keys(path: Path, moment: datetime) -> list[dict[str, Any]]:
    """Return what the register says of each key as JSON values, without secrets or their digests."""
    return [_listed(holder, moment) for holder in read(path).keys]


def _listed(holder: KeyHolder, moment: datetime) -> dict[str, Any]:
    limits = holder.model_dump(mode="json", exclude={"sha256", "old"})
    is_over = holder.expires is not None and moment.date() > holder.expires
    old = holder.old
    has_old = old is not None and moment < old.until and not is_over
    return {
        **limits,
        "opens": not is_over,
        "old_until": old.until.isoformat() if old is not None and has_old else None,
    }


def key_lines(keys: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each key, and the number of keys last."""
    lines = [_line(key) for key in keys]
    return [*lines, f"{len(keys)} 个密钥 keys"]


def _line(key: Mapping[str, Any]) -> str:
    parts = [key["name"], key["role"], f"自 since {key['added']}"]
    words = {
        "team": "队伍 team",
        "district": "区县 district",
        "expires": "末日 last day",
        "a_minute": "每分钟 a minute",
        "old_until": "旧密钥至 old secret until",
    }
    parts += [f"{word} {key[name]}" for name, word in words.items() if key[name] is not None]
    if not key["opens"]:
        parts.append("已过期 over")
    return " | ".join(parts)
