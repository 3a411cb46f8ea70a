"""The program `lssi`: every command, in the order of `lssi --help`."""

from __future__ import annotations

import typer

from features.home import home
from lssi.commands import (
    audit,
    city,
    features,
    keys,
    ledger,
    matches,
    planning,
    scoring,
    sources,
    training,
)

COMMANDS = (
    sources.contract,
    city.city,
    sources.check,
    sources.load,
    sources.adopt,
    features.features,
    features.dictionary,
    training.certify,
    matches.matches,
    training.train,
    training.ablate,
    training.promote,
    planning.plan,
    scoring.serve,
    scoring.batch,
    audit.replay,
    audit.report,
)
"""Commands of one word, each called by the name of its function."""
GROUPS = {
    "key": keys.group,
    "ledger": ledger.group,
}
"""Groups of commands of two words, by the first; `lssi --help` lists them last."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in COMMANDS:
    app.command()(command)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)


@app.callback()
def lssi() -> None:
    """劳动保障监察的风险排序与说明。Rank enterprises and claims for inspection, and say why."""
    from features.store.debris import clear_home

    clear_home(home())
