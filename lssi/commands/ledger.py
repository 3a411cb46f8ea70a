"""`lssi ledger`: commands for an auditor about all records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.home import home
from lssi.clock import timestamp, today
from lssi.options import Json, OptionalOut
from lssi.output import say, say_lines

CheckpointFile = Annotated[
    Path | None,
    typer.Option(help="保存在外的检查点 / a checkpoint kept outside"),
]

group = typer.Typer(no_args_is_help=True, help="账本。The ledger of records.")


@group.command("verify")
def verify_ledger(checkpoint: CheckpointFile = None, as_json: Json = False) -> None:
    """核对账本。Recompute the whole ledger and say what disagrees and where (exit code 1 if anything
    does).
    """
    from serving.ledger.audit import parse_checkpoint, verdict_as_json, verdict_lines, verify

    outside_checkpoint = None
    if checkpoint is not None:
        text = checkpoint.read_text("utf-8", errors="replace")
        outside_checkpoint = parse_checkpoint(text)
    verdict = verify(home() / "ledger.db", today(), outside_checkpoint)
    if as_json:
        say(verdict_as_json(verdict))
    else:
        say_lines(verdict_lines(verdict))
    if not verdict.whole:
        raise typer.Exit(1)


@group.command("checkpoint")
def print_checkpoint(out: OptionalOut = None) -> None:
    """输出检查点。Print (or write) the ledger's checkpoint; keep it outside this system."""
    from features.files import write_text
    from serving.ledger.audit import checkpoint

    text = str(checkpoint(home() / "ledger.db", timestamp()))
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)


@group.command("expire")
def expire_payloads() -> None:
    """删除到期内容。Erase the payloads whose retention has ended; the log still verifies."""
    from serving.ledger.retention import expire

    say({"expired": expire(home() / "ledger.db", today())})
