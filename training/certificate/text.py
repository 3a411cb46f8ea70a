"""A certificate in words: what was tried, what moved, and where the digest stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SHOWN = 10
UNDECLARED = "；若确实如此，请在 assumed_delays 中声明 if it is so, say {} = 0 under assumed_delays"


def certificate_lines(said: Mapping[str, Any]) -> list[str]:
    """Return a certificate as lines for a person, zh and en side by side."""
    return list(_lines(said))


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    verdict = "无泄漏 clean" if said["verdict"] == "clean" else "有泄漏 leaking"
    excerpt = said["excerpt"]
    whole = "全部 all" if excerpt["whole"] else f"{excerpt['enterprises']} 家 enterprises"
    yield f"{said['source']} | {said['as_of']} | {verdict} | {whole}"
    for poison in said["poisons"]:
        yield (
            f"  {poison['kind']} {poison['seed']}: {sum(poison['rows'].values())} 行 rows, "
            f"{len(poison['moved'])} 个特征变动 features moved"
        )
    for title, found in (
        ("变动 moved", said["features_moved"]),
        ("误读 misread", said["features_misread"]),
    ):
        for name, one in list(found.items())[:SHOWN]:
            largest = "-" if one["largest"] is None else f"{one['largest']:g}"
            yield f"  {title}: {name}: {one['units']} 个单位 units, 最大 largest {largest}"
        if len(found) > SHOWN:
            yield f"  … {len(found) - SHOWN} 更多 more"
    yield from _notes(said)
    yield f"  certificate {said['certificate_digest']}"


def _notes(said: Mapping[str, Any]) -> Iterator[str]:
    for view, files in said["undeclared"].items():
        yield f"  未声明 undeclared: {view} 读取 reads {', '.join(files)}; source.toml [raw] 未说明入库日 says nothing of it"
    for table, rows in said["misdated"].items():
        yield f"  入库日不符 misdated: {table}: {rows} 行 rows 与来源不同 are known from another day than the source says"
    for line in said["barred"]:
        yield f"  禁用 barred: {line}"
    for table, column in said["never_later"].items():
        told = UNDECLARED.format(table) if table in said["quick"] else ""
        yield f"  留意 note: {table}: 入库日总是 recorded_on is always {column}{told}"
    if said["untried"]:
        yield f"  未试 untried: {', '.join(said['untried'])}: 样本中无可篡改的行 the sample holds no row that could be poisoned"
    for target, faults in said["labels"].items():
        yield f"  标签 labels: {target}: {faults}"
