"""What a command of `lssi` says when it is run in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

import pytest
import typer.main

import lssi

GET_COMMAND = cache(typer.main.get_command)
"""Typer makes all commands anew from their functions each time one is run, which a process of its own does once."""


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of an error; fails where there is more, less, or other output."""
        assert (self.code, self.out) == (2, ""), self
        assert self.err.count("\n") == 1 and "Traceback" not in self.err, self.err
        return self.err

    @property
    def json(self) -> Any:
        """What was printed, as JSON that any reader takes: it has no NaN and no Infinity."""
        return json.loads(self.out, parse_constant=refuse)


Say = Callable[..., Answer]


def refuse(constant: str) -> NoReturn:
    """Fail at a number that JSON does not have."""
    raise AssertionError(f"{constant} is no JSON")


def answer_of(
    words: tuple[object, ...], patch: pytest.MonkeyPatch, printed: pytest.CaptureFixture[str]
) -> Answer:
    """Run the command line as `lssi WORDS` would; an error that is no exit passes through."""
    patch.setattr(sys, "argv", ["lssi", *map(str, words)])
    patch.setattr(typer.main, "get_command", GET_COMMAND)
    with pytest.raises(SystemExit) as left:
        lssi.main()
    out, err = printed.readouterr()
    return Answer(int(left.value.code or 0), out, err)
