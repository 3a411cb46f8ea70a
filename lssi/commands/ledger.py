"""`lssi ledger`: commands for an auditor about all records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.home import home
from lssi.administration import note_reading, signed_checkpoint
from lssi.clock import now, timestamp, today
from lssi.operator import operator
from lssi.options import Json, OptionalOut, Out, RecordId, Who
from lssi.output import say, say_lines

if TYPE_CHECKING:
    from serving.database.place import LedgerPlace

CheckpointFile = Annotated[
    Path | None,
    typer.Option(help="保存在外的检查点 / a checkpoint kept outside"),
]

SoughtUnit = Annotated[
    str | None, typer.Option("--unit", help="单位编号 / number of an enterprise or claim")
]
SoughtCaller = Annotated[
    str | None, typer.Option("--caller", help="谁问或谁做 / who asked or acted")
]
SoughtDay = Annotated[
    str | None, typer.Option("--day", help="记录之日 / the day of the record, such as 2015-07-01")
]
OldCheckpoint = Annotated[
    Path | None, typer.Argument(help="以前的检查点 / an older checkpoint, kept outside")
]
Payloads = Annotated[
    bool, typer.Option("--payloads", help="连同内容 / with what the records say, which names units")
]
SourceLedger = Annotated[
    str,
    typer.Argument(
        metavar="FROM",
        help="原账本：文件，或 postgresql://… / the ledger: a file, or postgresql://…",
    ),
]
GoalLedger = Annotated[
    str, typer.Argument(metavar="TO", help="新的所在：文件，或 postgresql://… / where it is to be")
]
WitnessProof = Annotated[
    Path, typer.Argument(help="一致性证明 / what `lssi ledger consistent` wrote")
]
WitnessName = Annotated[
    str,
    typer.Option(
        "--name", help="见证人名称，首次使用时定 / the witness's name, set at its first use"
    ),
]
LogKey = Annotated[
    str | None,
    typer.Option(help="账本公钥，首次须给 / the ledger's public key, needed the first time"),
]
WitnessPlace = Annotated[
    Path | None,
    typer.Option(
        "--place", help="见证人文件夹 / the witness's folder, by default witness/ of the home"
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="只说会删多少 / only say how many would be erased"),
]
Yes = Annotated[bool, typer.Option("--yes", help="不再询问 / do not ask")]

group = typer.Typer(no_args_is_help=True, help="账本。The ledger of records.")


@group.command("verify")
def verify_ledger(checkpoint: CheckpointFile = None, as_json: Json = False) -> None:
    """核对账本。Recompute the whole ledger and say what disagrees and where (exit code 1 if anything
    does, 2 if the file cannot be judged).
    """
    from serving.database.place import ledger_place
    from serving.proof.audit import verdict_as_json, verdict_lines, verify
    from serving.proof.checkpoint import parse_checkpoint

    outside_checkpoint = None
    if checkpoint is not None:
        text = checkpoint.read_text("utf-8", errors="replace")
        outside_checkpoint = parse_checkpoint(text)
    verdict = verify(ledger_place(home()), today(), outside_checkpoint)
    if as_json:
        say(verdict_as_json(verdict))
    else:
        say_lines(verdict_lines(verdict))
    if not verdict.whole:
        raise typer.Exit(1)


@group.command("checkpoint")
def print_checkpoint(out: OptionalOut = None) -> None:
    """输出检查点。Print (or write) the ledger's signed checkpoint; keep it outside this system."""
    print_or_write(signed_checkpoint(), out)


@group.command("key")
def print_key() -> None:
    """输出公钥。Print the public key with which the ledger signs; give it to whoever checks."""
    from serving.database.place import ledger_place
    from serving.proof.checkpoint import ledger_signer

    print(ledger_signer(ledger_place(home())).key)


@group.command("prove")
def prove_record(record_id: RecordId, out: OptionalOut = None) -> None:
    """证明一条记录在账本中。Print (or write) the proof that a record stands in the ledger."""
    from serving.database.place import ledger_place
    from serving.proof.export import record_proof

    print_or_write(record_proof(ledger_place(home()), record_id, timestamp()), out)


@group.command("find")
def find_records(
    *,
    unit: SoughtUnit = None,
    caller: SoughtCaller = None,
    day: SoughtDay = None,
    as_json: Json = False,
) -> None:
    """查找记录。Find records by the unit that they speak of, by who asked or acted, and by day."""
    from dataclasses import asdict

    from features.calendar import date_of, day_of
    from serving.database.place import ledger_place
    from serving.ledger.finding import Sought, hit_lines, seek

    of_day = None if day is None else date_of(day_of(day))
    hits = seek(ledger_place(home()), Sought(unit, caller, of_day))
    if as_json:
        say(asdict(hits))
    else:
        say_lines(hit_lines(hits))


@group.command("consistent")
def prove_consistency(old: OldCheckpoint = None, out: OptionalOut = None) -> None:
    """证明账本只增不改。Print (or write) the proof that the ledger begins with an older checkpoint, or with
    nothing where none is given, for a witness.
    """
    from serving.database.place import ledger_place
    from serving.proof.checkpoint import consistent, parse_checkpoint

    mark = None if old is None else parse_checkpoint(old.read_text("utf-8", errors="replace"))
    print_or_write(str(consistent(ledger_place(home()), mark, timestamp())), out)


@group.command("export")
def export_ledger(out: Out, *, payloads: Payloads = False, as_json: Json = False) -> None:
    """导出账本。Write all entries with a signed checkpoint, to be checked elsewhere without this system."""
    from serving.database.place import ledger_place
    from serving.proof.export import export, export_with_payloads

    write_all = export_with_payloads if payloads else export
    count = write_all(ledger_place(home()), out, timestamp())
    note_reading(exported=count, content="payloads" if payloads else "entries")
    if as_json:
        say({"records": count, "file": str(out)})
    else:
        print(out)


@group.command("copy")
def copy_whole_ledger(source: SourceLedger, goal: GoalLedger, *, as_json: Json = False) -> None:
    """搬移账本。Copy a ledger whole, from its file to a database or back, and verify the copy; a place that holds
    other records is refused.
    """
    from serving.database.place import named_place
    from serving.proof.audit import verdict_as_json, verdict_lines
    from serving.proof.copy import copy_ledger

    verdict = copy_ledger(named_place(source, home()), named_place(goal, home()), today())
    if as_json:
        say(verdict_as_json(verdict))
    else:
        say_lines(verdict_lines(verdict))


@group.command("witness")
def witness_checkpoint(
    proof: WitnessProof,
    *,
    name: WitnessName = "lssi-witness",
    log_key: LogKey = None,
    place: WitnessPlace = None,
    out: OptionalOut = None,
) -> None:
    """见证检查点。Sign a checkpoint, on another machine than the ledger's, only if its history grows from the
    last one signed here.
    """
    from features.files import own_folder
    from serving.proof.note import parse_note_key
    from serving.proof.witness import cosign, witness_signer

    folder = place or home() / "witness"
    own_folder(folder)
    signer = witness_signer(folder, name)
    trusted = None if log_key is None else parse_note_key(log_key)
    request = proof.read_text("utf-8", errors="replace")
    line = cosign(folder, signer, request, int(now().timestamp()), trusted)
    print(f"公钥 key {signer.key}", file=sys.stderr)
    print_or_write(line, out)


def print_or_write(text: str, out: Path | None) -> None:
    """Print a text that ends with its line, or write it to a file."""
    from features.files import write_text

    if out is None:
        print(text, end="")
    else:
        write_text(out, text)


@group.command("expire")
def expire_payloads(
    *,
    dry_run: DryRun = False,
    checkpoint: CheckpointFile = None,
    who: Who = None,
    yes: Yes = False,
) -> None:
    """删除到期内容。Erase the payloads whose retention has ended, and batch jobs as old; the log still verifies. A terminal
    is asked first; the ledger keeps who did it, and when.
    """
    from serving.database.place import ledger_place
    from serving.ledger.retention import Expiry, due, expire
    from serving.scoring.batch_job import JobFolder
    from serving.scoring.expired_jobs import expired_jobs, unreadable_jobs
    from serving.scoring.transcript import KEPT_DAYS

    path = ledger_place(home())
    until = today() if checkpoint is None else min(today(), day_of_checkpoint(path, checkpoint))
    count = due(path, until)
    jobs = tuple(expired_jobs(JobFolder(home() / "jobs"), until))
    of_jobs = {"jobs": len(jobs), "unreadable_jobs": unreadable_jobs(jobs)}
    if dry_run:
        say({"would_expire": count, **of_jobs})
        return
    if (count or jobs) and sys.stdin.isatty() and not yes:
        things_zh = f"{count} 份内容和 {len(jobs)} 个批量任务"
        things_en = f"{count} payloads and {len(jobs)} batch jobs"
        typer.confirm(f"删除 {things_zh}，不可恢复。Erase {things_en} for ever?", abort=True)
    count, record_id = expire(path, Expiry(until, operator(who), now(), KEPT_DAYS, jobs))
    say({"expired": count, **of_jobs, "record_id": record_id or None})


def day_of_checkpoint(path: LedgerPlace, file: Path) -> int:
    """Return the day of a checkpoint kept outside; LedgerError unless the ledger begins with what it says."""
    from features.calendar import day_of
    from serving.proof.checkpoint import check_extends, parse_checkpoint

    outside = parse_checkpoint(file.read_text("utf-8", errors="replace"))
    check_extends(path, outside)
    return day_of(outside.at[:10])
