"""What declarations alone tell of a leak: forbidden columns, codes taken for amounts, outcomes and chances as features."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from features.catalogue.document import forbidden
from features.catalogue.joins import declared_joins
from features.catalogue.language import Atom, atom_of, atoms_of, call_name, row_columns
from features.catalogue.model import ENTITIES, Catalogue, Feature, Measure
from features.catalogue.roles import unread_attributes
from features.catalogue.syntax import parse_row
from features.catalogue.validate import check_feature, check_measure, columns_read, every_table
from features.contract.tables import Column, contract
from features.errors import CatalogueError
from features.ingest.source import JOURNAL
from features.ingest.source_toml import SourceDeclaration, Target
from training.certificate.reference_evaluator import window_span

OUTCOMES = (
    "truth",
    "true",
    "actual",
    "label",
    "outcome",
    "target",
    "guilty",
    "fraud",
    "violator",
    "evasion",
)
SPAN = re.compile(r"(?:^|_)((?:prev)?\d+[dm])(?=_|$)")
"""A window in a feature's name, such as `30d` or `prev12m` between underscores."""
SAME = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)

LABELS = {"claim": "claim_reviews", "inspection": "findings"}
"""By the key of a case, the table that tells its outcome."""
PERSONAL = ("person", "address", "account")
REGISTERED = {
    "capital",
    "address",
    "place",
    "area",
    "name",
    "owner",
    "owners",
    "controller",
    "shareholder",
    "shareholders",
}
"""Facts of a register of which each may have two, what was declared and what is *actual* (paid-in capital): no outcomes."""


def barred(catalogue: Catalogue, declaration: SourceDeclaration) -> list[str]:
    """Return in a line each what no feature or attribute may be, as far as it shows in what is declared."""
    tables = every_table()
    columns = _columns_by_table(declaration)
    attributes = [attribute.name for attribute in declaration.attribute]
    faults = [*of_attributes(declaration), *of_windows(catalogue)]
    for measure in catalogue.measures.values():
        faults += _refusal(partial(check_measure, measure, tables, attributes))
        faults += of_measure(measure, columns.get(measure.table, {}))
    for feature in catalogue.declared.values():
        faults += _refusal(partial(check_feature, catalogue, feature))
        faults += of_feature(catalogue, feature, columns, declaration.target)
    return faults


def _columns_by_table(declaration: SourceDeclaration) -> dict[str, dict[str, Column]]:
    """Return by table its columns by name, the attributes that a source declares among them."""
    columns = {}
    for name, table in every_table().items():
        columns[name] = {column.name: column for column in table.columns}
    for attribute in declaration.attribute:
        columns_of_table = columns[attribute.table]
        columns_of_table[attribute.name] = attribute.column
    return columns


def _refusal(check: Callable[[], None]) -> Iterator[str]:
    try:
        check()
    except CatalogueError as error:
        yield str(error)


def of_attributes(declaration: SourceDeclaration) -> Iterator[str]:
    """Yield what is wrong with attributes that become features: an outcome's name, or what a target is told by."""
    scored = {table for table, _ in ENTITIES.values()}
    unread = unread_attributes(declaration.attribute)
    for attribute in declaration.attribute:
        if attribute.table not in scored or f"{attribute.table}.{attribute.name}" in unread:
            continue
        where = f"attribute {attribute.name!r} of {attribute.table}"
        if names_outcome(attribute.name) or attribute.name in declaration.target:
            yield f"{where} has the name of an outcome, or is forbidden"
        for name, target in declaration.target.items():
            filtered = _event_columns(name, target, attribute.table)
            if attribute.name in filtered or attribute.name == target.count:
                yield f"{where} tells the outcome of target {name!r}"


def _event_columns(name: str, target: Target, table: str) -> frozenset[str]:
    """Return the columns of a table by which a target chooses its events."""
    event = target.event
    if event is None or event.table != table or not event.filter:
        return frozenset()
    return row_columns(parse_row(event.filter, name))


def names_outcome(name: str) -> bool:
    """Tell whether an attribute has the name of an outcome or of what is forbidden.

    >>> names_outcome("actual_capital"), names_outcome("actual_staff"), names_outcome("actual_capital_evasion")
    (False, True, True)
    """
    words = name.split("_")
    if words[0] == "actual" and REGISTERED.intersection(words[1:]):
        words = words[1:]
    outcomes = {*OUTCOMES, *forbidden()}
    return not outcomes.isdisjoint(words)


def of_windows(catalogue: Catalogue) -> Iterator[str]:
    """Yield the windows whose name does not say how far they reach."""
    for name in catalogue.windows:
        try:
            window_span(name)
        except ValueError:
            yield f"window {name!r} should be named after its span before the day, such as 30d, prev12m or all"


def of_measure(measure: Measure, columns: dict[str, Column]) -> Iterator[str]:
    """Yield what is wrong with a measure: it reads a chance, our own journal, or the code of an identifier as a number."""
    where = f"measure {measure.name!r}"
    kinds = {name: columns[name].kind for name in columns_read(measure) if name in columns}
    for name in sorted(kinds):
        if kinds[name] == "probability":
            yield f"{where} reads {name!r}, the chance with which we chose whom to visit"
        if _has_word(name, forbidden()):
            yield f"{where} reads {name!r}, which is on the forbidden list"
    if LABELS.get(measure.by) in _tables_of(measure):
        yield f"{where} tells of each {measure.by} what came of it itself: {measure.table!r} by {measure.by!r}"
    if measure.table in JOURNAL:
        yield f"{where} reads {measure.table!r}, in which we write down our own decisions"
    for name in identifiers_named(measure, columns):
        yield f"{where} picks single ones by {name!r}, which knows whom it is about, not what holds"
    counted = numbers_in(measure.value)
    if measure.filter is not None:
        counted = counted | numbers_in(measure.filter)
    for name in sorted(counted):
        if kinds.get(name) == "id":
            yield f"{where} takes the code of {name!r} for a number"


def identifiers_named(measure: Measure, columns: dict[str, Column]) -> list[str]:
    """Return the columns of which a measure names single identifiers, such as `enterprise in ('a', 'b')`."""
    named = set()
    for tree in filter(None, (measure.value, measure.filter)):
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and _holds_constant(node):
                named |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    one_thing = identities()
    return sorted(
        name for name in named if name in columns and _is_identity(columns[name], one_thing)
    )


def _is_identity(column: Column, one_thing: set[str]) -> bool:
    """Tell whether a column's identifiers name one thing each; `one_thing` are the name spaces of such."""
    return column.kind == "id" and column.space in one_thing


def _holds_constant(node: ast.Compare) -> bool:
    """Tell whether a comparison names a value; `None` stands for what is empty."""
    constants = [part for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return any(part.value is not None for part in constants)


def _has_word(name: str, words: Iterable[str]) -> bool:
    """Tell whether a name holds one of some words between its underscores."""
    return not set(name.split("_")).isdisjoint(words)


def _tables_of(measure: Measure) -> tuple[str, ...]:
    """Return the table of a measure, or both sides of the join that it is."""
    for join in declared_joins():
        if join.name == measure.table:
            return join.left, join.right
    return (measure.table,)


def numbers_in(tree: ast.expr) -> set[str]:
    """Return the columns of an expression with which it counts or which it orders.

    >>> sorted(numbers_in(ast.parse("a + 1 > b and c == 'x'", mode="eval").body)), numbers_in(ast.Name("a"))
    (['a', 'b'], set())
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) or _orders(node):
            names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names


def _orders(node: ast.AST) -> bool:
    """Tell whether a part of an expression asks which of two values is the larger."""
    if not isinstance(node, ast.Compare):
        return False
    return not all(isinstance(operator, SAME) for operator in node.ops)


def of_feature(
    catalogue: Catalogue,
    feature: Feature,
    columns: dict[str, dict[str, Column]],
    targets: Iterable[str],
) -> Iterator[str]:
    """Yield what is wrong with a feature: a target's name, a window that is not in its name, or a code read as an amount."""
    where = f"feature {feature.name!r}"
    if feature.name in targets or _has_word(feature.name, ("truth", "label", "target")):
        yield f"{where} has the name of an outcome"
    windows = _windows(catalogue, feature)
    for window in SPAN.findall(feature.name):
        if windows and window not in windows:
            looks_at = ", ".join(sorted(windows))
            yield f"{where} is named after the window {window} and looks at {looks_at}"
    for space in _identities_as_category(catalogue, feature, columns):
        yield f"{where} makes an identity, {space!r}, a category, which knows whom it is about, not what holds"
    for atom in sorted(_amounts(feature), key=lambda atom: (atom.measure, atom.aggregate)):
        column = _column_of(catalogue.measure(atom.measure), columns)
        if column is not None and column.kind == "id":
            amount = f"{atom.aggregate}({atom.measure}, {atom.window})"
            yield f"{where} takes the code of {column.name!r} for a number: {amount}"


def _windows(catalogue: Catalogue, feature: Feature) -> set[str]:
    """Return the windows that a feature, and all that it rests on, look at."""
    windows = set()
    for part in catalogue.chain([feature.name]):
        for atom in atoms_of(part.tree):
            windows.add(atom.window)
    return windows


def _identities_as_category(
    catalogue: Catalogue, feature: Feature, columns: dict[str, dict[str, Column]]
) -> Iterator[str]:
    """Yield the first name space of each measure that makes a category of what names one thing."""
    if not feature.category:
        return
    for atom in atoms_of(feature.tree):
        measure = catalogue.measure(atom.measure)
        columns_of_table = columns.get(measure.table, {})
        spaces = []
        for name in row_columns(measure.value) & columns_of_table.keys():
            column = columns_of_table[name]
            if column.kind == "id":
                spaces.append(column.space)
        if identities().intersection(spaces):
            yield spaces[0]


def _column_of(measure: Measure, columns: dict[str, dict[str, Column]]) -> Column | None:
    """Return the column that a measure takes as its value as it stands; None where it computes one."""
    value = measure.value
    if not isinstance(value, ast.Name):
        return None
    return columns.get(measure.table, {}).get(value.id)


def identities() -> set[str]:
    """Return the name spaces whose identifiers name one thing: keys of tables, persons, addresses, accounts."""
    spaces = {*PERSONAL, "enterprise", "provider"}
    for table in contract().values():
        for column in table.columns:
            if column.kind == "id" and table.key == (column.name,):
                spaces.add(column.space)
    return spaces


def _amounts(feature: Feature) -> set[Atom]:
    """Return the aggregates of a feature that say how much: all but counts of distinct values, categories and what is known."""
    if feature.category:
        return set()
    only_known = set()
    for node in ast.walk(feature.tree):
        if isinstance(node, ast.Call) and call_name(node) == "known" and node.args:
            only_known.add(atom_of(node.args[0]))
    amounts = set()
    for atom in atoms_of(feature.tree):
        if atom.aggregate not in ("distinct", "count") and atom not in only_known:
            amounts.add(atom)
    return amounts
