"""Leaks as a stranger would plant them: one edit of a file each, tried on a copy of the packages, and what the certificate says.

Run with a folder: a history is written there, and every leak's certificate as one line of JSON on standard output.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
READ, LOAD = "read", "load"
ABSENT = (
    "protected",
    "dispatch",
    "utilities",
    "remedies",
    "wage_arrears",
    "appraisals",
    "medals",
    "exposures",
    "pensions",
    "benefit_payments",
    "unemployment_spells",
    "work_injuries",
    "maternity_leaves",
    "cells",
    "teams",
    "members",
    "holidays",
)
AS_OF = "2015-03-22"
ON_DAYS = ("2014-02-28", "2014-06-30", "2014-09-15", "2015-01-31", "2015-03-31")
TARGETS = f"""
[target.days]
zh = "查出"
en = "found"
unit = "enterprise-day"
label = "visit"
violation = 1
horizon = 60
as_of = {list(ON_DAYS)}
[target.days.split]
train_until = 2014-10-31
test_from = 2015-01-31
test_until = 2015-04-30
[target.visits]
zh = "查出"
en = "found"
unit = "inspection"
label = "visit"
violation = 2
[target.visits.split]
train_until = 2014-06-30
test_from = 2014-07-01
test_until = 2015-06-30
[target.claims]
zh = "骗领"
en = "fraud"
unit = "claim"
label = "review"
[target.claims.split]
train_until = 2014-06-30
test_from = 2014-07-01
test_until = 2015-06-30
"""


@dataclass(frozen=True, slots=True)
class Leak:
    """One edit: a piece of a file replaced; `stage` says whether the stores must be loaded anew for it."""

    zh: str
    en: str
    file: str
    old: str
    new: str
    stage: str = READ
    ways: tuple[str, ...] = ()


LEAKS = (
    Leak(
        "求值按发生日而非入库日",
        "the evaluator takes the day it happened for the day it became known",
        "features/aggregates/row_ranges.py",
        "month, columns, months)\n",
        'month, {**columns, "known": columns.get("opened", columns.get("lodged", columns["known"]))}, months)\n',
    ),
    Leak(
        "截至日后一天入库的行也算",
        "rows known one day later count (known <= D + 1)",
        "features/aggregates/kernels.py",
        "known[row] <= day[unit] and bucket",
        "known[row] <= day[unit] + 1 and bucket",
    ),
    Leak(
        "多日求值不看入库日",
        "cases on their own days see rows of every day",
        "features/aggregates/row_ranges.py",
        "begin, end, units.day, month",
        "begin, end, units.day + 9_999 * (units.day != units.day[0]).any(), month",
        READ,
        ("own days",),
    ),
    Leak(
        "窗口起点也算在内",
        "the beginning of a window is closed",
        "features/aggregates/order_kernels.py",
        "offset < edges[2 * window + 1]:\n                        times[window]",
        "offset <= edges[2 * window + 1]:\n                        times[window]",
    ),
    Leak(
        "求和窗口错开一天",
        "sums take the day before the window and lose its last",
        "features/aggregates/kernels.py",
        "max(offset, -1), farthest)",
        "max(offset - 1, -1), farthest)",
    ),
    Leak(
        "窗口终点之后也算",
        "sums include what lies after the as-of day",
        "features/aggregates/kernels.py",
        "table[min(max(offset, -1),",
        "table[min(max(offset, 0),",
    ),
    Leak(
        "窗口声明改宽",
        "a window is declared a day wider than its name",
        "features/catalogue/windows.txt",
        "90d | day | 90 | 0",
        "90d | day | 91 | 0",
    ),
    Leak(
        "窗口伸到将来",
        "a window reaches into the days after the as-of day",
        "features/catalogue/windows.txt",
        "365d | day | 365 | 0",
        "365d | day | 365 | -60",
    ),
    Leak(
        "更正行的负号被忽略",
        "the negative of a corrected row is counted as a row",
        "features/aggregates/aggregate.py",
        "signed_values = outcomes[signed]",
        'signed_values = abs(columns["sign"]) * outcomes[value]',
    ),
    Leak(
        "计数忽略负号",
        "counts take no notice of signs",
        "features/aggregates/aggregate.py",
        'rows_tally.sign if kind == "count"',
        'abs(rows_tally.sign) if kind == "count"',
    ),
    Leak(
        "编译语句不看入库日",
        "the compiled statement does not ask when a row became known",
        "features/sql/aggregate_sql.py",
        '"WHERE CAST(t.known AS BIGINT) <= c.as_of"',
        '"WHERE CAST(t.known AS BIGINT) > 0"',
    ),
    Leak(
        "属性取最新快照",
        "attributes are the latest ones whatever the day",
        "features/engine/population.py",
        "values = atom_values(engine, bare, {*atoms.values(), exists}, rows)",
        "late = bare_cases(entity, code, np.full(len(code), engine.store.complete_to, np.int64))\n"
        "    values = atom_values(engine, late, {*atoms.values(), exists}, rows)",
    ),
    Leak(
        "总体剔除后来注销者",
        "units that close later are left out of the day's population",
        "features/engine/population.py",
        "np.flatnonzero((closed == NULL) | (closed > cases.as_of))",
        "np.flatnonzero((closed == NULL) | (closed > engine.store.complete_to))",
    ),
    Leak(
        "近期申领按最后入库日",
        "claims are recent by their last version, corrections after the day included",
        "features/engine/population.py",
        "HAVING MIN(known) > {as_of - recent_days}",
        "HAVING MAX(known) > {as_of - recent_days}",
    ),
    Leak(
        "同行中位数按最后一日",
        "peers are those of the history's last day",
        "features/engine/peer_medians.py",
        "cases.entity, wanted, day, values_of_living)",
        "cases.entity, wanted, engine.store.complete_to, values_of_living)",
    ),
    Leak(
        "同行取次月末",
        "peers are those of the month end after the day",
        "features/engine/peer_medians.py",
        "by_month_end(cases.as_of)",
        "by_month_end(cases.as_of + 31)",
    ),
    Leak(
        "类别按将来重编",
        "a category's position depends on ids that come later, and texts are not kept beside it",
        "features/engine/matrices.py",
        "return texts\n",
        "return tuple(str(place) for place in range(len(texts)))\n",
    ),
    Leak(
        "累计和多看31天",
        "running totals reach to the end of a span of 31 days",
        "features/aggregates/prefix_sums.py",
        "sought = units.key * _DAY + units.day + _SHIFT",
        "sought = units.key * _DAY + units.day + 31 - units.day % 31 + _SHIFT",
        READ,
        ("own days", "at scale"),
    ),
    Leak(
        "汇总表不看入库日",
        "rollups forget when a row became known",
        "features/aggregates/rollup_writer.py",
        '"known": placed["known"]})',
        '"known": 0 * placed["known"]})',
        READ,
        ("at scale",),
    ),
    Leak(
        "首次发生遍历全部行",
        "the first time looks at rows that were taken back",
        "features/aggregates/order_kernels.py",
        "if times[window] > 0:",
        "if times[window] > -9:",
    ),
    Leak(
        "在线求值不看入库日",
        "a request's rows count from the day 0",
        "features/online/request_rows.py",
        'read["known"] = np.array([day for _, _, day in signed], np.int64)',
        'read["known"] = np.zeros(len(signed), np.int64)',
        READ,
        ("online",),
    ),
    Leak(
        "连接取较早的入库日",
        "a join is known from the earlier of its two days",
        "features/store/joins.py",
        "greatest(l.known, r.known) AS begins",
        "least(l.known, r.known) AS begins",
        LOAD,
    ),
    Leak(
        "连接不看右表入库日",
        "a join does not ask when its right side became known",
        "features/store/joins.py",
        "greatest(l.known, r.known) AS begins",
        "l.known AS begins",
        LOAD,
    ),
    Leak(
        "装载时删去被更正的行",
        "superseded rows are dropped at load whatever the day",
        "features/store/versions.py",
        "lives = ~retracts & ~(superseded & (until == known_day))",
        "lives = ~retracts & ~superseded",
        LOAD,
    ),
    Leak(
        "撤回自始生效",
        "a retraction holds from the beginning",
        "features/store/versions.py",
        "np.where(twin, until[places], known_day[places])",
        "known_day[places]",
        LOAD,
    ),
    Leak(
        "装载把入库日改为发生日",
        "the loader sets the recorded day to the day it happened",
        "features/ingest/staging.py",
        "        judged = batch.with_columns(wrong.alias(FAULTS))\n",
        "        told = [pl.col(c.name) for c in columns if c.past and not c.optional]\n"
        "        batch = batch.with_columns(recorded_on=told[0]) if told else batch\n"
        "        judged = batch.with_columns(wrong.alias(FAULTS))\n",
        LOAD,
    ),
    Leak(
        "标签窗口含截至日",
        "the label window holds the as-of day itself: [D, D + h]",
        "training/data/cases.py",
        "(looks.opened > day)",
        "(looks.opened >= day)",
    ),
    Leak(
        "标签窗口不设终点",
        "visits closed after the horizon count",
        "training/data/cases.py",
        " & (looks.closed <= day + horizon)",
        "",
    ),
    Leak(
        "从立案当日看",
        "a visit's features are those of its own day",
        "training/data/unit_cases.py",
        "as_of = looks.opened - 1",
        "as_of = looks.opened",
    ),
    Leak(
        "申领从核查时看",
        "a claim is seen on the day of its last version",
        "training/data/unit_cases.py",
        "np.full(int(claim.max(initial=-1)) + 1, FOREVER, np.int64)\n    np.minimum.at(first",
        "np.zeros(int(claim.max(initial=-1)) + 1, np.int64)\n    np.maximum.at(first",
    ),
    Leak(
        "未查者记为无违法",
        "whoever was not examined is labelled clean",
        "training/data/labels.py",
        "np.where(unseen, np.nan, label)",
        "label",
    ),
    Leak(
        "网络值取最后一日",
        "network values are those of the history's last day",
        "features/network/stored.py",
        "store, of, max(day, store.first_known), nearby",
        "store, of, store.complete_to, nearby",
    ),
    Leak(
        "人员流动不看入库日",
        "moves of workers do not ask when a spell became known",
        "features/network/signed_rows.py",
        'known: Mask = rows["known"] <= day',
        'known: Mask = rows["known"] > 0',
    ),
    Leak(
        "网络用后来查实的违法",
        "the network knows findings of later days",
        "features/network/exposure.py",
        'store.live("found", day, (',
        'store.live("found", store.complete_to, (',
    ),
    Leak(
        "网络登记取最新快照",
        "the network takes its register from the last day",
        "features/network/register.py",
        'store.live("enterprises", day, (',
        'store.live("enterprises", store.complete_to, (',
    ),
    Leak(
        "就诊圈不看入库日",
        "rings of claimants count claims whenever they became known",
        "features/network/rings.py",
        'live_rows(rows, day, "worker")',
        '(rows["sign"] > 0)',
    ),
    Leak(
        "按日装载的历史多看一月",
        "what is live in a history fed by days includes what is recorded in the month after",
        "features/store/store.py",
        'f"WHERE sign = 1 AND known <= {as_of} "',
        'f"WHERE sign = 1 AND known <= {as_of + 30} "',
        READ,
        ("fed",),
    ),
    Leak(
        "更正按行号先后",
        "corrections follow each other by row id, whenever they were recorded",
        "features/store/segment.py",
        '[*map(named, key), "recorded_on", "length(row_id)", "row_id"]',
        '[*map(named, key), "length(row_id)", "row_id"]',
        LOAD,
    ),
    Leak(
        "更正次日生效",
        "a corrected row lives one day beside its correction",
        "features/store/versions.py",
        "np.where(twin, until[places], known_day[places])",
        "np.where(twin, until[places] + 1, known_day[places])",
        LOAD,
    ),
    Leak(
        "连接不看右表撤回",
        "a join outlives its right side",
        "features/store/joins.py",
        "least(l.ends, r.ends) AS ends",
        "l.ends AS ends",
        LOAD,
    ),
    Leak(
        "在线连接不看右表入库日",
        "a request's joins do not ask when their right side became known",
        "features/online/request_rows.py",
        'begins = max(left_row["known"], right_row["known"])',
        'begins = left_row["known"]',
        READ,
        ("online",),
    ),
    Leak(
        "特征所看窗口与名称不符",
        "a feature looks at another window than its name says",
        "features/catalogue/enterprise.txt",
        "hires_{w} | sum(hires, {w})",
        "hires_{w} | sum(hires, 730d)",
    ),
    Leak(
        "编号代码当数值",
        "the code of an identifier, given in the order of loading, is a number",
        "features/catalogue/enterprise.txt",
        "distinct(cell_enterprises, all)",
        "largest(cell_enterprises, all)",
    ),
    Leak(
        "入选概率成特征",
        "the chance with which a visit was drawn is a feature",
        "features/catalogue/measures.txt",
        "closed_on | | staff_on_site |",
        "closed_on | | inclusion_probability |",
    ),
    Leak(
        "读受保护属性",
        "a measure reads a protected attribute",
        "features/catalogue/measures.txt",
        "birth_year | workers | worker | | | birth_year |",
        "birth_year | protected | worker | | | ethnicity |",
    ),
    Leak(
        "训练不留间隔",
        "cases whose horizon reaches into the test teach",
        "training/data/cases.py",
        " & (day + gap <= first)",
        "",
    ),
    Leak(
        "测试案例也训练",
        "cases of the test teach",
        "training/data/dataset.py",
        "np.asarray(self.cases.part == TRAIN)",
        "np.asarray(self.cases.part >= TRAIN)",
    ),
    Leak(
        "折中混入之后的日子",
        "a fold learns from days after those that it is asked about",
        "training/data/folds.py",
        "(self.day + max(self.gap, 1) <= start)",
        "(self.day != start)",
    ),
    Leak(
        "网络值缓存不分日",
        "network values kept of one day serve every other",
        "features/network/stored.py",
        '"stored" / f"{of}-{day}-',
        '"stored" / f"{of}-',
        READ,
        ("fed",),
    ),
    Leak(
        "同行值缓存不分日",
        "peer values kept of one day serve every other",
        "features/engine/peer_medians.py",
        'f"{entity}-{day}-{digest}',
        'f"{entity}-{digest}',
        READ,
        ("fed",),
    ),
    Leak(
        "网络值取下一个月末",
        "network values are those of the next month end",
        "features/network/stored.py",
        "by_month_end(cases.as_of)",
        "by_month_end(cases.as_of + 20)",
    ),
    Leak(
        "现存行多看一天",
        "what is live includes what is recorded the day after",
        "features/store/store.py",
        'known = rows["known"] <= as_of',
        'known = rows["known"] <= as_of + 1',
        READ,
        ("neighbour",),
    ),
    Leak(
        "入库日放宽到31天一段之末",
        "rows count to the end of a span of 31 days",
        "features/aggregates/kernels.py",
        "known[row] <= day[unit]:",
        "known[row] <= day[unit] + 31 - day[unit] % 31:",
    ),
    Leak(
        "分批输出取最后一日的登记",
        "features written in batches take the register of their last day",
        "features/engine/batches.py",
        "entity, code[order], as_of[order])",
        "entity, code[order], np.full_like(as_of, max(days)))",
        READ,
        ("batches",),
    ),
    Leak(
        "全部申领逐键求值取月末日",
        "claims swept key by key look from the end of a span of 31 days",
        "features/engine/key_order.py",
        "here[fresh] % DAYS, np.cumsum",
        "here[fresh] % DAYS + 31 - here[fresh] % DAYS % 31, np.cumsum",
        READ,
        ("batches",),
    ),
    Leak(
        "在线共用行不看入库日",
        "rows that a request shares with others count whenever they became known",
        "features/online/request_case.py",
        "            return others(table, by, low, high, columns)\n        if table",
        '            rows = others(table, by, low, high, columns)\n            return {**rows, "known": 0 * rows["known"]}\n'
        "        if table",
        READ,
        ("online",),
    ),
    Leak(
        "累计和只按发生日",
        "running totals begin on the day it happened",
        "features/aggregates/prefix_sums.py",
        "np.maximum(rows.known, rows.placed + edge)",
        "rows.placed + edge",
        READ,
        ("at scale",),
    ),
    Leak(
        "撤回早一月生效",
        "a row that is superseded within a month never was",
        "features/store/versions.py",
        "(superseded & (until == known_day))",
        "(superseded & (until <= known_day + 31))",
        LOAD,
    ),
    Leak(
        "比对线索不看入库日",
        "matches rest on rows of every day",
        "features/matches/rule.py",
        'plus.known <= {day}"',
        'plus.known <= {day + 30}"',
    ),
    Leak(
        "Spark取晚一月的截至日",
        "cases for Spark look from a month later",
        "features/sql/spark.py",
        "cases_given(engine, cases, names)",
        "cases_given(engine, type(cases)(cases.entity, cases.code, cases.as_of + 30, cases.keys), names)",
        READ,
        ("batches",),
    ),
    Leak(
        "申领自身的核查结果",
        "what came of a claim's own review is a feature of it",
        "features/catalogue/measures.txt",
        "worker_reviews | reviewed | worker |",
        "worker_reviews | reviewed | claim |",
    ),
    Leak(
        "身份成类别",
        "the representative is a category",
        "features/catalogue/enterprise.txt",
        "section | attr(section) |",
        "section | attr(representative) |",
    ),
    Leak(
        "窗口名不言跨度",
        "a window of days to come has a name that says nothing",
        "features/catalogue/windows.txt",
        "730d | day | 730 | 0 |",
        "next | day | 0 | -90 | 今后 | days to come\n730d | day | 730 | 0 |",
    ),
    Leak(
        "当日已知结果者也算样本",
        "a case is one though its own day knew its outcome",
        "training/data/set_aside.py",
        "cases.take(is_useful & ~is_known)",
        "cases.take(is_useful)",
    ),
    Leak(
        "训练用测试开始后才知的结果",
        "what became known after the test began teaches",
        "training/data/unit_cases.py",
        "return min(first_asked(target), store.complete_to)",
        "return store.complete_to",
    ),
    Leak(
        "折用当时未知的结果",
        "a fold learns outcomes that were not known when it is asked",
        "training/data/folds.py",
        " & (self.learnable <= start)",
        "",
    ),
)


def planted(leak: Leak, place: Path) -> Path:
    """Return a copy of the packages with a leak in it."""
    for package in ("features", "training", "models", "sources"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("city"))
    file = place / leak.file
    text = file.read_text("utf-8")
    if text.count(leak.old) != 1:
        raise SystemExit(f"{leak.en}: {leak.file} holds {leak.old!r} {text.count(leak.old)} times")
    file.write_text(text.replace(leak.old, leak.new), "utf-8")
    return place


def certificate(packages: Path, home: Path, source: Path, ways: tuple[str, ...]) -> dict[str, Any]:
    """Return what the packages in a folder certify of a source, whose stores may already lie in a home."""
    os.environ["LSSI_HOME"] = str(home)
    sys.path.insert(0, str(packages))
    from features.calendar import day_of
    from features.ingest.source import find_source
    from features.store.opening import open_store
    from training.certificate.certify import Extent, certify

    extent = Extent(enterprises=100, seeds=(1,), kinds=(), read=6, ways=ways)
    return certify(open_store(source), day_of(AS_OF), extent, find_source(source))


def forked(work: Any) -> dict[str, Any]:
    """Return what a function returns in a process of its own, or its error."""
    read, write = os.pipe()
    if not os.fork():
        try:
            said = work()
        except BaseException as error:  # noqa: BLE001 - a leak may break anything
            said = {
                "error": f"{type(error).__name__}: {error}",
                "trace": traceback.format_exc()[-600:],
            }
        with os.fdopen(write, "w", encoding="utf-8") as out:
            json.dump(said, out)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as back:
        said = json.load(back)
    os.wait()
    return dict(said)


def at_the_edges() -> list[int]:
    """Return the as-of days that are tried, and the days at which windows before them begin."""
    from features.calendar import day_of

    asked = [day_of(day) for day in (AS_OF, *ON_DAYS)]
    return [day - width for width in (0, 30, 90, 365) for day in asked]


def prepared(place: Path) -> Path:
    """Write the history and return the home in which the clean packages left every store that a certificate needs."""

    def work() -> dict[str, Any]:
        sys.path.insert(0, str(ROOT))
        from tests.random_history import write_history, write_looks

        source = write_history(place / "source", seed=3, size=90, absent=ABSENT)
        write_looks(source, seed=3, number=320, openings=at_the_edges())
        text = (source / "source.toml").read_text("utf-8")
        (source / "source.toml").write_text(text + TARGETS, "utf-8")
        shutil.rmtree = spared  # type: ignore[assignment]
        return certificate(ROOT, place / "home", source, ("own days", "at scale", "online", "fed"))

    real = shutil.rmtree

    def spared(path: Path, **how: Any) -> None:
        if Path(path).parent.name != "stores":
            real(path, **how)

    said = forked(work)
    told({"name": "clean", **summary(said)})
    for store in (place / "home" / "stores").iterdir():
        for derived in store.iterdir():
            if derived.is_dir() and derived.name not in ("base", "dictionaries", "days"):
                real(derived, ignore_errors=True)
    return place / "home"


def summary(said: dict[str, Any]) -> dict[str, Any]:
    """Return what of a certificate says how a leak was caught."""
    if "error" in said:
        return said
    moved = {
        "moved": said["features_moved"],
        "misread": said["features_misread"],
        "labels": said["labels"],
    }
    others = {name: said[name] for name in ("barred", "misdated", "undeclared")}
    return {"verdict": said["verdict"], "cpu": said["cpu_seconds"], **moved, **others}


def tried(leak: Leak, place: Path, home: Path) -> dict[str, Any]:
    """Return what the certificate of a leaking copy says."""
    packages = planted(leak, place / "packages")
    own = place / "own"
    if leak.stage == READ:
        shutil.copytree(home, own)
    said = forked(lambda: certificate(packages, own, place / "source", leak.ways))
    shutil.rmtree(packages)
    shutil.rmtree(own, ignore_errors=True)
    return summary(said)


def row_of(leak: Leak, said: dict[str, Any]) -> str:
    """Return a leak's line of the table in docs/certificate.md: what the certificate's proofs said of it."""
    found = {**said["moved"], **said["misread"]}
    first = max(found, key=lambda name: found[name]["largest"], default="")
    shown = f"`{first}` {found[first]['largest']:.6g}" if first else ""
    units = max((one["units"] for one in found.values()), default=0)
    labels = sum(count for kinds in said["labels"].values() for count in kinds.values())
    shown = shown or (said["barred"][0] if said["barred"] else "")
    counts = (len(said["moved"]), len(said["misread"]), labels, len(said["barred"]))
    cells = (leak.zh, leak.en, f"`{leak.file}`", *counts, units, shown)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def told(said: dict[str, Any]) -> None:
    """Write one line of JSON on standard output."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main(place: Path, texts: list[str]) -> None:
    """Try every leak, or those whose English name holds one of some texts."""
    # What no leak changes is imported once, before a process is forked for each leak.
    import duckdb  # noqa: F401
    import lightgbm  # noqa: F401
    import numba.np.arraymath  # noqa: F401
    import pandera.polars  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.sparse.csgraph  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    home = prepared(place)
    for leak in LEAKS:
        if not texts or any(text in leak.en for text in texts):
            told({"name": leak.en, **tried(leak, place, home)})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
