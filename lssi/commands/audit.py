"""Commands about one record: its replay and its report for an auditor, its peers, and the notice for whom it concerns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import RequestError
from features.home import home
from lssi.administration import note_reading
from lssi.clock import timestamp
from lssi.options import Json, NoticeLanguage, OptionalOut, RecordedUnit, RecordId
from lssi.output import say, say_lines

if TYPE_CHECKING:
    from serving.ledger.act import Act
    from serving.ledger.read import StoredRecord


ALARM = 3
"""The exit code where the two engines computed different scores."""
OptionalRecordId = Annotated[
    str | None, typer.Argument(help="记录号 / id of a record, such as 17-3fa91c02be")
]
SampleSize = Annotated[
    int | None,
    typer.Option("--sample", min=1, metavar="N", help="抽取多少条评分 / how many scores to draw"),
]
SampleSeed = Annotated[
    int | None, typer.Option("--seed", min=0, help="抽取的种子 / the seed of the draw")
]
Elsewhere = Annotated[
    bool,
    typer.Option(
        "--elsewhere",
        help="记录出自另一类处理器 / recorded on another family of processors: 1e-9 apart is agreed",
    ),
]


def replay_command(
    record_id: OptionalRecordId = None,
    unit: RecordedUnit = None,
    *,
    sample: SampleSize = None,
    seed: SampleSeed = None,
    elsewhere: Elsewhere = False,
    as_json: Json = False,
) -> None:
    """重算一条记录。Rebuild a record's scores by two engines and its reasons, or a plan's lists; say whether
    they are identical to the bit (exit code 1 if not, 3 if the two engines differ). --sample draws records.
    """
    from serving.replay.plan_replay import plan_record

    if record_id is None:
        _replay_sample(sample, seed, elsewhere=elsewhere, as_json=as_json)
        return
    if sample is not None or seed is not None:
        raise RequestError("a record is replayed by its id, or a sample by --sample and --seed")
    if plan := plan_record(home(), record_id):
        _replay_plan(*plan, as_json=as_json)
        return
    _replay_record(record_id, unit, elsewhere=elsewhere, as_json=as_json)


def _replay_record(record_id: str, unit: str | None, *, elsewhere: bool, as_json: bool) -> None:
    """Replay a record, print how it agrees, and end with the code of that."""
    from serving.replay.dossier import dossier, replay_as_json, replay_lines

    inputs = dossier(home(), record_id, unit)
    replays = inputs.replays()
    shown = replay_as_json(inputs, replays)
    note_reading(record=record_id)
    if as_json:
        say(shown)
    else:
        say_lines(replay_lines(inputs, replays))
    if not shown["engines_agree"]:
        raise typer.Exit(ALARM)
    agreeing = ("bits", "close") if elsewhere else ("bits",)
    if shown["agreement"] not in agreeing:
        raise typer.Exit(1)


def _replay_sample(size: int | None, seed: int | None, *, elsewhere: bool, as_json: bool) -> None:
    """Replay a sample of all scores, print how they agree, and end with the code of the worst."""
    from serving.replay.sample import replay_sample, sample_as_json, sample_lines

    if size is None or seed is None:
        raise RequestError(
            "say what to replay: the id of a record, or --sample N with --seed S for N scores drawn from all"
        )
    shown = sample_as_json(replay_sample(home(), size, seed))
    note_reading(sample=size, seed=seed)
    if as_json:
        say(shown)
    else:
        say_lines(sample_lines(shown))
    if shown["engines_agree"] is False:
        raise typer.Exit(ALARM)
    agreement = shown["agreement"]
    if agreement["different"] or (agreement["close"] and not elsewhere):
        raise typer.Exit(1)
    if shown["not_replayable"] or shown["engines_agree"] is None:
        raise typer.Exit(2)


def _replay_plan(stored: StoredRecord, act: Act, *, as_json: bool) -> None:
    """Make a plan again and print whether it is the same."""
    from serving.replay.plan_replay import plan_replay_as_json, plan_replay_lines, replay_plan

    replay = replay_plan(home(), act)
    shown = plan_replay_as_json(stored, act, replay)
    note_reading(record=stored.record_id)
    if as_json:
        say(shown)
    else:
        say_lines(plan_replay_lines(shown))
    if not replay.identical:
        raise typer.Exit(1)


def peers_command(record_id: RecordId, unit: RecordedUnit = None, *, as_json: Json = False) -> None:
    """与同类比较一条评分。Say which features put a recorded score above or below those of its peers: the other
    units of the same sector and size on its day, or a wider group where they are few.
    """
    from serving.replay.dossier import dossier
    from serving.replay.peer_words import peers_as_json, peers_lines
    from serving.replay.peers import the_comparison

    shown = peers_as_json(the_comparison(dossier(home(), record_id, unit)))
    note_reading(record=record_id)
    if as_json:
        say(shown)
    else:
        say_lines(peers_lines(shown))


def report_command(record_id: RecordId, out: OptionalOut = None, unit: RecordedUnit = None) -> None:
    """写一条记录的报告页。Write a record as one self-contained page for an auditor (by default
    report-ID.html).
    """
    from features.files import write_text
    from serving.replay.report import exhibit_of, report

    path = out or Path(f"report-{record_id}.html")
    exhibit = exhibit_of(home(), record_id, timestamp(), unit)
    note_reading(record=record_id)
    write_text(path, report(exhibit))
    print(path)


def notice_command(
    record_id: RecordId,
    lang: NoticeLanguage = None,
    out: OptionalOut = None,
    unit: RecordedUnit = None,
) -> None:
    """写给当事企业或个人的说明。Explain a recorded score to the firm or person concerned, without
    anybody else's data (printed as text; --out writes a page, or text where it ends with .txt).
    """
    from features.files import write_text
    from serving.replay.notice import notice_page, notice_text, notices_of

    languages = ("zh", "en") if lang is None else (lang,)
    notices = notices_of(home(), record_id, unit, languages)
    note_reading(record=record_id)
    if out is None:
        print(notice_text(notices), end="")
        return
    write = notice_text if out.suffix == ".txt" else notice_page
    write_text(out, write(notices))
    print(out)
