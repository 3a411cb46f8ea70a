"""A certificate in words: what was tried, what moved, and where the digest stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SHOWN = 10
"""Features that are listed, the rest are counted; a choice, so that the verdict stays in sight."""
UNDECLARED = "；若确实如此，请在 assumed_delays 中声明 if it is so, say {} = 0 under assumed_delays"


def certificate_lines(said: Mapping[str, Any]) -> list[str]:
    """Return a certificate as lines for a person, zh and en side by side."""
    return list(_lines(said))


def _lines(certificate: Mapping[str, Any]) -> Iterator[str]:
    yield _headline(certificate)
    for poison in certificate["poisons"]:
        yield _poison_line(poison)
    yield from _feature_lines("变动 moved", certificate["features_moved"])
    yield from _feature_lines("误读 misread", certificate["features_misread"])
    yield from _declaration_lines(certificate)
    yield from _sample_lines(certificate)
    yield f"  certificate {certificate['certificate_digest']}"


def leaks_of(certificate: Mapping[str, Any]) -> list[str]:
    """Return what makes a certificate leaking, in a few words each, the first SHOWN names of a kind."""
    labels = [f"{target} {faults}" for target, faults in certificate["labels"].items()]
    kinds = {
        "features moved by later rows": certificate["features_moved"],
        "features read otherwise": certificate["features_misread"],
        "labels": labels,
        "training": [f"{kind} {count}" for kind, count in certificate["training"].items()],
        "undeclared raw tables": certificate["undeclared"],
        "days other than the source's": certificate["misdated"],
        "barred": certificate["barred"],
        "tables always known at once": certificate["quick"],
    }
    return [f"{kind}: {_first_names(list(names))}" for kind, names in kinds.items() if names]


def _first_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _headline(certificate: Mapping[str, Any]) -> str:
    source = certificate["source"]
    day = certificate["as_of"]
    verdict = "无泄漏 clean" if certificate["verdict"] == "clean" else "有泄漏 leaking"
    excerpt = certificate["excerpt"]
    size = "全部 all" if excerpt["whole"] else f"{excerpt['enterprises']} 家 enterprises"
    return f"{source} | {day} | {verdict} | {size}"


def _poison_line(poison: Mapping[str, Any]) -> str:
    name = f"{poison['kind']} {poison['seed']}"
    rows = sum(poison["rows"].values())
    moved = len(poison["moved"])
    return f"  {name}: {rows} 行 rows, {moved} 个特征变动 features moved"


def _feature_lines(title: str, features: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each of the first SHOWN features, and how many more there are."""
    for name, gap in list(features.items())[:SHOWN]:
        units = gap["units"]
        largest = "-" if gap["largest"] is None else f"{gap['largest']:g}"
        yield f"  {title}: {name}: {units} 个单位 units, 最大 largest {largest}"
    hidden = len(features) - SHOWN
    if hidden > 0:
        yield f"  … {hidden} 更多 more"


def _declaration_lines(certificate: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the declarations of the source."""
    for view, files in certificate["undeclared"].items():
        names = ", ".join(files)
        yield f"  未声明 undeclared: {view} 读取 reads {names}; source.toml [raw] 未说明入库日 says nothing of it"
    for table, rows in certificate["misdated"].items():
        yield f"  入库日不符 misdated: {table}: {rows} 行 rows 与来源不同 are known from another day than the source says"
    for line in certificate["barred"]:
        yield f"  禁用 barred: {line}"


def _sample_lines(certificate: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the sampled rows show: recorded days, tables that no poison reached, and labels."""
    for table, column in certificate["never_later"].items():
        remedy = UNDECLARED.format(table) if table in certificate["quick"] else ""
        yield f"  留意 note: {table}: 入库日总是 recorded_on is always {column}{remedy}"
    if certificate["untried"]:
        names = ", ".join(certificate["untried"])
        yield f"  未试 untried: {names}: 样本中无可篡改的行 the sample holds no row that could be poisoned"
    yield from resting_lines(certificate["unmoved"], certificate["not_shown"])
    for kind, count in certificate["training"].items():
        yield f"  训练 training: {kind}: {count}"
    for target, faults in certificate["labels"].items():
        yield f"  标签 labels: {target}: {faults}"


def resting_lines(
    unmoved: Mapping[str, Sequence[str]], not_shown: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield the features that known rows do not move though they rest on them, and how many the sample shows no row of."""
    for name, tables in list(unmoved.items())[:SHOWN]:
        listed = ", ".join(tables)
        yield (
            f"  未动 unmoved: {name}: 当日已知的行改了也不动，所声明的表似未使用 "
            f"altering what was known of {listed} moves nothing: is it used?"
        )
    if len(unmoved) > SHOWN:
        yield f"  … {len(unmoved) - SHOWN} 更多 more"
    if not_shown:
        yield f"  未示 not shown: {len(not_shown)} 个特征：样本中没有所读的行 features read rows that the sample lacks"
