"""What declarations alone tell of a leak: forbidden columns, codes taken for amounts, outcomes and chances as features."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from features.catalogue import Catalogue
from features.catalogue.document import forbidden
from features.catalogue.language import Atom, atom_of, atoms_of, call_name, parse_row, row_columns
from features.catalogue.model import ENTITIES, Feature, Measure
from features.catalogue.parse import declared_joins
from features.catalogue.validate import check_feature, check_measure, columns_read, every_table
from features.contract.tables import Column, contract
from features.errors import CatalogueError
from features.ingest.source import JOURNAL
from features.ingest.source_toml import SourceDeclaration
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
    columns = {
        name: {column.name: column for column in table.columns} for name, table in tables.items()
    }
    for attribute in declaration.attribute:
        columns[attribute.table] = columns[attribute.table] | {attribute.name: attribute.column}
    own = [attribute.name for attribute in declaration.attribute]
    found = [*of_attributes(declaration), *of_windows(catalogue)]
    for measure in catalogue.measures.values():
        found += _said(partial(check_measure, measure, tables, own))
        found += of_measure(measure, columns.get(measure.table, {}))
    for feature in catalogue.declared.values():
        found += _said(partial(check_feature, catalogue, feature))
        found += of_feature(catalogue, feature, columns, declaration.target)
    return found


def _said(check: Callable[[], None]) -> Iterator[str]:
    try:
        check()
    except CatalogueError as error:
        yield str(error)


def of_attributes(declaration: SourceDeclaration) -> Iterator[str]:
    """Yield what is wrong with attributes that become features: an outcome's name, or what a target is told by."""
    scored = {table for table, _ in ENTITIES.values()}
    for attribute in declaration.attribute:
        if attribute.table not in scored:
            continue
        if names_outcome(attribute.name) or attribute.name in declaration.target:
            yield f"attribute {attribute.name!r} of {attribute.table} has the name of an outcome, or is forbidden"
        for name, target in declaration.target.items():
            event = target.event
            of_event = event is not None and event.table == attribute.table and bool(event.filter)
            told = (
                row_columns(parse_row(event.filter, name))
                if event is not None and of_event
                else frozenset[str]()
            )
            if attribute.name in told or attribute.name == target.count:
                yield f"attribute {attribute.name!r} of {attribute.table} tells the outcome of target {name!r}"


def names_outcome(name: str) -> bool:
    """Tell whether an attribute has the name of an outcome or of what is forbidden.

    >>> names_outcome("actual_capital"), names_outcome("actual_staff"), names_outcome("actual_capital_evasion")
    (False, True, True)
    """
    words = name.split("_")
    if words[0] == "actual" and REGISTERED.intersection(words[1:]):
        words = words[1:]
    return bool(set(words).intersection((*OUTCOMES, *forbidden())))


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
        if set(name.split("_")).intersection(forbidden()):
            yield f"{where} reads {name!r}, which is on the forbidden list"
    sides = next(
        ((join.left, join.right) for join in declared_joins() if join.name == measure.table),
        (measure.table,),
    )
    if LABELS.get(measure.by) in sides:
        yield f"{where} tells of each {measure.by} what came of it itself: {measure.table!r} by {measure.by!r}"
    if measure.table in JOURNAL:
        yield f"{where} reads {measure.table!r}, in which we write down our own decisions"
    counted = numbers_in(measure.value) | (
        numbers_in(measure.filter) if measure.filter is not None else set()
    )
    for name in sorted(name for name in counted if kinds.get(name) == "id"):
        yield f"{where} takes the code of {name!r} for a number"


def numbers_in(tree: ast.expr) -> set[str]:
    """Return the columns of an expression with which it counts or which it orders.

    >>> sorted(numbers_in(ast.parse("a + 1 > b and c == 'x'", mode="eval").body)), numbers_in(ast.Name("a"))
    (['a', 'b'], set())
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        orders = isinstance(node, ast.Compare) and not all(
            isinstance(operator, SAME) for operator in node.ops
        )
        if orders or isinstance(node, ast.BinOp):
            found |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return found


def of_feature(
    catalogue: Catalogue,
    feature: Feature,
    columns: dict[str, dict[str, Column]],
    targets: Iterable[str],
) -> Iterator[str]:
    """Yield what is wrong with a feature: a target's name, a window that is not in its name, or a code read as an amount."""
    where = f"feature {feature.name!r}"
    if feature.name in targets or set(feature.name.split("_")).intersection(
        ("truth", "label", "target")
    ):
        yield f"{where} has the name of an outcome"
    spans = SPAN.findall(feature.name)
    told = {atom.window for one in catalogue.chain([feature.name]) for atom in atoms_of(one.tree)}
    for window in spans:
        if told and window not in told:
            yield f"{where} is named after the window {window} and looks at {', '.join(sorted(told))}"
    for atom in atoms_of(feature.tree) if feature.category else ():
        measure = catalogue.measure(atom.measure)
        spaces = [
            columns[measure.table][name].space
            for name in row_columns(measure.value) & columns.get(measure.table, {}).keys()
            if columns[measure.table][name].kind == "id"
        ]
        if identities().intersection(spaces):
            yield f"{where} makes an identity, {spaces[0]!r}, a category, which knows whom it is about, not what holds"
    for atom in sorted(_amounts(feature), key=lambda atom: (atom.measure, atom.aggregate)):
        measure = catalogue.measure(atom.measure)
        value = measure.value
        column = (
            columns.get(measure.table, {}).get(value.id) if isinstance(value, ast.Name) else None
        )
        if column is not None and column.kind == "id":
            yield f"{where} takes the code of {column.name!r} for a number: {atom.aggregate}({atom.measure}, {atom.window})"


def identities() -> set[str]:
    """Return the name spaces whose identifiers name one thing: keys of tables, persons, addresses, accounts."""
    keys = {
        column.space
        for table in contract().values()
        for column in table.columns
        if column.kind == "id" and table.key == (column.name,)
    }
    return {*keys, *PERSONAL, "enterprise", "provider"}


def _amounts(feature: Feature) -> set[Atom]:
    """Return the aggregates of a feature that say how much: all but counts of distinct values, categories and what is known."""
    if feature.category:
        return set()
    known = {
        atom_of(node.args[0])
        for node in ast.walk(feature.tree)
        if isinstance(node, ast.Call) and call_name(node) == "known" and node.args
    }
    return {
        atom
        for atom in atoms_of(feature.tree)
        if atom.aggregate not in ("distinct", "count") and atom not in known
    }
