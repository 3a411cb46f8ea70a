"""The secret seed of a lottery: in a file of the home that only its owner may read, until the draw reveals it."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from features.errors import LedgerError
from features.files import OWNER, durable, exclusive_lock, write_points
from serving.lottery.commitment import WeekLottery

SEED = re.compile(r"[0-9a-f]{64}")
BYTES = 32
"""Random bytes of a seed: 256 bits, as many as its digest has, so that guessing it is as hard as any collision."""


def seed_file(home: Path, lottery: WeekLottery) -> Path:
    """Return where the seed of a lottery lies; the names of sources and targets hold no sign of a path."""
    return home / "lottery" / f"{lottery.source}.{lottery.target}.{lottery.week}.seed"


def new_seed(home: Path, lottery: WeekLottery) -> str:
    """Return the seed of a lottery that is not committed yet: the one that lies there, or a new one that now does."""
    path = seed_file(home, lottery)
    # of two commands at once both commit to one seed
    with exclusive_lock(path.parent / "seeds.lock"):
        if not path.exists():
            with durable(path, mode=OWNER) as unfinished:
                unfinished.write_text(secrets.token_hex(BYTES), "ascii")
        return secret_seed(home, lottery)


def secret_seed(home: Path, lottery: WeekLottery) -> str:
    """Return the seed that lies in the home; LedgerError where there is none, or another text."""
    path = seed_file(home, lottery)
    try:
        text = path.read_text("ascii").strip()
    except (OSError, ValueError):
        text = ""
    if not SEED.fullmatch(text):
        raise LedgerError(
            f"the secret seed of the lottery of {lottery.week} is missing or damaged ({path.name} in the folder "
            f"lottery of the home); restore it from a copy: without it nobody can draw"
        )
    return text


def forget_seed(home: Path, lottery: WeekLottery) -> None:
    """Remove the file of a seed that the ledger has revealed."""
    with write_points("a revealed seed is away"):
        seed_file(home, lottery).unlink(missing_ok=True)
