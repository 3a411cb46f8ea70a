"""Tables of rules that people write in TOML: read strictly, or refused in one line."""

from __future__ import annotations

import tomllib
from typing import TypeVar

from pydantic import ValidationError

from features.errors import LssiError
from features.text_files import given_value
from models.optimum.rule_table import RuleTable

_Table = TypeVar("_Table", bound=RuleTable)
_SAYS = {
    "int_type": "should be a whole number without quotes or a point, such as 10",
    "float_type": "should be a number without quotes, such as 0.5, that is not beyond all bounds",
    "finite_number": "should be a finite number",
    "date_type": "should be a day without quotes or a time, such as 2012-01-31",
    "string_type": "should be text in quotes",
    "bool_type": "should be true or false",
    "too_short": "should not be empty",
    "tuple_type": "should be a list in brackets",
    "dict_type": "should be a table",
    "mapping_type": "should be a table",
    "model_type": "should be a table",
}
"""What a value of the wrong kind should be, by pydantic's name of the error: its own words name types of Python."""
_WITHOUT_VALUE = {
    "missing": "is missing; add it",
    "extra_forbidden": "is unknown here; correct its spelling or take it out",
}
"""What is wrong with a key whatever its value, by pydantic's name of the error."""


def toml_table(form: type[_Table], text: str, *, what: str, error: type[LssiError]) -> _Table:
    """Return the table that a TOML text declares; the error names the first wrong key, what was given and what to do."""
    try:
        return form.model_validate(tomllib.loads(text))
    except ValidationError as problem:
        raise error(f"{what}: {table_fault(problem)}") from None
    # a number of thousands of digits is a ValueError, as one of TOML is; nesting without end exhausts the parser
    except (ValueError, RecursionError) as problem:
        raise error(f"{what} should be TOML; {problem}") from None


def table_fault(problem: ValidationError) -> str:
    """Return in one line the first key that is wrong, why, and what was given."""
    first = problem.errors(include_url=False, include_context=False)[0]
    kind, given = first["type"], first["input"]
    key = ".".join(_shown_part(part) for part in first["loc"])
    place = f"{key}: " if key else ""
    if kind in _WITHOUT_VALUE:
        return place + _WITHOUT_VALUE[kind]
    if kind in _SAYS:
        return f"{place}{_SAYS[kind]}; got {given_value(given) or _container(given)}"
    says = first["msg"].removeprefix("Value error, ")
    shown = given_value(given)
    return f"{place}{says}; got {shown}" if shown else place + says


def _shown_part(part: int | str) -> str:
    """Return a part of a key's place; one that a terminal would not show as it is stands escaped in quotes."""
    text = str(part)
    return text if text.isprintable() else given_value(text)


def _container(given: object) -> str:
    return "a table" if isinstance(given, dict) else "a list"
