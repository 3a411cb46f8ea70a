"""Commands about one record: its replay and its report for an auditor, and the notice for whom it concerns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from features.home import home
from lssi.clock import timestamp
from lssi.options import Json, NoticeLanguage, OptionalOut, RecordedUnit, RecordId
from lssi.output import say, say_lines

if TYPE_CHECKING:
    from serving.ledger.act import Act
    from serving.ledger.read import StoredRecord


def replay_command(record_id: RecordId, unit: RecordedUnit = None, as_json: Json = False) -> None:
    """重算一条记录。Rebuild a record's scores and reasons, or a plan's lists; say whether they are identical
    to the bit (exit code 1 if not).
    """
    from serving.replay.dossier import dossier, replay_as_json, replay_lines
    from serving.replay.plan_replay import plan_record

    if plan := plan_record(home(), record_id):
        _replay_plan(*plan, as_json=as_json)
        return
    inputs = dossier(home(), record_id, unit)
    replays = inputs.replays()
    if as_json:
        say(replay_as_json(inputs, replays))
    else:
        say_lines(replay_lines(inputs, replays))
    if not all(replay.identical for replay in replays):
        raise typer.Exit(1)


def _replay_plan(stored: StoredRecord, act: Act, *, as_json: bool) -> None:
    """Make a plan again and print whether it is the same."""
    from serving.replay.plan_replay import plan_replay_as_json, plan_replay_lines, replay_plan

    replay = replay_plan(home(), act)
    shown = plan_replay_as_json(stored, act, replay)
    if as_json:
        say(shown)
    else:
        say_lines(plan_replay_lines(shown))
    if not replay.identical:
        raise typer.Exit(1)


def report_command(record_id: RecordId, out: OptionalOut = None, unit: RecordedUnit = None) -> None:
    """写一条记录的报告页。Write a record as one self-contained page for an auditor (by default
    report-ID.html).
    """
    from features.files import write_text
    from serving.replay.report import exhibit_of, report

    path = out or Path(f"report-{record_id}.html")
    exhibit = exhibit_of(home(), record_id, timestamp(), unit)
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
    if out is None:
        print(notice_text(notices), end="")
        return
    write = notice_text if out.suffix == ".txt" else notice_page
    write_text(out, write(notices))
    print(out)
