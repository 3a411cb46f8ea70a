"""Commands that watch a model in use, and let it go on after a halt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.home import home
from lssi.clock import now
from lssi.options import AsOf, Data, Json, Source, Target
from lssi.output import loading, progress, say, say_lines

if TYPE_CHECKING:
    from features.store.store import Store

Record = Annotated[
    bool,
    typer.Option("--record", help="结论记入账本 / write the verdict into the ledger"),
]

By = Annotated[str, typer.Option(help="由谁决定 / who decides it")]
Reason = Annotated[str, typer.Option(help="理由 / why the model may go on")]


def monitor_command(
    target: Target,
    source: Source,
    as_of: AsOf,
    *,
    data: Data = None,
    as_json: Json = False,
    record: Record = False,
) -> None:
    """监看启用的模型。Say whether the promoted model may go on: what has moved since it was trained, how
    it does, and why (go on | watch | halt).
    """
    from features.calendar import day_of
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from models.bundle.champions import ModelKey
    from serving.scoring.promoted_models import promoted
    from training.monitor.lines import monitor_lines
    from training.monitor.report import monitor

    day = day_of(as_of)
    declared = find_source(source, data)
    bundle = promoted(home() / "bundles", ModelKey(declared.name, target))
    with loading() as count:
        store = open_own_store(declared, progress=count)
    with progress("监看 monitoring"):
        report = monitor(store, bundle, day)
    record_id = recorded(store, report, day) if record else None
    if as_json:
        say({"record_id": record_id, **report})
        return
    if record_id is not None:
        print(f"{record_id} 已记入账本 is in the ledger")
    say_lines(monitor_lines(report))


def recorded(store: Store, report: dict[str, Any], day: int) -> str:
    """Write a report into the ledger as an act and return its record id; the same report is recorded once."""
    from serving.database.place import ledger_place
    from serving.ledger.act import Act, Seen, act_entry, subject_digest
    from serving.ledger.ledger import Ledger
    from serving.scoring.transcript import KEPT_DAYS

    about = {name: report[name] for name in ("target", "source", "fingerprint", "model_digest")}
    subject = subject_digest(about)
    act = Act(
        what="monitor",
        who="lssi monitor",
        # another report of the same day, after more of the journal is known, is another act
        key=subject_digest(report),
        subject=subject,
        content=report,
    )
    seen = Seen(day, store.complete_to, report["model_digest"])
    entry = act_entry(act, seen, moment=now(), kept_days=KEPT_DAYS)
    with Ledger(ledger_place(home())) as ledger:
        return ledger.append(entry).result().record_id


def lift_command(
    target: Target,
    source: Source,
    *,
    by: By,
    reason: Reason,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """解除停用。Let a halted target go on: the ledger holds who decided it and why, and plans list by
    score again.
    """
    from features.ingest.source import find_source
    from features.store.opening import open_own_store
    from serving.database.place import ledger_place
    from serving.ledger.act import Seen, act_entry
    from serving.ledger.ledger import Ledger
    from serving.ledger.model_halt import lifting_act
    from serving.scoring.transcript import KEPT_DAYS

    declared = find_source(source, data)
    path = ledger_place(home())
    act = lifting_act(path, declared.name, target, who=by, reason=reason)
    store = open_own_store(declared)
    seen = Seen(store.complete_to, store.complete_to, "")
    entry = act_entry(act, seen, moment=now(), kept_days=KEPT_DAYS)
    with Ledger(path) as ledger:
        record_id = ledger.append(entry).result().record_id
    if as_json:
        say({"record_id": record_id, **act.content})
        return
    halt = act.content["halt"]
    print(f"{record_id} 已记入账本 is in the ledger | 解除 lifts {halt} | {target} {declared.name}")
