"""A commitment: the unit list, the rule and the digest of a secret seed, in the ledger before a public value is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from features.calendar import date_of, day_of
from features.contract.millionths import CERTAIN
from features.errors import LedgerError, RequestError
from models.policy.lottery import CellTickets
from serving.ledger.act import Act, subject_digest
from serving.ledger.entries import sha256_of
from serving.lottery.tickets import (
    chances_of,
    in_list_order,
    list_root,
    tickets_as_json,
    tickets_of_json,
)

ACTOR = "lssi lottery"
"""Who acts, whoever types the command, so that a week has one commitment and one draw."""
LINE = (
    "one line of the city, cell after cell by lot; long visits, then high strata first; version 1"
)
"""The rule of the draw; `models/policy/lottery.py` is its code. Another rule has another text."""


@dataclass(frozen=True, slots=True)
class WeekLottery:
    """Which lottery: the name of the source, the target whose scores make the strata, and the Monday."""

    source: str
    target: str
    monday: int

    @property
    def week(self) -> str:
        """The Monday as text."""
        return date_of(self.monday).isoformat()

    def key(self, step: str) -> str:
        """Return the idempotency key of a step: each is taken once."""
        return f"{step}:{self.source}:{self.target}:{self.week}"

    def plain(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {"source": self.source, "target": self.target, "week": self.week}


@dataclass(frozen=True, slots=True)
class PublicValue:
    """What the draw will mix in: in words which public value that is, and the moment from which it is public."""

    name: str
    public_at: datetime


def public_value(name: str, moment: str) -> PublicValue:
    """Return the public value that an operator names; RequestError where the name or the moment is none."""
    if not name.strip():
        raise RequestError(
            "the public value has no name; say with --public-name which value will be used, such as 上证综指收盘"
        )
    try:
        public_at = datetime.fromisoformat(moment)
    except ValueError:
        public_at = None
    if public_at is None or public_at.tzinfo is None:
        raise RequestError(
            f"a moment should look like 2026-12-04T15:00+08:00, with its offset; got {moment!r}"
        )
    return PublicValue(name.strip(), public_at)


@dataclass(frozen=True, slots=True)
class UnitList:
    """Who stands in the lottery, cell by cell, as known by the end of a day."""

    as_of: int
    cells: tuple[CellTickets, ...]


@dataclass(frozen=True, slots=True)
class RuleOfDraw:
    """The rule set by name and digest, its share in percent, and the rule of the line."""

    policy: str
    policy_digest: str
    percent: int
    line: str = LINE


@dataclass(frozen=True, slots=True)
class Commitment:
    """What is fixed before the draw. `root` and `chances` are as they were written down, to be computed again."""

    lottery: WeekLottery
    as_of: int
    rule: RuleOfDraw
    cells: tuple[CellTickets, ...]
    seed_digest: str
    public: PublicValue
    root: str
    chances: Mapping[str, int]

    @property
    def units(self) -> int:
        """How many units stand in the list."""
        return sum(len(cell.tickets) for cell in self.cells)

    @property
    def out_of_reach(self) -> int:
        """How many of them nobody can draw, because their cell has no minutes."""
        return sum(len(cell.tickets) for cell in self.cells if not self.chances[cell.cell])

    @property
    def expected_draws(self) -> float:
        """How many units a draw takes on average."""
        sizes = {cell.cell: len(cell.tickets) for cell in self.cells}
        return sum(self.chances[cell] * size for cell, size in sizes.items()) / CERTAIN


def unsealed(
    lottery: WeekLottery, units: UnitList, rule: RuleOfDraw, public: PublicValue
) -> Commitment:
    """Return the commitment to a unit list and its rule that has no seed yet."""
    return Commitment(
        lottery=lottery,
        as_of=units.as_of,
        rule=rule,
        cells=in_list_order(units.cells),
        seed_digest="",
        public=public,
        root=list_root(units.cells),
        chances=chances_of(units.cells),
    )


def sealed(commitment: Commitment, seed: str) -> Commitment:
    """Return the same commitment with the digest of its seed."""
    return replace(commitment, seed_digest=digest_of_seed(seed))


def digest_of_seed(seed: str) -> str:
    """Return what a commitment says of its seed: nobody can guess 256 random bits from their digest."""
    return sha256_of(seed.encode())


def commitment_act(commitment: Commitment) -> Act:
    """Return the act that writes a commitment into the ledger, once for each lottery."""
    lottery = commitment.lottery
    content = {
        **lottery.plain(),
        "as_of": date_of(commitment.as_of).isoformat(),
        **asdict(commitment.rule),
        "seed_digest": commitment.seed_digest,
        "public": commitment.public.name,
        "public_at": commitment.public.public_at.isoformat(),
        "units": commitment.units,
        "root": commitment.root,
        "cells": tickets_as_json(commitment.cells),
    }
    return Act(
        what="lottery commit",
        who=ACTOR,
        key=lottery.key("commit"),
        subject=subject_digest(lottery.plain()),
        content=content,
    )


def commitment_of(act: Act) -> Commitment:
    """Return the commitment that an act holds; LedgerError where it holds none."""
    content = act.content
    try:
        return Commitment(
            lottery=lottery_of(content),
            as_of=day_of(content["as_of"]),
            rule=RuleOfDraw(
                content["policy"],
                content["policy_digest"],
                int(content["percent"]),
                content["line"],
            ),
            cells=tickets_of_json(content["cells"]),
            seed_digest=content["seed_digest"],
            public=PublicValue(content["public"], datetime.fromisoformat(content["public_at"])),
            root=content["root"],
            chances={cell["cell"]: int(cell["millionths"]) for cell in content["cells"]},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise LedgerError(
            f"this act cannot be read as a commitment ({type(problem).__name__}); run `lssi ledger verify`"
        ) from None


def lottery_of(content: Mapping[str, Any]) -> WeekLottery:
    """Return the lottery that an act names; KeyError where it names none."""
    return WeekLottery(content["source"], content["target"], day_of(content["week"]))
