"""The program `lssi`: every command, in the order of `lssi --help`."""

from __future__ import annotations

from collections.abc import Callable

import typer

from features.files import keep_private
from features.home import home
from lssi.commands import (
    alerting,
    audit,
    city,
    closing,
    compliance,
    estimating,
    features,
    keys,
    ledger,
    loop,
    lottery,
    matches,
    monitoring,
    novelty,
    planning,
    policy_simulation,
    scoring,
    sources,
    training,
    tuning,
    upgrading,
)

COMMANDS: dict[str, Callable[..., None]] = {
    "contract": sources.contract_command,
    "city": city.city_command,
    "check": sources.check_command,
    "load": sources.load_command,
    "adopt": sources.adopt_command,
    "features": features.features_command,
    "dictionary": features.dictionary_command,
    "certify": training.certify_command,
    "matches": matches.matches_command,
    "novelty": novelty.novelty_command,
    "train": training.train_command,
    "tune": tuning.tune_command,
    "ablate": training.ablate_command,
    "promote": training.promote_command,
    "plan": planning.plan_command,
    "alerts": alerting.alerts_command,
    "acknowledge": loop.acknowledge_command,
    "outcome": loop.outcome_command,
    "override": loop.override_command,
    "overrides": loop.overrides_command,
    "appeal": loop.appeal_command,
    "appraise": compliance.appraise_command,
    "classify": compliance.classify_command,
    "medals": compliance.medals_command,
    "exposures": compliance.exposures_command,
    "why": planning.why_command,
    "monitor": monitoring.monitor_command,
    "lift": monitoring.lift_command,
    "estimate": estimating.estimate_command,
    "simulate-policy": policy_simulation.simulate_policy_command,
    "serve": scoring.serve_command,
    "batch": scoring.batch_command,
    "day": closing.day_command,
    "replay": audit.replay_command,
    "report": audit.report_command,
    "peers": audit.peers_command,
    "notice": audit.notice_command,
    "upgrade": upgrading.upgrade_command,
}
"""Commands of one word, by that word."""
GROUPS = {
    "key": keys.group,
    "ledger": ledger.group,
    "lottery": lottery.group,
}
"""Groups of commands of two words, by the first; `lssi --help` lists them last."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for name, command in COMMANDS.items():
    app.command(name)(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


@app.callback()
def lssi(context: typer.Context) -> None:
    """劳动保障监察的风险排序与说明。Rank enterprises and claims for inspection, and say why."""
    from features.home_form import sharing_home
    from features.store.debris import clear_home

    keep_private(home())
    if context.invoked_subcommand != "upgrade":  # it has the home alone
        context.with_resource(sharing_home(home()))
    clear_home(home())
