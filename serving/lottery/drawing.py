"""A drawing: the committed seed mixed with the public value, whom that draws, and the act that reveals both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.errors import LedgerError
from models.policy.lottery import Draw, drawn_units
from models.policy.week import Week, draw_of
from serving.ledger.act import Act, subject_digest
from serving.ledger.entries import canonical, sha256_of
from serving.lottery.commitment import ACTOR, Commitment, WeekLottery, lottery_of


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a draw said: the record of its commitment, the seed revealed, the public value, its number, whom it drew.

    `mixed_seed` follows from list, seed and value; with it `lssi plan` draws the same units of the same list.
    """

    lottery: WeekLottery
    commitment: str
    seed: str
    public_value: str
    number: str
    mixed_seed: str
    drawn: Mapping[str, tuple[str, ...]]

    @property
    def units(self) -> int:
        """How many units were drawn."""
        return sum(map(len, self.drawn.values()))


def mixed_draw(commitment: Commitment, seed: str, public_value: str) -> Draw:
    """Return the draw that a seed, a public value and a unit list lead to.

    The list is mixed in, so that another list has another draw, and nobody can try lists under a draw that is known.
    """
    mixed = {"list": commitment.root, "public": public_value, "seed": seed}
    lottery = commitment.lottery
    week = Week(lottery.monday, commitment.as_of, sha256_of(canonical(mixed)), None)
    return draw_of(lottery.target, week)


def drawing(commitment: Commitment, record_id: str, seed: str, public_value: str) -> Drawing:
    """Return the drawing of a committed lottery with a seed and a public value."""
    draw = mixed_draw(commitment, seed, public_value)
    return Drawing(
        lottery=commitment.lottery,
        commitment=record_id,
        seed=seed,
        public_value=public_value,
        number=draw.number,
        mixed_seed=draw.seed,
        drawn=nobody_left_out(drawn_units(commitment.cells, draw)),
    )


def nobody_left_out(drawn: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the cells of which somebody was drawn, by name."""
    return {cell: units for cell, units in sorted(drawn.items()) if units}


def drawing_act(made: Drawing) -> Act:
    """Return the act that writes a drawing into the ledger, once for each lottery whatever the public value."""
    content = {
        **made.lottery.plain(),
        "commitment": made.commitment,
        "seed": made.seed,
        "public_value": made.public_value,
        "draw": made.number,
        "mixed_seed": made.mixed_seed,
        "drawn": {cell: list(units) for cell, units in made.drawn.items()},
    }
    return Act(
        what="lottery draw",
        who=ACTOR,
        key=made.lottery.key("draw"),
        subject=subject_digest(made.lottery.plain()),
        content=content,
    )


def drawing_of(act: Act) -> Drawing:
    """Return the drawing that an act holds; LedgerError where it holds none."""
    content = act.content
    try:
        return Drawing(
            lottery=lottery_of(content),
            commitment=content["commitment"],
            seed=content["seed"],
            public_value=content["public_value"],
            number=content["draw"],
            mixed_seed=content["mixed_seed"],
            drawn={cell: tuple(units) for cell, units in content["drawn"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise LedgerError(
            f"this act cannot be read as a draw ({type(problem).__name__}); run `lssi ledger verify`"
        ) from None
