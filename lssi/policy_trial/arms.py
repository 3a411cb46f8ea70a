"""The arms of a trial of policies, declared in `arms.toml` or in a file of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from features.errors import RequestError
from features.text_files import text_of
from models.optimum.rule_table import Percent, RuleTable, RuleText
from models.optimum.toml_table import toml_table

TARGET = "undeclared_workers"
"""The violation that every arm looks for, whose truth is known of each month."""
MAIN = ("plan", "probability", "random")
"""The arms that are compared where nobody names others."""
NAMED = r"[a-z][a-z0-9_]{0,39}"


class Arm(RuleTable):
    """One way of choosing visits; `arms.toml` says what each line means."""

    zh: RuleText
    en: RuleText
    list: Literal["value", "probability", "random"]
    retrain: Annotated[int, Field(ge=0, le=120)] = 3
    capacity: Annotated[int, Field(ge=1, le=1000)] = 100
    lottery: Annotated[int, Field(ge=0, le=30)] = 10
    complaints: Percent = 50
    small: Percent = 100
    rural: Percent = 100
    waivers: bool = True
    replaced: Percent = 0
    letters: Percent = 0


class DeclaredArms(RuleTable):
    """The arms of one file by name."""

    arm: Annotated[
        dict[Annotated[str, Field(pattern=f"^{NAMED}$")], Arm], Field(min_length=1, max_length=24)
    ]


def arms_of(files: Sequence[Path], names: Sequence[str] = ()) -> dict[str, Arm]:
    """Return the arms that are asked for: those of the files, or else the house's, and of these the ones named.

    Without files and names these are the three main ones. RequestError where a file or a name is wrong.
    """
    declared = _declared(files)
    chosen = list(names) or (list(declared) if files else list(MAIN))
    unknown = [name for name in chosen if name not in declared]
    if unknown:
        raise RequestError(
            f"--arm should be one of {', '.join(declared)}; got {unknown[0]!r}; declare it in a file "
            "for --policy or name another"
        )
    return {name: declared[name] for name in dict.fromkeys(chosen)}


def _declared(files: Sequence[Path]) -> dict[str, Arm]:
    """Return all arms that are declared, by name; RequestError where two files declare one of a name."""
    if not files:
        shipped = resources.files("lssi.policy_trial").joinpath("arms.toml")
        return arms_in("arms.toml", shipped.read_text("utf-8"))
    declared: dict[str, Arm] = {}
    for file in files:
        for name, arm in arms_in(str(file), _text_of(file)).items():
            if name in declared:
                raise RequestError(f"two arms are called {name!r}, one in {file}; rename one")
            declared[name] = arm
    return declared


def _text_of(file: Path) -> str:
    try:
        return text_of(file, RequestError)
    except OSError as error:
        raise RequestError(
            f"--policy should be a text file of arms; {file} cannot be read: {error}"
        ) from None


def arms_in(origin: str, text: str) -> dict[str, Arm]:
    """Return the arms that a TOML text declares; RequestError naming the first wrong line."""
    return toml_table(DeclaredArms, text, what=origin, error=RequestError).arm
