"""The declared kinds of matches: what each says, what it reads, what it lets pass and what to verify on site."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from features.errors import RequestError
from features.text_files import declaration_lines, declaration_text


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of match; `zh` and `en` are sentences with {measured} and {expected}, `tolerances` what its rule lets pass.

    Without a table of `needed` it is left out; one of `tables` beside them counts as empty where a source lacks it.
    """

    name: str
    zh: str
    en: str
    needed: tuple[str, ...]
    tables: tuple[str, ...]
    unit: str
    tolerances: dict[str, int]
    verify_zh: str
    verify_en: str

    @property
    def rule(self) -> str:
        """The SQL of the rule."""
        folder = resources.files("features.matches")
        return folder.joinpath("sql", f"{self.name}.sql").read_text("utf-8")


@cache
def kinds() -> dict[str, Kind]:
    """Return every declared kind by name."""
    kinds_by_name: dict[str, Kind] = {}
    text = declaration_text("matches.txt")
    for name, zh, en, tables, unit, passes, verify_zh, verify_en in declaration_lines(
        text, 8, "matches.txt"
    ):
        needed, all_tables = rule_tables(tables)
        kinds_by_name[name] = Kind(
            name=name,
            zh=zh,
            en=en,
            needed=needed,
            tables=all_tables,
            unit=unit,
            tolerances=tolerances_of(passes),
            verify_zh=verify_zh,
            verify_en=verify_en,
        )
    return kinds_by_name


def rule_tables(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tables that a rule needs, and all that it reads.

    >>> rule_tables("claims, deaths ?")
    (('claims',), ('claims', 'deaths'))
    """
    declared = [name.strip() for name in text.split(",")]
    needed = tuple(name for name in declared if not name.endswith("?"))
    tables = tuple(name.removesuffix("?").strip() for name in declared)
    return needed, tables


def tolerances_of(text: str) -> dict[str, int]:
    """Return tolerances by name.

    >>> tolerances_of("days=31, share=20")
    {'days': 31, 'share': 20}
    """
    tolerances: dict[str, int] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        tolerances[name.strip()] = int(value)
    return tolerances


def match_kind(name: str) -> Kind:
    """Return a kind by name; raise RequestError naming those that exist."""
    if name not in kinds():
        raise RequestError(f"the kind of match should be one of {', '.join(kinds())}; got {name!r}")
    return kinds()[name]
