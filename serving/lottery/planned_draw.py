"""The draw of a week's plan: that of its committed lottery, whose unit list the plan has to rest on too."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import PolicyError
from models.policy.lottery import Draw
from models.policy.plan import Plan
from serving.database.place import LedgerPlace
from serving.lottery.commitment import WeekLottery, commitment_of
from serving.lottery.drawing import drawing_of
from serving.lottery.steps import step_record
from serving.lottery.tickets import list_root


@dataclass(frozen=True, slots=True)
class CommittedDraw:
    """A draw that was committed beforehand: the record of its commitment, the root of its unit list, and the draw."""

    record_id: str
    root: str
    draw: Draw


def committed_draw(ledger: LedgerPlace, lottery: WeekLottery) -> CommittedDraw | None:
    """Return the draw of a week's committed lottery, None where none is committed.

    PolicyError where it is committed and not drawn yet: a plan made before the draw would be another one after it.
    """
    committed = step_record(ledger, lottery, "commit")
    if committed is None:
        return None
    drawn = step_record(ledger, lottery, "draw")
    if drawn is None:
        raise PolicyError(
            f"the lottery of the week of {lottery.week} is committed in record '{committed.record_id}' and not drawn "
            "yet; draw it with `lssi lottery draw` and plan then"
        )
    commitment = commitment_of(committed.act)
    drawing = drawing_of(drawn.act)
    draw = Draw(drawing.number, drawing.mixed_seed)
    return CommittedDraw(committed.record_id, commitment.root, draw)


def check_unit_list(plan: Plan, committed: CommittedDraw) -> None:
    """Raise PolicyError unless a plan draws from the very list, with the very probabilities, that was committed."""
    root = list_root(start.lottery.tickets for start in plan.starts)
    if root != committed.root:
        raise PolicyError(
            f"the plan draws from another list than record '{committed.record_id}' committed to: the model, the rule "
            "set, the history or the minutes are others by now; plan with those of the commitment"
        )
