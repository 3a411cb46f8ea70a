"""Replaying a plan: made again from its week, history, model and rules, and compared with the lists that were recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import BundleError, LedgerError
from features.store.journal_segment import segment_of
from features.store.store import Store
from models.bundle.bundle import Bundle, load_bundle
from models.optimum.list_rules import ListRules
from models.policy.week import WeekPlan, plan_of_units
from models.reviews.review_week import week_units
from serving.database.place import ledger_place
from serving.ledger.act import Act, act_of
from serving.ledger.read import StoredRecord, find
from serving.plans.plan_act import WHAT, halt_of_act, plain_lists, week_of_act
from serving.replay.checks import CaseReplay, Check, differs
from serving.replay.plan_rows import journal_check

Plain = dict[str, Any]


def plan_record(home: Path, record_id: str) -> tuple[StoredRecord, Act] | None:
    """Return the record of a plan with its act, None where the record is of anything else."""
    stored = find(ledger_place(home), record_id)
    if stored.payload is None or stored.entry["kind"] != "act":
        return None
    act = act_of(stored.payload)
    return (stored, act) if act.what == WHAT else None


def replay_plan(home: Path, act: Act) -> CaseReplay:
    """Make a plan again and compare number, rules, draw, every list and the rows of the journal.

    LedgerError or BundleError where its inputs are gone.
    """
    content = act.content
    store = _store(home, content)
    bundle = _bundle(home, content)
    week = week_of_act(content)
    units = week_units(store, bundle, week)
    units = replace(units, policy=_rules_as_planned(units.policy, content))
    plan = plan_of_units(store, bundle, units, week=week, halt=halt_of_act(content))
    checks = [
        _same("plan", content["plan"], plan.number),
        _same("rules", content["rule_digest"], plan.plan.policy.digest),
        _same("draw", content["draw"], plan.plan.draw.number),
        _lists(content["lists"], plan),
        journal_check(home / "journal" / store.source.name, plan),
    ]
    return CaseReplay("", tuple(checks))


def _rules_as_planned(rules: ListRules, content: Mapping[str, Any]) -> ListRules:
    """Return the rule set in force with the end that it had when a plan was made, where that makes it the recorded one.

    An end that is set or moved later changes nothing on the days before it. Plans of earlier versions do not tell the end:
    of them the open one is tried.
    """
    recorded_end = content.get("rule_last_day")
    last_day = None if recorded_end is None else date.fromisoformat(recorded_end)
    as_planned = rules.model_copy(update={"last_day": last_day})
    return as_planned if as_planned.digest == content["rule_digest"] else rules


def _bundle(home: Path, content: Mapping[str, Any]) -> Bundle:
    digest = content["model_digest"]
    path = home / "bundles" / f"{content['target']}-{digest[:12]}"
    if not path.is_dir():
        raise BundleError(f"the model of plan {content['plan']} is gone; restore the folder {path}")
    return load_bundle(path, digest)


def _store(home: Path, content: Mapping[str, Any]) -> Store:
    """Return the history that a plan was made from, with the journal beside it."""
    name, _, fingerprint = content["store"].rpartition("-")
    folder = home / "stores" / f"{name}-{fingerprint[:12]}"
    if (folder / "store.json").is_file():
        store = Store(folder, segment_of(folder, home / "journal" / name))
        if store.fingerprint == fingerprint:
            return store
    raise LedgerError(
        f"the history of plan {content['plan']} is no longer at hand in {folder}; restore it to replay the plan"
    )


def _same(field: str, recorded: str, rebuilt: str) -> Check:
    if recorded == rebuilt:
        return Check(field, "identical")
    return Check(field, "different", f"{recorded} -> {rebuilt}", f"{recorded} -> {rebuilt}")


def _lists(recorded: Mapping[str, list[list[Any]]], plan: WeekPlan) -> Check:
    """Return whether every list has the same units in the same order, for the same reasons and minutes."""
    rebuilt = plain_lists(plan)
    cells = sorted({*recorded, *rebuilt})
    different = [cell or "-" for cell in cells if recorded.get(cell) != rebuilt.get(cell)]
    if not different:
        return Check("lists", "identical")
    return differs("lists", "清单不同", "lists differ", different)


def plan_replay_as_json(stored: StoredRecord, act: Act, replay: CaseReplay) -> Plain:
    """Return what a plan's replay found, as plain values."""
    content = act.content
    fields = [
        {"field": one.field, "state": one.state, "zh": one.zh, "en": one.en}
        for one in replay.checks
    ]
    return {
        "record_id": stored.record_id,
        "kind": WHAT,
        "target": content["target"],
        "week": content["week"],
        "plan": content["plan"],
        "as_of": content["as_of"],
        "model_digest": content["model_digest"],
        "identical": replay.identical,
        "fields": fields,
    }


def plan_replay_lines(shown: Plain) -> list[str]:
    """Return the same in lines for a reader."""
    verdict = "逐项一致 identical" if shown["identical"] else "不一致 DIFFERENT"
    head = f"{shown['record_id']} | 计划 plan {shown['plan']} | {shown['target']} | {verdict}"
    lines = [head]
    for field in shown["fields"]:
        difference = f" | {field['zh']} | {field['en']}" if field["en"] else ""
        lines.append(f"    {field['field']}: {field['state']}{difference}")
    return lines
