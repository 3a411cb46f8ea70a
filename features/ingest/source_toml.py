"""What `source.toml` says: name, closed day, clock, absent tables, attributes and targets, checked and frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from features.calendar import day_of
from features.connection import clock_names
from features.contract.row_order import DAYS
from features.contract.tables import Column, contract
from features.contract.written_days import WRITTEN_DAY
from features.errors import SourceError
from features.ingest.dialect import StatedDialect, checked_delimiter, checked_encoding
from features.ingest.dump.forms import FORMS
from features.lengths import ATTRIBUTE_BYTES
from features.text_files import given_value

ALWAYS, BESIDE = "always", "${SOURCE}/"
"""What `known` says of a file without days, and what the name of a file that lies beside source.toml begins with."""
DORMANT_MONTHS = 6
"""Months without a sign of business after which a firm is dormant, where a source states no others: as in 公司法 art. 211, under
which a licence may be revoked when a company has been out of business for six months on end."""
RESERVED = {"row_id", "recorded_on", "retracted", "known", "sign", "row", "right_row_id"}
LONGEST_DELAY = 3660
"""Days of the longest delay that may be assumed, as of the longest horizon; a choice: ten years and a few days."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _declared_day(value: object) -> date:
    """Return a day as it is declared, a TOML date or its text; ValueError for a moment, a number or anything else."""
    day: object = value
    if isinstance(value, str) and re.fullmatch(WRITTEN_DAY, value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = value
    # A moment is a date in Python too, and on which day it lies depends on a clock.
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ValueError("should be a day such as 2015-06-30, without a time")
    if not DAYS[0] <= day_of(day) <= DAYS[1]:
        raise ValueError("should lie between 1800 and 9999")
    return day


DeclaredDay = Annotated[date, BeforeValidator(_declared_day)]
WholeNumber = Annotated[int, Field(strict=True)]
"""A whole number that is written as one: no text, no fraction and no truth value stands for it."""
Delay = Annotated[WholeNumber, Field(ge=0, le=LONGEST_DELAY)]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class Attribute(_Declared):
    """A typed column that a source adds to a contract table.

    Features read it only where `basis` says which law lets them. One that is `protected` serves checks of fairness alone.
    """

    table: Literal["enterprises", "claims", "providers", "inspections"]
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=ATTRIBUTE_BYTES)
    type: Literal["integer", "category", "flag", "fen", "day"]
    zh: str
    en: str
    unit: str = ""
    direction: Literal["up", "down", "none"] = "none"
    protected: bool = Field(default=False, strict=True)
    basis: str = ""

    @model_validator(mode="after")
    def one_role(self) -> Self:
        if self.protected and self.basis:
            raise ValueError(
                f"{self.name!r} should have a basis, by which features may read it, or protected = true, by "
                "which none may; leave one out"
            )
        return self

    @field_validator("basis")
    @classmethod
    def stripped(cls, basis: str) -> str:
        return basis.strip()

    @property
    def column(self) -> Column:
        """The contract column that this attribute behaves as: always optional."""
        kinds = {"integer": "count", "category": "id", "flag": "flag", "fen": "fen", "day": "day"}
        detail = (f"attribute.{self.table}.{self.name}",) if self.type == "category" else ()
        return Column(self.name, kinds[self.type], detail, True, self.zh, self.en)


class Event(_Declared):
    """What counts as an event: a live row of `table` that passes `filter`, on its day `when`."""

    table: str
    when: str
    filter: str = ""


class Population(_Declared):
    """Which cases a target is asked of: a condition on their features, and one on the row of the visit itself."""

    filter: str = ""
    visits: str = ""


class Split(_Declared):
    """Days that part training from testing; both ends of the test are inside it."""

    train_until: DeclaredDay
    test_from: DeclaredDay
    test_until: DeclaredDay

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if not self.train_until < self.test_from <= self.test_until:
            raise ValueError(
                "should have train_until before test_from, and test_from not after test_until; got "
                f"{self.train_until}, {self.test_from} and {self.test_until}"
            )
        return self


class GroupJudging(_Declared):
    """That a target is judged by groups: k folds by unit, since its cases have no order of time.

    `because` says why days that the cases have tell none.
    """

    by: Literal["groups"]
    because: str = ""

    @field_validator("because")
    @classmethod
    def stripped(cls, because: str) -> str:
        return because.strip()


class Target(_Declared):
    """What is to be predicted: the unit, its label, the horizon in days, the days looked from.

    A `split` parts training from test by days; where the cases have no order of time, `judged` stands in its place.
    """

    zh: str
    en: str
    unit: Literal["enterprise-day", "inspection", "claim", "provider"]
    label: Literal["visit", "event", "review"]
    violation: WholeNumber | None = Field(default=None, ge=1, le=5)
    count: str | None = None
    horizon: WholeNumber = Field(default=0, ge=0, le=LONGEST_DELAY)
    as_of: tuple[DeclaredDay, ...] = ()
    event: Event | None = None
    population: Population | None = None
    split: Split | None = None
    judged: GroupJudging | None = None
    capacity: float | None = Field(default=None, gt=0, strict=True, allow_inf_nan=False)
    fit: dict[str, Any] = {}


class DumpTable(_Declared):
    """A table of a dump: the columns that it must have, and those that it may."""

    must: tuple[str, ...]
    may: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return self.must + self.may


class Log(_Declared):
    """A business log of a dump: `day` of `table`, found by `key`, stands instead of the column `instead_of`."""

    table: str
    key: str
    day: str
    instead_of: str


class Dump(_Declared):
    """Tables under names of their own that views read; a contract table `needs` one (or a column of one), or is absent."""

    tables: dict[str, DumpTable]
    needs: dict[str, tuple[str, ...]]
    log: Log | None = None


class Raw(_Declared):
    """When the rows of a raw file or raw table became known, as SQL over its columns that gives a day, or `always`.

    `later` says so of columns that became known after their row (`known` is the row's own day); `kept` names columns that no
    later day changes, and then no row goes either. A sample is drawn by `by`, or follows the sampled rows of `of`.
    """

    known: str
    later: dict[str, str] = {}
    kept: tuple[str, ...] = ()
    by: str = ""
    of: str = ""


class Csv(_Declared):
    """What is stated of CSV files: the delimiter and the encoding that no file proves by itself."""

    delimiter: str | None = None
    encoding: str | None = None

    @field_validator("delimiter")
    @classmethod
    def one_sign(cls, delimiter: str | None) -> str | None:
        return None if delimiter is None else checked_delimiter(delimiter)

    @field_validator("encoding")
    @classmethod
    def known_encoding(cls, encoding: str | None) -> str | None:
        return None if encoding is None else checked_encoding(encoding)


class CsvTables(Csv):
    """What is stated of all contract tables that lie as CSV, and of single ones."""

    tables: dict[str, Csv] = {}

    def of(self, table: str) -> StatedDialect:
        """Return what is stated of one table: its own words before those for all."""
        of_table = self.tables.get(table, Csv())
        how = f'[csv.tables.{table}] {{key}} = "{{value}}" in source.toml'
        delimiter = of_table.delimiter or self.delimiter
        encoding = of_table.encoding or self.encoding
        return StatedDialect(delimiter, encoding, how)


class SourceDeclaration(_Declared):
    """Everything that `source.toml` says.

    Of the columns of a dump, by table: their own names, the form of their values, the unit of their quantities.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    zh: str
    en: str
    complete_to: DeclaredDay
    clock: str = "Asia/Shanghai"
    absent: tuple[str, ...] = ()
    assumed_delays: dict[str, Delay] = {}
    dormant_months: WholeNumber = Field(default=DORMANT_MONTHS, ge=1, le=120)
    attribute: tuple[Attribute, ...] = ()
    target: dict[str, Target] = {}
    dump: Dump | None = None
    raw: dict[str, Raw] = {}
    csv: CsvTables = CsvTables()
    columns: dict[str, dict[str, str | tuple[str, ...]]] = {}
    form: dict[str, dict[str, str]] = {}
    unit: dict[str, dict[str, str]] = {}
    keys: dict[str, str] = {}

    @field_validator("clock")
    @classmethod
    def known_zone(cls, clock: str) -> str:
        if not _is_clock(clock):
            raise ValueError("should be a time zone such as Asia/Shanghai")
        return clock


@cache
def _is_clock(name: str) -> bool:
    """Tell whether a time zone is known both to Python and to DuckDB, which each know some that the other does not."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return name in clock_names()


def declaration_of(values: dict[str, Any], origin: str) -> SourceDeclaration:
    """Return the declaration that parsed TOML says; SourceError in one line if it says anything else."""
    try:
        declaration = SourceDeclaration.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = first["msg"].removeprefix("Value error, ")
        shown = given_value(first["input"])
        got = f"; got {shown}" if shown else ""
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise SourceError(f"{origin}: {where}: {why}{got}{more}") from None
    _check_names(declaration, origin)
    return declaration


def _check_names(declaration: SourceDeclaration, origin: str) -> None:
    tables = contract()
    for table in (
        *declaration.absent,
        *declaration.assumed_delays,
        *declaration.csv.tables,
        *(t.event.table for t in declaration.target.values() if t.event),
    ):
        if table not in tables:
            raise SourceError(
                f"{origin}: {table!r} is no table of the contract; see `lssi contract`"
            )
    seen: set[tuple[str, str]] = set()
    for attribute in declaration.attribute:
        place = (attribute.table, attribute.name)
        taken_names = {c.name for c in tables[attribute.table].columns} | RESERVED
        if place in seen or attribute.name in taken_names:
            raise SourceError(
                f"{origin}: attribute {attribute.name!r} of {attribute.table} is declared twice or is a "
                "contract column; give it another name"
            )
        seen.add(place)
    for name, target in declaration.target.items():
        if not _NAME.fullmatch(name):
            raise SourceError(
                f"{origin}: target {name!r} should be lower-case letters, digits and underscores"
            )
        _check_target(name, target, origin)
    for name, raw in declaration.raw.items():
        _check_raw(declaration, name, raw, origin)
    for what, stated in (
        ("columns", declaration.columns),
        ("form", declaration.form),
        ("unit", declaration.unit),
    ):
        _check_stated(declaration, what, stated, origin)


def _check_raw(declaration: SourceDeclaration, name: str, raw: Raw, origin: str) -> None:
    beside = name.startswith(BESIDE)
    if (raw.known == ALWAYS) != beside:
        raise SourceError(
            f"{origin}: raw.{name}: only a file beside source.toml, named {BESIDE}FILE, has known = {ALWAYS!r}; "
            "for any other table, name the column that holds its day"
        )
    if declaration.dump is not None and not beside and name not in declaration.dump.tables:
        raise SourceError(
            f"{origin}: raw.{name} is no table of the dump; [dump.tables] declares them"
        )
    if raw.of and (raw.of not in declaration.raw or not raw.by):
        raise SourceError(
            f"{origin}: raw.{name} follows {raw.of!r}, which should be a raw table too, by a column in `by`"
        )


def _check_stated(
    declaration: SourceDeclaration, what: str, said: Mapping[str, Mapping[str, object]], origin: str
) -> None:
    """Refuse what is said of a table or column that the dump does not declare, or a form that nobody knows."""
    tables = declaration.dump.tables if declaration.dump else {}
    for table, columns in said.items():
        if table not in tables:
            raise SourceError(
                f"{origin}: {what}.{table} is no table of the dump; they are {', '.join(tables) or 'none'}"
            )
        for column, word in columns.items():
            if column not in tables[table].columns:
                raise SourceError(
                    f"{origin}: {what}.{table}.{column} is no column of the dump's {table}; they are "
                    f"{', '.join(tables[table].columns)}"
                )
            if what == "form" and word not in FORMS:
                raise SourceError(
                    f"{origin}: form.{table}.{column} should be one of {', '.join(FORMS)}; got {word!r}"
                )


def _check_target(name: str, target: Target, origin: str) -> None:
    if target.label == "visit" and target.violation is None:
        raise SourceError(
            f'{origin}: target.{name} has label = "visit" and needs violation = 1 to 5'
        )
    if target.label == "event" and target.event is None:
        raise SourceError(
            f'{origin}: target.{name} has label = "event" and needs [target.{name}.event]'
        )
    if target.split is not None and target.judged is not None:
        raise SourceError(
            f"{origin}: target.{name} has a split, which parts by time, and is judged by groups, which know none; "
            "leave one out"
        )
    if target.unit == "enterprise-day" and (not target.as_of or target.horizon < 1):
        raise SourceError(
            f'{origin}: target.{name} has unit = "enterprise-day" and needs as_of days and a horizon'
        )
