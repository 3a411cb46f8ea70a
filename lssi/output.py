"""What commands print: JSON or lines on standard output, progress on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from features.errors import RequestError

Advance = Callable[[int, int | None], None]
"""Takes how much is done, and of how much (None: nobody knows)."""
RowsLoaded = Callable[[str, int], None]
"""Takes a table and how many more of its rows are loaded."""

PRINTED = "中é\N{CLIPBOARD}"
"""A Chinese letter, an accented one, and one beyond 16 bits: commands print all of these kinds."""


def say(value: Any) -> None:
    """Print one JSON value, Chinese as it is written."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=False))


def say_lines(lines: Iterable[str]) -> None:
    """Print lines of text in one piece, once all of them are known."""
    print("\n".join(lines))


@contextmanager
def progress(text: str) -> Iterator[Advance]:
    """Yield a callback that draws a bar on a terminal's stderr, and nothing in a pipe."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bars:
        bar = bars.add_task(text, total=None)
        yield lambda done, of: bars.update(bar, completed=done, total=of)


@contextmanager
def loading() -> Iterator[RowsLoaded]:
    """Yield the callback of a load, which draws how many rows of all tables are loaded."""
    with progress("装载 loading") as advance:
        rows_loaded = 0

        def count(_table: str, rows: int) -> None:
            nonlocal rows_loaded
            rows_loaded += rows
            advance(rows_loaded, None)

        yield count


def check_standard_output() -> None:
    """Raise RequestError unless standard output takes every character.

    It is asked before a command does anything, for afterwards the command could not tell of it.
    """
    encoding = getattr(sys.stdout, "encoding", None)
    try:
        PRINTED.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        raise RequestError(
            f"standard output is {encoding}, which lacks characters that are printed, "
            "such as Chinese; set PYTHONIOENCODING=utf-8 (or gb18030)"
        ) from None
