"""Attributes of scored entities: measures of what a register holds, and a feature for each that a source declares."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Protocol

from features.catalogue.language import call_name, word
from features.catalogue.model import ENTITIES, FORBIDDEN, KEYS, Feature, Measure
from features.catalogue.syntax import parse_formula
from features.contract.tables import contract
from features.errors import CatalogueError


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
    @property
    def protected(self) -> bool: ...
    @property
    def basis(self) -> str: ...


def attribute_parts(attributes: Iterable[DeclaredAttribute]) -> tuple[list[Measure], list[Feature]]:
    """Return a measure and a feature `attr_<name>` for each attribute of a scored entity that has a legal basis."""
    measures: list[Measure] = []
    features: list[Feature] = []
    entity_of_register = {table: entity for entity, (table, _) in ENTITIES.items()}
    for attribute in attributes:
        entity = entity_of_register.get(attribute.table)
        if entity is None or attribute.protected or not attribute.basis:
            continue
        if any(part in FORBIDDEN for part in attribute.name.split("_")):
            raise CatalogueError(
                f"attribute {attribute.name!r} is on the forbidden list ({', '.join(FORBIDDEN)}), and no basis "
                "lets a feature read it; say protected = true in its place, or leave it out"
            )
        formula = f"attr({attribute.name})"
        tree = with_register(parse_formula(formula, attribute.name), entity)
        unit = "category" if attribute.type == "category" else attribute.unit
        measures.append(register_measure(entity, attribute.name, unit, attribute.zh, attribute.en))
        features.append(
            Feature(
                name=f"attr_{attribute.name}",
                entity=entity,
                expression=formula,
                unit=unit,
                direction=attribute.direction,
                family="attributes",
                zh=attribute.zh,
                en=attribute.en,
                category=unit == "category",
                basis=attribute.basis,
                tree=tree,
            )
        )
    return measures, features


def register_measure(entity: str, column: str, unit: str, zh: str, en: str) -> Measure:
    """Return the measure `<entity>_<column>`: the value that the entity's register holds."""
    table, when = ENTITIES[entity]
    return Measure(
        name=f"{entity}_{column}",
        table=table,
        by=KEYS[entity][0],
        when=when,
        filter=None,
        value=ast.Name(column, ast.Load()),
        unit=unit,
        zh=zh,
        en=en,
    )


def register_measures() -> list[Measure]:
    """Return the measures of every register column of the contract."""
    columns: list[Measure] = []
    rows: list[Measure] = []
    for entity, (table, when) in ENTITIES.items():
        key = KEYS[entity][0]
        for column in contract()[table].columns:
            if column.name == key:
                continue
            measure = register_measure(entity, column.name, column.kind, column.zh, column.en)
            columns.append(measure)
        rows.append(
            Measure(
                name=f"{entity}_rows",
                table=table,
                by=key,
                when=when,
                filter=None,
                value=ast.Constant(1),
                unit="count",
                zh="登记行",
                en="register rows",
            )
        )
    return columns + rows


def with_register(tree: ast.expr, entity: str) -> ast.expr:
    """Return a formula in which `attr(column)` has become the newest value of the entity's register."""

    class Resolved(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            if call_name(node) != "attr":
                return self.generic_visit(node)
            column = word(node.args[0])
            measure = ast.Constant(f"{entity}_{column}")
            window = ast.Constant("all")
            return ast.Call(ast.Name("newest", ast.Load()), [measure, window], [])

    resolved = Resolved().visit(tree)
    assert isinstance(resolved, ast.expr)
    return resolved
