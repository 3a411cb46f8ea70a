"""`lssi key`: commands for the operator of the service, about who may use it."""

from __future__ import annotations

from typing import Annotated

import typer

from features.home import home
from lssi.clock import now

Holder = Annotated[str, typer.Argument(help="持有者 / who holds it")]
Role = Annotated[
    str,
    typer.Option(help="data_scientist | system | auditor | inspector | reviewer"),
]
Team = Annotated[
    str | None,
    typer.Option(
        help="所属队伍，inspector 与 reviewer 须写 / the team of an inspector or reviewer"
    ),
]

group = typer.Typer(no_args_is_help=True, help="密钥。API keys of the service.")


@group.command("add")
def add_key_command(name: Holder, *, role: Role, team: Team = None) -> None:
    """发放密钥，只显示一次。Add an API key and print it once; only its digest is kept."""
    from serving.api.keys import add

    print(add(home() / "keys.json", name, role=role, today=now().date(), team=team))


@group.command("remove")
def remove_key_command(name: Holder) -> None:
    """收回密钥。Remove an API key; the next request with it is refused."""
    from serving.api.keys import remove_key

    remove_key(home() / "keys.json", name)
