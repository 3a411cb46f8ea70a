"""The feature dictionary: every feature with its meaning, formula, tables, windows and legal basis, and what is forbidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from features.catalogue.dependencies import closure, stored_behind
from features.catalogue.joins import declared_joins
from features.catalogue.model import (
    ENTITIES,
    Catalogue,
    Feature,
    Join,
    Measure,
    StoredValue,
    Window,
)
from features.catalogue.parameters import declared_parameters
from features.catalogue.parse import read_catalogue
from features.errors import CatalogueError
from features.parameters import DeclaredParameter
from features.text_files import declaration_lines, declaration_text

TITLES = {
    "enterprise": "企业 · Enterprises",
    "claim": "申领 · Claims",
    "provider": "机构 · Providers",
}
HEAD = "特征 feature | 含义 | meaning | 单位 unit | 方向 direction | 公式 formula | 表 tables | 窗口 windows"


@dataclass(frozen=True, slots=True)
class Family:
    """A family of features: what it is about, and which law makes that worth a look, in both languages."""

    name: str
    zh: str
    en: str
    law_zh: str
    law_en: str


def families() -> dict[str, Family]:
    """Return the declared families by name."""
    return {
        parts[0]: Family(*parts)
        for parts in declaration_lines(declaration_text("families.txt"), 5, "families.txt")
    }


def forbidden() -> dict[str, tuple[str, str]]:
    """Return the reasons (zh, en) of each word that no column of a feature may have."""
    return {
        word: (zh, en)
        for word, zh, en in declaration_lines(declaration_text("forbidden.txt"), 3, "forbidden.txt")
    }


def whole_catalogue() -> Catalogue:
    """Return the catalogue of a history that holds every table."""
    return read_catalogue(lambda _table: True)


def family_of(feature: Feature) -> Family:
    """Return the declared family of a feature; raise CatalogueError where there is none."""
    declared = families()
    if feature.family not in declared:
        raise CatalogueError(
            f"feature {feature.name!r} is of family {feature.family!r}, which families.txt does not declare; "
            f"it declares {', '.join(declared)}"
        )
    return declared[feature.family]


def entry(catalogue: Catalogue, feature: Feature) -> dict[str, Any]:
    """Return what the dictionary says of one feature, as plain values."""
    atoms, peers = closure(catalogue, feature)
    used = {atom.window for atom in atoms}
    law = family_of(feature)
    return {
        "name": feature.name,
        "entity": feature.entity,
        "family": feature.family,
        "zh": feature.zh,
        "en": feature.en,
        "unit": feature.unit,
        "direction": feature.direction,
        "formula": feature.expression,
        "tables": list(feature.tables),
        "measures": sorted({atom.measure for atom in atoms}),
        "windows": [name for name in catalogue.windows if name in used],
        "peers": sorted(f"{peer.feature} by {peer.by}" for peer in peers),
        "stored": sorted(stored_behind(catalogue, feature)),
        "legal_basis": {"zh": feature.basis or law.law_zh, "en": feature.basis or law.law_en},
    }


def catalogue_as_json(catalogue: Catalogue, source: str | None = None) -> dict[str, Any]:
    """Return the dictionary of a catalogue as plain values, for `lssi dictionary --json`."""
    features: list[dict[str, Any]] = []
    for entity in ENTITIES:
        features += [entry(catalogue, feature) for feature in catalogue.features(entity)]
    reasons = forbidden().items()
    return {
        "source": source,
        "features": features,
        "left_out": dict(catalogue.left_out),
        "families": [_family_as_json(family) for family in families().values()],
        "windows": [_window_as_json(window) for window in catalogue.windows.values()],
        "measures": [_measure_as_json(measure) for measure in catalogue.measures.values()],
        "joins": [_join_as_json(join) for join in declared_joins()],
        "stored": [_stored_as_json(value) for value in catalogue.stored.values()],
        "parameters": [_parameter_as_json(one) for one in declared_parameters().values()],
        "forbidden": [{"word": word, "zh": zh, "en": en} for word, (zh, en) in reasons],
    }


def _family_as_json(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "zh": family.zh,
        "en": family.en,
        "legal_basis": {"zh": family.law_zh, "en": family.law_en},
    }


def _window_as_json(window: Window) -> dict[str, Any]:
    return {
        "name": window.name,
        "unit": window.unit,
        "from": window.first,
        "to": window.last,
        "zh": window.zh,
        "en": window.en,
    }


def _measure_as_json(measure: Measure) -> dict[str, Any]:
    return {
        "name": measure.name,
        "definition": measure.spelled(),
        "unit": measure.unit,
        "zh": measure.zh,
        "en": measure.en,
    }


def _join_as_json(join: Join) -> dict[str, Any]:
    return {"name": join.name, "left": join.left, "right": join.right, "on": list(join.on)}


def _stored_as_json(value: StoredValue) -> dict[str, Any]:
    return {
        "name": value.name,
        "kept_by": value.of,
        "unit": value.unit,
        "zh": value.zh,
        "en": value.en,
        "tables": list(value.tables),
    }


def _parameter_as_json(parameter: DeclaredParameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "value": parameter.value,
        "unit": parameter.unit,
        "zh": parameter.zh,
        "en": parameter.en,
        "reason": {"zh": parameter.reason_zh, "en": parameter.reason_en},
    }


def catalogue_page(catalogue: Catalogue, source: str | None = None) -> str:
    """Return the dictionary of a catalogue as a Markdown page, the language first; docs/features.md is the whole one."""
    dictionary = catalogue_as_json(catalogue, source)
    lines = [declaration_text("language.md").rstrip()]
    for section in (_spans, _entities, _looked_up, _parameters, _forbidden, _left_out):
        lines += section(dictionary)
    return "\n".join(lines) + "\n"


def _table(head: str, rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {head} |"
    yield "|" + "---|" * (head.count("|") + 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _spans(dictionary: dict[str, Any]) -> Iterator[str]:
    yield "\n## 窗口 · Windows\n"
    windows = dictionary["windows"]
    rows: list[tuple[str, ...]] = [
        (window["name"], window["zh"], window["en"]) for window in windows
    ]
    yield from _table("窗口 window | 含义 | meaning", rows)


def _entities(dictionary: dict[str, Any]) -> Iterator[str]:
    for entity, title in TITLES.items():
        features = [feature for feature in dictionary["features"] if feature["entity"] == entity]
        yield f"\n## {title} ({len(features)})"
        for family in dictionary["families"]:
            rows = [_row(feature) for feature in features if feature["family"] == family["name"]]
            if rows:
                law = family["legal_basis"]
                yield f"\n### {entity}: {family['zh']} · {family['en']} (`{family['name']}`)\n"
                yield f"依据 {law['zh']}。\nBasis: {law['en']}.\n"
                yield from _table(HEAD, rows)


def _row(feature: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"`{feature['name']}`",
        feature["zh"],
        feature["en"],
        feature["unit"],
        feature["direction"],
        f"`{feature['formula']}`",
        ", ".join(feature["tables"]),
        " ".join(feature["windows"]),
    )


def _looked_up(dictionary: dict[str, Any]) -> Iterator[str]:
    yield "\n## 度量 · Measures\n"
    yield "`表 table | 分组 grouped by | 时间 placed by | 筛选 filter | 值 value`\n"
    yield from _table(
        "度量 measure | 定义 definition | 单位 unit | 含义 | meaning",
        [
            (
                f"`{m['name']}`",
                f"`{m['definition']}`".replace("|", "\\|"),
                m["unit"],
                m["zh"],
                m["en"],
            )
            for m in dictionary["measures"]
        ],
    )
    yield "\n## 预存值 · Stored values\n"
    yield "单凭一个单位自己的行算不出；每月末算一次，按键查用。 What one unit's rows cannot say: computed once a month end.\n"
    yield from _table(
        "值 value | 按 kept by | 单位 unit | 含义 | meaning | 表 tables",
        [
            (f"`{s['name']}`", s["kept_by"], s["unit"], s["zh"], s["en"], ", ".join(s["tables"]))
            for s in dictionary["stored"]
        ],
    )


def _parameters(dictionary: dict[str, Any]) -> Iterator[str]:
    yield "\n## 网络参数 · Parameters of the network\n"
    yield (
        "预存值的天数、人数与比例，写在 `features/catalogue/parameters.txt`；改一个值，预存值即重算。\n"
        "The days, counts and shares behind the stored values, declared in `features/catalogue/parameters.txt`: where a value "
        "changes, stored values are computed again.\n"
    )
    rows: list[tuple[str, ...]] = []
    for parameter in dictionary["parameters"]:
        reason = parameter["reason"]
        rows.append(
            (
                f"`{parameter['name']}`",
                str(parameter["value"]),
                parameter["unit"],
                parameter["zh"],
                parameter["en"],
                reason["zh"],
                reason["en"],
            )
        )
    yield from _table(
        "参数 parameter | 值 value | 单位 unit | 含义 | meaning | 理由 | reason", rows
    )


def _forbidden(dictionary: dict[str, Any]) -> Iterator[str]:
    yield "\n## 禁用清单 · The forbidden list\n"
    yield (
        "列名或属性名含下列任一词的，任何特征不得读取；表 `protected` 只供事后公平性核查。"
        "数据源自带的属性（`[[attribute]]`）须声明 `basis`（法律依据）方可成为特征；"
        "声明 `protected = true` 者与两者皆无者，不论叫什么名字，任何特征不得读取。\n"
        "No feature reads a column or attribute with one of these words in its name; the table `protected` serves checks of "
        "fairness only. An attribute that a source brings (`[[attribute]]`) is read by features only where it states a `basis`, "
        "the law that lets them; one with `protected = true`, or with neither, is read by none, whatever its name.\n"
    )
    yield from _table(
        "词 word | 理由 | reason",
        [(f"`{f['word']}`", f["zh"], f["en"]) for f in dictionary["forbidden"]],
    )


def _left_out(dictionary: dict[str, Any]) -> Iterator[str]:
    if dictionary["left_out"]:
        yield "\n## 未算 · Left out\n"
        yield from _table(
            "特征 feature | 所缺的表或依据 table or basis that is missing",
            [(f"`{name}`", why) for name, why in dictionary["left_out"].items()],
        )
