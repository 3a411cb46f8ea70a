"""A catalogue checked against the contract: tables, columns, windows and keys exist, and nothing forbidden is read."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from features.catalogue.dependencies import closure
from features.catalogue.joins import declared_joins, joined_table
from features.catalogue.language import AGGREGATES, SERIES, call_name, row_columns
from features.catalogue.model import ALIASES, FORBIDDEN, KEYS, Catalogue, Feature, Measure
from features.contract.tables import Column, Table, contract
from features.errors import CatalogueError

PROTECTED = "protected"


def every_table() -> dict[str, Table]:
    """Return the contract's tables and the derived ones by name."""
    tables = dict(contract())
    for join in declared_joins():
        tables[join.name] = joined_table(join, tables[join.left], tables[join.right])
    return tables


def forbidden_in(name: str) -> bool:
    """Tell whether a column's or feature's name has a forbidden word.

    >>> forbidden_in("inspector_id"), forbidden_in("inspections")
    (True, False)
    """
    return any(part in FORBIDDEN for part in name.split("_"))


def columns_read(measure: Measure) -> frozenset[str]:
    """Return every column that a measure reads, its key and its time among them."""
    columns = {measure.by, *row_columns(measure.value)}
    if measure.when:
        columns.add(measure.when)
    if measure.filter is not None:
        columns |= row_columns(measure.filter)
    return frozenset(columns)


def check_measure(measure: Measure, tables: dict[str, Table], own: Iterable[str] = ()) -> None:
    """Raise CatalogueError where a measure reads what is not there or what is forbidden; `own` are a source's own columns."""
    where = f"measure {measure.name!r}"
    if measure.table not in tables:
        raise CatalogueError(
            f"{where} reads table {measure.table!r}, which neither the contract nor joins.txt declares; "
            "`lssi contract` lists the tables"
        )
    if measure.table == PROTECTED:
        raise CatalogueError(
            f"{where} reads table 'protected', which serves checks of fairness only; take another table"
        )
    trees = [tree for tree in (measure.value, measure.filter) if tree is not None]
    for tree in trees:
        for node in ast.walk(tree):
            _check_part(node, (int, str), where)
    for name in sorted(columns_read(measure)):
        if forbidden_in(name):
            raise CatalogueError(
                f"{where} reads {name!r}, which is on the forbidden list of docs/features.md; leave it out"
            )
        if name not in own:
            tables[measure.table].column(name)
    if measure.when:
        _check_time(tables[measure.table].column(measure.when), where)


def _check_time(column: Column, where: str) -> None:
    if column.kind not in ("day", "month"):
        raise CatalogueError(
            f"{where} is placed by {column.name!r}, which is {column.kind}; use a day or a month column"
        )


def _check_part(node: ast.AST, kinds: tuple[type, ...], where: str) -> None:
    """Raise CatalogueError for a constant of another kind, and for a chain of comparisons."""
    if isinstance(node, ast.Constant) and node.value is not None and type(node.value) not in kinds:
        raise CatalogueError(
            f"{where}: {node.value!r} should be of type {' or '.join(k.__name__ for k in kinds)}"
        )
    if isinstance(node, ast.Compare) and len(node.ops) != 1:
        raise CatalogueError(
            f"{where}: {ast.unparse(node)!r} chains comparisons; write one comparison"
        )


def _check_formula(node: ast.expr, where: str) -> None:
    """Raise CatalogueError where a formula holds what is no number; names of measures and windows are passed over."""
    _check_part(node, (int, float), where)
    if call_name(node) not in (*AGGREGATES, "peer", "stored"):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                _check_formula(child, where)


def check_feature(catalogue: Catalogue, feature: Feature) -> None:
    """Raise CatalogueError where a feature has a forbidden name, or rests on a window or key that its entity lacks."""
    where = f"feature {feature.name!r}"
    if not feature.name.isidentifier() or forbidden_in(feature.name):
        raise CatalogueError(
            f"{where} should be letters, digits and underscores without a word of the forbidden list "
            f"({', '.join(FORBIDDEN)})"
        )
    _check_formula(feature.tree, where)
    atoms, peers = closure(catalogue, feature)
    keys = KEYS[feature.entity] + ALIASES[feature.entity]
    for atom in sorted(atoms, key=lambda atom: (atom.measure, atom.window)):
        window = catalogue.windows.get(atom.window)
        if window is None:
            raise CatalogueError(
                f"{where}: window {atom.window!r} is not declared in windows.txt; it declares "
                f"{', '.join(catalogue.windows)}"
            )
        if atom.aggregate in SERIES and window.unit != "month":
            raise CatalogueError(
                f"{where}: {atom.aggregate} needs a window of months; got {atom.window!r}"
            )
        by = catalogue.measure(atom.measure).by
        if by not in keys:
            raise CatalogueError(
                f"{where}: measure {atom.measure!r} is grouped by {by!r}, which no {feature.entity} has; "
                f"it should be one of {', '.join(keys)}"
            )
    for peer in peers:
        if peer.by not in keys:
            raise CatalogueError(
                f"{where}: peers share {peer.by!r}, which no {feature.entity} has; "
                f"take one of {', '.join(keys)}"
            )


def check_catalogue(catalogue: Catalogue, own: Iterable[str] = ()) -> None:
    """Raise CatalogueError at the first declaration of a catalogue that reads what is not there or what is forbidden."""
    tables = every_table()
    used: set[str] = set()
    for feature in catalogue.declared.values():
        atoms, _ = closure(catalogue, feature)
        used |= {atom.measure for atom in atoms}
    for name in sorted(used):
        check_measure(catalogue.measure(name), tables, own)
    for feature in catalogue.declared.values():
        check_feature(catalogue, feature)
