"""The compiler: the catalogue as SQL that runs unchanged on DuckDB and Spark, the evaluator's independent proof.

The statement reads a table `cases` (case_no, as_of, month, k_<key> ...) and the store's tables. Aggregates stay BIGINT;
each becomes DOUBLE once, and every operation after that is one IEEE step.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.aggregates.order_statistics import ITEM_DAYS, ITEM_HALF, ITEM_VALUES
from features.aggregates.row_expressions import literal_for, whole_constant
from features.arrays import Literal
from features.catalogue import Catalogue, Feature, Measure, Window
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

Literals = Mapping[str, Literal]
_COMPARE = {ast.Eq: "=", ast.NotEq: "<>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the compiler must know of a history: how texts are coded, and which columns hold months."""

    literals: Literals
    months: Mapping[str, frozenset[str]]


def row_sql(tree: ast.expr) -> str:
    """Return an integer row expression as SQL over the alias `t`."""
    if isinstance(tree, ast.Constant):
        return f"CAST({whole_constant(tree)} AS BIGINT)"
    if isinstance(tree, ast.Name):
        return f"CAST(t.{tree.id} AS BIGINT)"
    if isinstance(tree, ast.UnaryOp):
        return f"(- {row_sql(tree.operand)})"
    assert isinstance(tree, ast.BinOp)
    return f"({row_sql(tree.left)} {_ARITHMETIC[type(tree.op)]} {row_sql(tree.right)})"


def filter_sql(tree: ast.expr, literal: Literal) -> str:
    """Return a row condition as SQL over the alias `t`; with an empty value it is not true."""
    if isinstance(tree, ast.BoolOp):
        word_between = " AND " if isinstance(tree.op, ast.And) else " OR "
        return "(" + word_between.join(filter_sql(part, literal) for part in tree.values) + ")"
    assert isinstance(tree, ast.Compare)
    left, right, operator = row_sql(tree.left), tree.comparators[0], tree.ops[0]
    if isinstance(operator, ast.Is | ast.IsNot):
        return f"({left} IS {'' if isinstance(operator, ast.Is) else 'NOT '}NULL)"
    read = literal_for(tree, literal)
    if isinstance(operator, ast.In | ast.NotIn):
        listed = right.elts if isinstance(right, ast.Tuple) else [right]
        inside = ", ".join(str(read(item)) for item in listed)
        return f"({left} {'' if isinstance(operator, ast.In) else 'NOT '}IN ({inside}))"
    other = str(read(right)) if isinstance(right, ast.Constant) else row_sql(right)
    return f"({left} {_COMPARE[type(operator)]} {other})"


def offset_sql(measure: Measure, dialect: Dialect) -> str:
    """Return how far before the as-of day (or complete month) a row lies."""
    if not measure.when:
        return "CAST(0 AS BIGINT)"
    reference = "month" if measure.when in dialect.months[measure.table] else "as_of"
    return f"(c.{reference} - CAST(t.{measure.when} AS BIGINT))"


def window_sql(window: Window, offset: str) -> str:
    """Return the condition that an offset lies in a window."""
    inside = f"{offset} >= {window.last}"
    return f"{inside} AND {offset} < {window.first}" if window.first else inside


def passes_sql(measure: Measure, dialect: Dialect) -> str:
    """Return the condition that a row passes a measure's filter."""
    return (
        filter_sql(measure.filter, dialect.literals[measure.table])
        if measure.filter is not None
        else "1 = 1"
    )


def additive_sql(group: Iterable[tuple[str, Atom]], catalogue: Catalogue, dialect: Dialect) -> str:
    """Return the columns of one scan: a signed sum for each aggregate."""
    columns = []
    for name, atom in group:
        measure = catalogue.measure(atom.measure)
        place = window_sql(catalogue.windows[atom.window], offset_sql(measure, dialect))
        value = row_sql(measure.value)
        counted = (
            f"CASE WHEN {value} IS NULL THEN 0 ELSE 1 END" if atom.aggregate == "count" else value
        )
        columns.append(
            f"CAST(COALESCE(SUM(CASE WHEN {passes_sql(measure, dialect)} AND {place} "
            f"THEN CAST(t.sign AS BIGINT) * ({counted}) END), 0) AS BIGINT) AS {name}"
        )
    return ",\n    ".join(columns)


def joined_sql(measure: Measure) -> str:
    """Return the rows of a measure's table matched to cases and known by their days."""
    return (
        f"FROM cases c JOIN {measure.table} t ON CAST(t.{measure.by} AS BIGINT) = c.k_{measure.by} "
        "WHERE CAST(t.known AS BIGINT) <= c.as_of"
    )


def series_sql(name: str, atom: Atom, catalogue: Catalogue, dialect: Dialect) -> str:
    """Return the statement of one aggregate over monthly sums."""
    measure, window = catalogue.measure(atom.measure), catalogue.windows[atom.window]
    offset, value = offset_sql(measure, dialect), row_sql(measure.value)
    width = window.first - window.last
    monthly = (
        f"SELECT c.case_no AS case_no, {offset} - {window.last} AS back, "
        f"CAST(SUM(CAST(t.sign AS BIGINT) * {value}) AS BIGINT) AS v, "
        f"CAST(SUM(CAST(t.sign AS BIGINT)) AS BIGINT) AS n {joined_sql(measure)} AND {passes_sql(measure, dialect)} "
        f"AND {value} IS NOT NULL AND {window_sql(window, offset)} GROUP BY c.case_no, {offset}"
    )
    live = f"SELECT case_no, back, v FROM ({monthly}) s WHERE n > 0"
    steps = f"({width - 1} - 2 * back)"
    reduced = {
        "peak": "CAST(MAX(v) AS DOUBLE)",
        "low": "CAST(MIN(v) AS DOUBLE)",
        "months": "CAST(COUNT(*) AS DOUBLE)",
        "slope": f"CAST(CAST(SUM(6 * {steps} * v) AS BIGINT) AS DOUBLE) / CAST({width * (width * width - 1)} AS DOUBLE)",
        "variance": f"CAST(CAST({width} * SUM(v * v) - SUM(v) * SUM(v) AS BIGINT) AS DOUBLE) "
        f"/ CAST({max(width * (width - 1), 1)} AS DOUBLE)",
    }
    if atom.aggregate == "last":
        return (
            f"SELECT l.case_no AS case_no, CAST(l.v AS DOUBLE) AS {name} FROM ({live}) l JOIN "
            f"(SELECT case_no, MIN(back) AS back FROM ({live}) q GROUP BY case_no) m "
            "ON l.case_no = m.case_no AND l.back = m.back"
        )
    return f"SELECT case_no, {reduced[atom.aggregate]} AS {name} FROM ({live}) l GROUP BY case_no"


def multiset_sql(name: str, atom: Atom, catalogue: Catalogue, dialect: Dialect) -> str:
    """Return the statement of one aggregate over the live members of each case's multiset."""
    measure, window = catalogue.measure(atom.measure), catalogue.windows[atom.window]
    value, offset = row_sql(measure.value), offset_sql(measure, dialect)
    kept = "1 = 1" if atom.aggregate == "newest" else f"{value} IS NOT NULL"
    net = (
        f"SELECT c.case_no AS case_no, {_item_sql(atom, measure, offset, value)} AS item, SUM(CAST(t.sign AS BIGINT)) AS n "
        f"{joined_sql(measure)} AND {passes_sql(measure, dialect)} AND {kept} AND {window_sql(window, offset)} "
        f"GROUP BY c.case_no, {_item_sql(atom, measure, offset, value)} HAVING SUM(CAST(t.sign AS BIGINT)) > 0"
    )
    if atom.aggregate == "median":
        ranked = (
            f"SELECT case_no, item, SUM(n) OVER (PARTITION BY case_no ORDER BY item) AS reached, "
            f"SUM(n) OVER (PARTITION BY case_no) AS total FROM ({net}) s"
        )
        return (
            f"SELECT case_no, CAST(MIN(item) AS DOUBLE) AS {name} FROM ({ranked}) r "
            "WHERE 2 * reached > total - 1 GROUP BY case_no"
        )
    newest = f"(MAX(item) % {ITEM_VALUES})"
    reduced = {
        "since": "CAST(MIN(item) AS DOUBLE)",
        "first_since": "CAST(MAX(item) AS DOUBLE)",
        "largest": "CAST(MAX(item) AS DOUBLE)",
        "smallest": "CAST(MIN(item) AS DOUBLE)",
        "distinct": "CAST(COUNT(*) AS DOUBLE)",
        "newest": f"CAST(CASE WHEN {newest} = 0 THEN NULL ELSE {newest} - {ITEM_HALF} END AS DOUBLE)",
    }
    return f"SELECT case_no, {reduced[atom.aggregate]} AS {name} FROM ({net}) s GROUP BY case_no"


def _item_sql(atom: Atom, measure: Measure, offset: str, value: str) -> str:
    if atom.aggregate in ("since", "first_since"):
        return offset
    if atom.aggregate != "newest":
        return value
    when = f"CAST(t.{measure.when} AS BIGINT)" if measure.when else "c.as_of"
    return f"(({when} + {ITEM_DAYS}) * {ITEM_VALUES} + COALESCE({value} + {ITEM_HALF}, 0))"


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
        return _call_sql(
            tree,
            [formula_sql(part, atoms, peers) for part in tree.args if call_name(tree) != "stored"],
        )
    if isinstance(tree, ast.Compare):
        left, right = (
            formula_sql(tree.left, atoms, peers),
            formula_sql(tree.comparators[0], atoms, peers),
        )
        return f"CAST(({left} {_COMPARE[type(tree.ops[0])]} {right}) AS DOUBLE)"
    assert isinstance(tree, ast.BinOp)
    left, right = formula_sql(tree.left, atoms, peers), formula_sql(tree.right, atoms, peers)
    if isinstance(tree.op, ast.Div):
        return f"({left} / NULLIF({right}, CAST(0 AS DOUBLE)))"
    return f"({left} {_ARITHMETIC[type(tree.op)]} {right})"


def constant_sql(node: ast.Constant) -> str:
    """Return a number of a formula as DOUBLE, to the bit.

    >>> constant_sql(ast.Constant(3)), constant_sql(ast.Constant(0.5))
    ('CAST(3 AS DOUBLE)', 'CAST(5.0000000000000000e-01 AS DOUBLE)')
    """
    if isinstance(node.value, float):
        # With an exponent a number is a DOUBLE from the start, and 17 digits tell each from the next.
        return f"CAST({node.value:.16e} AS DOUBLE)"
    return f"CAST({whole_constant(node)} AS DOUBLE)"


def _call_sql(tree: ast.Call, parts: list[str]) -> str:
    name = call_name(tree)
    if name == "stored":
        return f"stored_{word(tree.args[0])}"
    if name == "known":
        return f"CAST(({parts[0]} IS NOT NULL) AS DOUBLE)"
    if name == "default":
        return f"COALESCE({parts[0]}, {parts[1]})"
    if name == "where":
        return f"(CASE WHEN {parts[0]} IS NULL THEN NULL WHEN {parts[0]} <> 0 THEN {parts[1]} ELSE {parts[2]} END)"
    sign = "<" if name == "lesser" else ">"
    first, second = parts
    return (
        f"(CASE WHEN {first} IS NULL OR {second} IS NULL THEN NULL WHEN {first} {sign} {second} THEN {first} "
        f"ELSE {second} END)"
    )


def layers(features: Iterable[Feature]) -> list[list[Feature]]:
    """Return features in layers: each names only features of layers before its own."""
    depth: dict[str, int] = {}
    found: dict[int, list[Feature]] = defaultdict(list)
    for feature in features:
        depth[feature.name] = 1 + max(
            (depth[name] for name in names_of(feature.tree) if name != "as_of"), default=-1
        )
        found[depth[feature.name]].append(feature)
    return [found[level] for level in sorted(found)]


def features_sql(catalogue: Catalogue, names: Sequence[str], dialect: Dialect) -> str:
    """Return one SQL statement that gives case_no and, as f_<name>, every named feature, ordered by case_no."""
    features = catalogue.chain(names)
    atoms = {
        atom: f"a{i}"
        for i, atom in enumerate(
            sorted(
                {atom for f in features for atom in atoms_of(f.tree)},
                key=lambda a: (a.measure, a.aggregate, a.window),
            )
        )
    }
    peers = {peer: f"p_{peer.feature}_{peer.by}" for f in features for peer in peers_of(f.tree)}
    parts = _scans(catalogue, atoms)
    columns = ["c.*"]
    for name, (group, measure) in parts.items():
        columns += [_joined_column(name, atom, alias, measure) for alias, atom in group]
    joins = "\n".join(f"LEFT JOIN {name} ON {name}.case_no = c.case_no" for name in parts)
    steps = [
        f"{name} AS (\n  {_scan_sql(group, catalogue, dialect)})"
        for name, (group, _) in parts.items()
    ]
    steps.append(f"level AS (\n  SELECT {', '.join(columns)}\n  FROM cases c\n  {joins})")
    last = "level"
    for number, layer in enumerate(layers(features)):
        made = ",\n    ".join(f"{formula_sql(f.tree, atoms, peers)} AS f_{f.name}" for f in layer)
        steps.append(f"level{number} AS (\n  SELECT {last}.*,\n    {made}\n  FROM {last})")
        last = f"level{number}"
    wanted = ", ".join(f"f_{name}" for name in names)
    return "WITH " + ",\n".join(steps) + f"\nSELECT case_no, {wanted} FROM {last} ORDER BY case_no"


Scan = tuple[list[tuple[str, Atom]], Measure]


def _scans(catalogue: Catalogue, atoms: Mapping[Atom, str]) -> dict[str, Scan]:
    """Return by name the aggregates that one scan gives: sums of a table and key together, each other one alone."""
    found: dict[str, Scan] = {}
    for atom, alias in atoms.items():
        measure = catalogue.measure(atom.measure)
        name = (
            f"sums_{measure.table}_{measure.by}" if atom.aggregate in ADDITIVE else f"scan_{alias}"
        )
        found.setdefault(name, ([], measure))[0].append((alias, atom))
    return found


def _scan_sql(group: list[tuple[str, Atom]], catalogue: Catalogue, dialect: Dialect) -> str:
    alias, atom = group[0]
    if atom.aggregate in SERIES:
        return series_sql(alias, atom, catalogue, dialect)
    if atom.aggregate not in ADDITIVE:
        return multiset_sql(alias, atom, catalogue, dialect)
    return (
        f"SELECT c.case_no AS case_no,\n    {additive_sql(group, catalogue, dialect)}\n  "
        f"{joined_sql(catalogue.measure(atom.measure))} GROUP BY c.case_no"
    )


def _joined_column(scan: str, atom: Atom, alias: str, measure: Measure) -> str:
    """Return an aggregate as DOUBLE: what no row gives is 0 where that has a meaning, and missing where the key is."""
    column = f"CAST({scan}.{alias} AS DOUBLE)"
    if atom.aggregate in (*ADDITIVE, "months", "slope", "variance", "distinct"):
        column = f"CASE WHEN c.k_{measure.by} IS NULL THEN NULL ELSE COALESCE({column}, CAST(0 AS DOUBLE)) END"
    return f"{column} AS {alias}"
