"""Reads the catalogue's text files, adds a source's declared attributes, and leaves out what absent tables would need."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Protocol, TypeVar

from features.catalogue.dependencies import closure, ordered, stored_behind
from features.catalogue.language import call_name, parse_formula, parse_row, word
from features.catalogue.model import (
    ENTITIES,
    FORBIDDEN,
    KEYS,
    STORED_BY,
    Catalogue,
    Feature,
    Join,
    Measure,
    StoredValue,
    Window,
)
from features.contract.tables import contract
from features.errors import CatalogueError
from features.lengths import overlong

DIRECTIONS = ("up", "down", "none")
_Row = TypeVar("_Row")


class DeclaredAttribute(Protocol):
    """What the catalogue needs of a source's declared attribute."""

    @property
    def table(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def direction(self) -> str: ...


def declaration_lines(text: str, fields: int, where: str) -> Iterator[list[str]]:
    """Yield the fields of each line of a declaration text; comments and empty lines are passed over."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != fields:
            raise CatalogueError(
                f"{where} line {number} has {len(parts)} fields, it should have {fields}: {line[:60]!r}"
            )
        yield parts


def declaration_text(name: str) -> str:
    """Return a declaration file of this folder."""
    return resources.files("features.catalogue").joinpath(name).read_text("utf-8")


def _once(rows: Iterable[_Row], name: Callable[[_Row], str], what: str) -> dict[str, _Row]:
    found: dict[str, _Row] = {}
    for row in rows:
        if wrong := overlong(name(row)):
            raise CatalogueError(f"{what} {wrong}")
        if name(row) in found:
            raise CatalogueError(f"{what} {name(row)!r} is declared twice; keep one")
        found[name(row)] = row
    return found


@cache
def declared_joins() -> tuple[Join, ...]:
    """Return the derived tables that a load materialises."""
    return tuple(
        Join(name, left, right, tuple(on.split(", ")), tuple(taken.split(", ")))
        for name, left, right, on, taken in declaration_lines(
            declaration_text("joins.txt"), 5, "joins.txt"
        )
    )


def windows_of(text: str) -> dict[str, Window]:
    """Return the windows of a declaration text by name."""
    rows = (
        Window(name, unit, int(first), int(last), zh, en)
        for name, unit, first, last, zh, en in declaration_lines(text, 6, "windows.txt")
    )
    return _once(rows, lambda window: window.name, "window")


def measures_of(text: str, where: str = "measures.txt") -> dict[str, Measure]:
    """Return the measures of a declaration text by name."""
    rows = (
        Measure(
            name,
            table,
            by,
            when,
            parse_row(passes, name) if passes else None,
            parse_row(value, name),
            unit,
            zh,
            en,
        )
        for name, table, by, when, passes, value, unit, zh, en in declaration_lines(text, 9, where)
    )
    return _once(rows, lambda measure: measure.name, "measure")


def features_of(text: str, entity: str, windows: dict[str, Window], where: str) -> list[Feature]:
    """Return the features of a declaration text, a line with `{w}` once for each of its windows."""
    found: list[Feature] = []
    for name, formula, unit, direction, family, zh, en, over in declaration_lines(text, 8, where):
        if direction not in DIRECTIONS:
            raise CatalogueError(
                f"{where}: {name}: direction should be one of {', '.join(DIRECTIONS)}; got {direction!r}"
            )
        for window in over.split() or [""]:
            if window and window not in windows:
                raise CatalogueError(
                    f"{where}: {name}: window {window!r} is not declared in windows.txt"
                )
            spoken = windows.get(window)
            texts = (
                (zh.replace("{w}", spoken.zh), en.replace("{w}", spoken.en)) if spoken else (zh, en)
            )
            expression = formula.replace("{w}", window)
            tree = with_register(parse_formula(expression, name), entity)
            found.append(
                Feature(
                    name.replace("{w}", window),
                    entity,
                    expression,
                    unit,
                    direction,
                    family,
                    *texts,
                    category=unit == "category",
                    tree=tree,
                )
            )
    return found


def declared_stored(text: str) -> dict[str, StoredValue]:
    """Return the stored values of a declaration text by name."""
    rows = [
        StoredValue(name, of, unit, zh, en, tuple(tables.split(", ")))
        for name, of, unit, zh, en, tables in declaration_lines(text, 6, "stored.txt")
    ]
    for row in rows:
        if row.of not in STORED_BY:
            raise CatalogueError(
                f"stored.txt: {row.name}: kept by should be one of {', '.join(STORED_BY)}; got {row.of!r}"
            )
    return _once(rows, lambda stored: stored.name, "stored value")


def attribute_parts(attributes: Iterable[DeclaredAttribute]) -> tuple[list[Measure], list[Feature]]:
    """Return a measure and a feature `attr_<name>` for each attribute that a source declares of a scored entity."""
    measures: list[Measure] = []
    features: list[Feature] = []
    for attribute in attributes:
        entity = next(
            (name for name, (table, _) in ENTITIES.items() if table == attribute.table), None
        )
        if entity is None:
            continue
        if any(part in FORBIDDEN for part in attribute.name.split("_")):
            raise CatalogueError(
                f"attribute {attribute.name!r} is on the forbidden list ({', '.join(FORBIDDEN)}); leave it out"
            )
        tree = with_register(parse_formula(f"attr({attribute.name})", attribute.name), entity)
        unit = "category" if attribute.type == "category" else attribute.unit
        measures.append(register_measure(entity, attribute.name, unit, attribute.zh, attribute.en))
        features.append(
            Feature(
                f"attr_{attribute.name}",
                entity,
                f"attr({attribute.name})",
                unit,
                attribute.direction,
                "attributes",
                attribute.zh,
                attribute.en,
                category=unit == "category",
                tree=tree,
            )
        )
    return measures, features


def register_measure(entity: str, column: str, unit: str, zh: str, en: str) -> Measure:
    """Return the measure `<entity>_<column>`: the value that the entity's register holds."""
    table, when = ENTITIES[entity]
    return Measure(
        f"{entity}_{column}",
        table,
        KEYS[entity][0],
        when,
        None,
        ast.Name(column, ast.Load()),
        unit,
        zh,
        en,
    )


def register_measures() -> list[Measure]:
    """Return the measures of every register column of the contract."""
    columns = [
        register_measure(entity, column.name, column.kind, column.zh, column.en)
        for entity, (table, _) in ENTITIES.items()
        for column in contract()[table].columns
        if column.name != KEYS[entity][0]
    ]
    rows = [
        Measure(
            f"{entity}_rows",
            table,
            KEYS[entity][0],
            when,
            None,
            ast.Constant(1),
            "count",
            "登记行",
            "register rows",
        )
        for entity, (table, when) in ENTITIES.items()
    ]
    return columns + rows


def with_register(tree: ast.expr, entity: str) -> ast.expr:
    """Return a formula in which `attr(column)` has become the newest value of the entity's register."""

    class Resolved(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            if call_name(node) != "attr":
                return self.generic_visit(node)
            arguments: list[ast.expr] = [
                ast.Constant(f"{entity}_{word(node.args[0])}"),
                ast.Constant("all"),
            ]
            return ast.Call(ast.Name("newest", ast.Load()), arguments, [])

    resolved = Resolved().visit(tree)
    assert isinstance(resolved, ast.expr)
    return resolved


def reason_sentences(text: str) -> dict[str, tuple[str, str]]:
    """Return the sentences (zh, en) of a declaration text by feature."""
    return {name: (zh, en) for name, zh, en in declaration_lines(text, 3, "reasons.txt")}


def read_catalogue(
    has: Callable[[str], bool],
    attributes: Iterable[DeclaredAttribute] = (),
    extra: Path | None = None,
) -> Catalogue:
    """Return the catalogue for a history: `has` tells which tables it holds, `extra` is a declared file of more features.

    Features whose tables are absent are left out by name, with the table as the reason.
    """
    windows, measures = (
        windows_of(declaration_text("windows.txt")),
        measures_of(declaration_text("measures.txt")),
    )
    measures |= {measure.name: measure for measure in register_measures()}
    own_measures, own_features = attribute_parts(attributes)
    features = [
        feature
        for entity in ENTITIES
        for feature in features_of(
            declaration_text(f"{entity}.txt"), entity, windows, f"{entity}.txt"
        )
    ]
    if extra is not None:
        features += extra_features(extra, windows, measures)
    for measure in own_measures:
        if measure.name in measures:
            raise CatalogueError(
                f"attribute {measure.name!r} has the name of a contract column; choose another"
            )
        measures[measure.name] = measure
    reasons = reason_sentences(declaration_text("reasons.txt"))
    named = _once(features + own_features, lambda feature: feature.name, "feature")
    return _available(
        Catalogue(windows, measures, named, stored=declared_stored(declaration_text("stored.txt"))),
        has,
        reasons,
    )


def extra_features(
    path: Path, windows: dict[str, Window], measures: dict[str, Measure]
) -> list[Feature]:
    """Return the features of a file outside the package; its lines `measure | ...` declare measures, `ENTITY | ...` features."""
    found: list[Feature] = []
    for number, line in enumerate(_lines_in(path)):
        kind, _, rest = line.partition("|")
        rest = "\n" * number + rest
        if kind.strip() == "measure":
            for name, measure in measures_of(rest, path.name).items():
                if name in measures:
                    raise CatalogueError(
                        f"{path.name}: measure {name!r} is declared twice; keep one"
                    )
                measures[name] = measure
        elif kind.strip() in ENTITIES:
            found += features_of(rest, kind.strip(), windows, path.name)
        elif line.strip() and not line.startswith("#"):
            raise CatalogueError(
                f"{path.name}: a line should begin with measure, {', '.join(ENTITIES)}; got {line[:40]!r}"
            )
    return found


def _lines_in(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise CatalogueError(f"{path.name} should be text in UTF-8; it is not") from None


def _available(
    catalogue: Catalogue, has: Callable[[str], bool], reasons: dict[str, tuple[str, str]]
) -> Catalogue:
    kept: dict[str, Feature] = {}
    left_out: dict[str, str] = {}
    for entity in ENTITIES:
        for feature in ordered({f.name: f for f in catalogue.features(entity)}):
            atoms, _ = closure(catalogue, feature)
            read = {catalogue.measure(atom.measure).table for atom in atoms}
            read |= {
                table
                for name in stored_behind(catalogue, feature)
                for table in catalogue.stored_value(name).tables
            }
            tables = tuple(sorted(read))
            missing = [table for table in tables if not has(table)]
            if missing:
                left_out[feature.name] = ", ".join(missing)
            else:
                zh, en = reasons.get(feature.name, ("", ""))
                kept[feature.name] = Feature(
                    feature.name,
                    entity,
                    feature.expression,
                    feature.unit,
                    feature.direction,
                    feature.family,
                    feature.zh,
                    feature.en,
                    zh,
                    en,
                    feature.category,
                    tables,
                    feature.tree,
                )
    return Catalogue(catalogue.windows, catalogue.measures, kept, left_out, catalogue.stored)
