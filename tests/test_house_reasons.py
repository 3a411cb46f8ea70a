"""A number, a compiled loop and a trick of memory say why they are as they are, where a reader would ask."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.test_house import module_of, python_files

WHY = re.compile(r"\b(because|since|so that)\b", re.IGNORECASE)
"""Words that begin a reason."""
COMPILERS = {"compiled", "njit"}
TRICKS = {"madvise", "freeze", "set_threshold", "malloc_trim", "release_unused"}
"""Calls that change how memory is held, and never what comes out."""
LEAST_WORDS = 2
"""Fewer words say nothing."""


def is_number(value: ast.expr) -> bool:
    """Tell whether an expression is a number, or numbers, that somebody wrote down."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    if isinstance(value, ast.UnaryOp):
        return is_number(value.operand)
    if isinstance(value, ast.BinOp):
        sides = (value.left, value.right)
        plain = [is_number(side) or isinstance(side, ast.Name) for side in sides]
        return all(plain) and any(map(is_number, sides))
    return isinstance(value, ast.Tuple) and bool(value.elts) and all(map(is_number, value.elts))


def numbers_of(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt, ast.stmt | None]]:
    """Yield the constants of a module that are numbers: name, statement, and the statement after it."""
    for place, node in enumerate(body):
        after = body[place + 1] if place + 1 < len(body) else None
        if isinstance(node, ast.Assign) and is_number(node.value):
            yield ast.unparse(node.targets[0]), node, after
        elif isinstance(node, ast.AnnAssign) and node.value is not None and is_number(node.value):
            yield ast.unparse(node.target), node, after


def says(text: str) -> bool:
    """Tell whether a comment or docstring has words."""
    return len(re.findall(r"\w+", text)) >= LEAST_WORDS


def comment_above(lines: list[str], number: int) -> str:
    """Return the comment right above a line (1, 2, ...), or above the constants that stand right above it."""
    place = number - 2
    while place >= 0 and re.match(r"[A-Z_][A-Z_0-9, ]* = ", lines[place]):
        place -= 1
    words: list[str] = []
    while place >= 0 and lines[place].startswith("#"):
        words.insert(0, lines[place])
        place -= 1
    return " ".join(words)


def comment_beside(line: str) -> str:
    """Return the comment at the end of a line that holds no text with such a sign."""
    return line.partition("  # ")[2]


def docstring_under(after: ast.stmt | None) -> str:
    """Return the text that stands as a statement of its own."""
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
        return str(after.value.value)
    return ""


def numbers_without_reason() -> list[str]:
    """Return the module constants that are numbers and have neither a docstring nor a comment."""
    silent: list[str] = []
    for path in python_files():
        text = path.read_text("utf-8")
        lines = text.splitlines()
        for name, node, after in numbers_of(ast.parse(text).body):
            reasons = (
                docstring_under(after),
                comment_above(lines, node.lineno),
                comment_beside(lines[(node.end_lineno or node.lineno) - 1]),
            )
            if not any(map(says, reasons)):
                silent.append(f"{module_of(path)}.{name}")
    return silent


def called(node: ast.expr) -> str:
    """Return the last name of what is called: `compiled` of `compiled(...)`, `freeze` of `gc.freeze()`."""
    function = node.func if isinstance(node, ast.Call) else node
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def functions_of(path: Path) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Yield the functions of a file at whatever depth: name, node, and all that is said of it in comments and docstring."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            inside = [line.strip() for line in lines[first - 1 : node.end_lineno] if "# " in line]
            words = [comment_above(lines, first), ast.get_docstring(node) or "", *inside]
            yield f"{module_of(path)}.{node.name}", node, " ".join(words)


def loops_without_reason() -> list[str]:
    """Return the compiled functions that nowhere say why they are compiled, or why in this order."""
    silent: list[str] = []
    for path in python_files():
        for name, node, words in functions_of(path):
            is_compiled = any(called(one) in COMPILERS for one in node.decorator_list)
            if is_compiled and not WHY.search(words):
                silent.append(name)
    return silent


def tricks_without_reason() -> list[str]:
    """Return the functions that change how memory is held, or delete a name, without a comment that says why."""
    silent: list[str] = []
    for path in python_files():
        for name, node, words in functions_of(path):
            tricks = [
                step
                for step in ast.walk(node)
                if (isinstance(step, ast.Call) and called(step) in TRICKS)
                or (isinstance(step, ast.Delete) and isinstance(step.targets[0], ast.Name))
            ]
            if tricks and "# " not in words:
                silent.append(name)
    return silent


def test_every_number_of_a_module_says_why_it_is_this_number() -> None:
    assert numbers_without_reason() == []


def test_every_compiled_loop_says_why_it_is_compiled_or_in_this_order() -> None:
    assert loops_without_reason() == []


def test_every_trick_of_memory_has_a_comment() -> None:
    assert tricks_without_reason() == []
