"""The syntax of the catalogue's two languages: a text becomes a tree, or is refused with the place where it stands."""

from __future__ import annotations

import ast
import re

from features.catalogue.language import AGGREGATES, word
from features.contract.millionths import in_millionths
from features.errors import CatalogueError

ROW_NODES = (
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.Compare,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.UnaryOp,
    ast.USub,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.Tuple,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Is,
    ast.IsNot,
)
FORMULA_NODES = (
    ast.Call,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.UnaryOp,
    ast.USub,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
)
FUNCTIONS = {
    "where": 3,
    "lesser": 2,
    "greater": 2,
    "known": 1,
    "default": 2,
    "attr": 1,
    "peer": 2,
    "stored": 1,
}


def parse_row(text: str, where: str) -> ast.expr:
    """Return the tree of a filter or value over a table's columns; raise CatalogueError naming `where` it stands."""
    return in_millionths(_parse(text, where, ROW_NODES), where)


def parse_formula(text: str, where: str) -> ast.expr:
    """Return the tree of a formula; raise CatalogueError when it uses anything outside the language."""
    # A window such as 30d is no name of Python: it is put in quotes first.
    quoted_windows = re.sub(r"(?<![\w'])(\d+[dm])\b", r"'\1'", text)
    tree = _parse(quoted_windows, where, FORMULA_NODES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _check_call(node, where)
    return tree


def _parse(text: str, where: str, allowed: tuple[type[ast.AST], ...]) -> ast.expr:
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise CatalogueError(
            f"{where}: {text!r} is not an expression; see docs/features.md"
        ) from None
    for node in ast.walk(tree):
        if not isinstance(node, allowed):
            raise CatalogueError(
                f"{where}: {text!r} uses {type(node).__name__}, which the language does not have"
            )
    return tree


def _check_call(call: ast.Call, where: str) -> None:
    name = call.func.id if isinstance(call.func, ast.Name) else "?"
    wanted = 2 if name in AGGREGATES else FUNCTIONS.get(name)
    if wanted is None:
        raise CatalogueError(
            f"{where}: unknown function {name!r}; it should be one of "
            f"{', '.join(AGGREGATES + tuple(FUNCTIONS))}"
        )
    if call.keywords or len(call.args) != wanted:
        raise CatalogueError(f"{where}: {name} takes {wanted} arguments, got {len(call.args)}")
    if name in (*AGGREGATES, "attr", "peer", "stored"):
        for argument in call.args:
            word(argument, where)
