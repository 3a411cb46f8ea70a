"""The compiler: the catalogue as SQL that runs unchanged on DuckDB and Spark, the evaluator's independent proof.

The statement reads a table `cases` (case_no, as_of, month, k_<key> ...) and the store's tables. Aggregates stay BIGINT;
each becomes DOUBLE once, and every operation after that is one IEEE step.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from features.aggregates.row_expressions import whole_constant
from features.catalogue.language import (
    ADDITIVE,
    SERIES,
    Atom,
    Peer,
    atom_of,
    atoms_of,
    call_name,
    names_of,
    peer_of,
    peers_of,
    word,
)
from features.catalogue.model import Catalogue, Feature, Measure
from features.sql.aggregate_sql import (
    ARITHMETIC,
    COMPARE,
    Dialect,
    additive_sql,
    joined_sql,
    multiset_sql,
    series_sql,
)


def formula_sql(tree: ast.expr, atoms: Mapping[Atom, str], peers: Mapping[Peer, str]) -> str:
    """Return a formula as SQL over columns of DOUBLE."""
    if (atom := atom_of(tree)) is not None:
        return atoms[atom]
    if (peer := peer_of(tree)) is not None:
        return peers[peer]
    if isinstance(tree, ast.Constant):
        return constant_sql(tree)
    if isinstance(tree, ast.Name):
        return "CAST(as_of AS DOUBLE)" if tree.id == "as_of" else f"f_{tree.id}"
    if isinstance(tree, ast.UnaryOp):
        return f"(- {formula_sql(tree.operand, atoms, peers)})"
    if isinstance(tree, ast.Call):
        if call_name(tree) == "stored":
            return f"stored_{word(tree.args[0])}"
        arguments = [formula_sql(part, atoms, peers) for part in tree.args]
        return _call_sql(call_name(tree), arguments)
    if isinstance(tree, ast.Compare):
        left_sql = formula_sql(tree.left, atoms, peers)
        right_sql = formula_sql(tree.comparators[0], atoms, peers)
        comparison = COMPARE[type(tree.ops[0])]
        return f"CAST(({left_sql} {comparison} {right_sql}) AS DOUBLE)"
    assert isinstance(tree, ast.BinOp)
    left_sql = formula_sql(tree.left, atoms, peers)
    right_sql = formula_sql(tree.right, atoms, peers)
    if isinstance(tree.op, ast.Div):
        return f"({left_sql} / NULLIF({right_sql}, CAST(0 AS DOUBLE)))"
    operator = ARITHMETIC[type(tree.op)]
    return f"({left_sql} {operator} {right_sql})"


def constant_sql(node: ast.Constant) -> str:
    """Return a number of a formula as DOUBLE, to the bit.

    >>> constant_sql(ast.Constant(3)), constant_sql(ast.Constant(0.5))
    ('CAST(3 AS DOUBLE)', 'CAST(5.0000000000000000e-01 AS DOUBLE)')
    """
    if isinstance(node.value, float):
        # With an exponent a number is a DOUBLE from the start, and 17 digits tell each from the next.
        return f"CAST({node.value:.16e} AS DOUBLE)"
    return f"CAST({whole_constant(node)} AS DOUBLE)"


def _call_sql(name: str | None, arguments: list[str]) -> str:
    first, *others = arguments
    if name == "known":
        return f"CAST(({first} IS NOT NULL) AS DOUBLE)"
    if name == "default":
        return f"COALESCE({first}, {others[0]})"
    if name == "where":
        value, otherwise = others
        chosen = f"WHEN {first} <> 0 THEN {value} ELSE {otherwise}"
        return f"(CASE WHEN {first} IS NULL THEN NULL {chosen} END)"
    (second,) = others
    sign = "<" if name == "lesser" else ">"
    # Not LEAST or GREATEST: engines differ in whether these skip a NULL.
    missing = f"{first} IS NULL OR {second} IS NULL"
    chosen = f"WHEN {first} {sign} {second} THEN {first} ELSE {second}"
    return f"(CASE WHEN {missing} THEN NULL {chosen} END)"


def layers(features: Iterable[Feature]) -> list[list[Feature]]:
    """Return features in layers: each names only features of layers before its own."""
    depth: dict[str, int] = {}
    by_depth: dict[int, list[Feature]] = defaultdict(list)
    for feature in features:
        named = [name for name in names_of(feature.tree) if name != "as_of"]
        level = 1 + max((depth[name] for name in named), default=-1)
        depth[feature.name] = level
        by_depth[level].append(feature)
    return [by_depth[level] for level in sorted(by_depth)]


def features_sql(catalogue: Catalogue, names: Sequence[str], dialect: Dialect) -> str:
    """Return one SQL statement that gives case_no and, as f_<name>, every named feature, ordered by case_no."""
    features = catalogue.chain(names)
    atoms = _aliases(features)
    peers: dict[Peer, str] = {}
    for feature in features:
        for peer in peers_of(feature.tree):
            peers[peer] = f"p_{peer.feature}_{peer.by}"
    scans = _scans(catalogue, atoms)
    steps = []
    for name, (group, _) in scans.items():
        scan = _scan_sql(group, catalogue, dialect)
        steps.append(f"{name} AS (\n  {scan})")
    steps.append(f"level AS (\n  {_level_sql(scans)})")
    last = "level"
    # A feature may name others, so each layer is a step of its own above the one that it reads.
    for number, layer in enumerate(layers(features)):
        columns = []
        for feature in layer:
            formula = formula_sql(feature.tree, atoms, peers)
            columns.append(f"{formula} AS f_{feature.name}")
        listed = ",\n    ".join(columns)
        steps.append(f"level{number} AS (\n  SELECT {last}.*,\n    {listed}\n  FROM {last})")
        last = f"level{number}"
    wanted = ", ".join(f"f_{name}" for name in names)
    with_steps = ",\n".join(steps)
    return f"WITH {with_steps}\nSELECT case_no, {wanted} FROM {last} ORDER BY case_no"


def _aliases(features: Iterable[Feature]) -> dict[Atom, str]:
    """Return a column name for each aggregate that features need, the same whenever the same features are asked for."""
    atoms: set[Atom] = set()
    for feature in features:
        atoms |= atoms_of(feature.tree)
    in_order = sorted(atoms, key=lambda atom: (atom.measure, atom.aggregate, atom.window))
    return {atom: f"a{number}" for number, atom in enumerate(in_order)}


Scan = tuple[list[tuple[str, Atom]], Measure]


def _level_sql(scans: Mapping[str, Scan]) -> str:
    """Return the statement that puts the aggregates of all scans beside their cases."""
    columns = ["c.*"]
    for name, (group, measure) in scans.items():
        columns += [_joined_column(name, atom, alias, measure) for alias, atom in group]
    joins = [f"LEFT JOIN {name} ON {name}.case_no = c.case_no" for name in scans]
    listed = ", ".join(columns)
    joined = "\n".join(joins)
    return f"SELECT {listed}\n  FROM cases c\n  {joined}"


def _scans(catalogue: Catalogue, atoms: Mapping[Atom, str]) -> dict[str, Scan]:
    """Return by name the aggregates that one scan gives: sums of a table and key together, each other one alone."""
    scans: dict[str, Scan] = {}
    for atom, alias in atoms.items():
        measure = catalogue.measure(atom.measure)
        name = f"scan_{alias}"
        if atom.aggregate in ADDITIVE:
            name = f"sums_{measure.table}_{measure.by}"
        group, _ = scans.setdefault(name, ([], measure))
        group.append((alias, atom))
    return scans


def _scan_sql(group: list[tuple[str, Atom]], catalogue: Catalogue, dialect: Dialect) -> str:
    alias, atom = group[0]
    if atom.aggregate in SERIES:
        return series_sql(alias, atom, catalogue, dialect)
    if atom.aggregate not in ADDITIVE:
        return multiset_sql(alias, atom, catalogue, dialect)
    sums = additive_sql(group, catalogue, dialect)
    joined = joined_sql(catalogue.measure(atom.measure))
    return f"SELECT c.case_no AS case_no,\n    {sums}\n  {joined} GROUP BY c.case_no"


def _joined_column(scan: str, atom: Atom, alias: str, measure: Measure) -> str:
    """Return an aggregate as DOUBLE: what no row gives is 0 where that has a meaning, and missing where the key is."""
    column = f"CAST({scan}.{alias} AS DOUBLE)"
    if atom.aggregate in (*ADDITIVE, "months", "slope", "variance", "distinct"):
        or_zero = f"COALESCE({column}, CAST(0 AS DOUBLE))"
        column = f"CASE WHEN c.k_{measure.by} IS NULL THEN NULL ELSE {or_zero} END"
    return f"{column} AS {alias}"
