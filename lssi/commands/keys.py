"""`lssi key`: commands for the operator of the service, about who may use it."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from features.home import home
from lssi.administration import record_act
from lssi.clock import now
from lssi.operator import operator
from lssi.options import Json, Who
from lssi.output import say, say_lines

if TYPE_CHECKING:
    from serving.gate.keys import KeyChange, Record

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
District = Annotated[
    str | None,
    typer.Option(
        help="只看一个区县，编号同网格表 / only units of this district, numbered as in the table of cells"
    ),
]
Expires = Annotated[
    str | None,
    typer.Option(
        metavar="DAY", help="最后一日 / the last day on which it opens, such as 2015-12-31 (UTC)"
    ),
]
PerMinute = Annotated[
    int | None,
    typer.Option(
        "--a-minute",
        metavar="N",
        help="每分钟请求数上限 / requests a minute, where fewer than of other keys",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="MOMENT",
        help="旧密钥有效至 / until when the old secret opens, such as 2015-07-08T12:00+08:00; by default for a day",
    ),
]

group = typer.Typer(no_args_is_help=True, help="密钥。API keys of the service.")


@group.command("add")
def add_key_command(
    name: Holder,
    *,
    role: Role,
    team: Team = None,
    district: District = None,
    expires: Expires = None,
    a_minute: PerMinute = None,
    who: Who = None,
) -> None:
    """发放密钥，只显示一次。Add an API key and print it once; only its digest is kept."""
    from serving.gate.keys import add

    key = add(
        home() / "keys.json",
        name,
        role=role,
        today=now().date(),
        team=team,
        district=district,
        expires=None if expires is None else day_given(expires),
        a_minute=a_minute,
        record=recorder(who),
    )
    print(key)


@group.command("rotate")
def rotate_key_command(name: Holder, *, until: Until = None, who: Who = None) -> None:
    """更换密钥，只显示一次。Give a key a new secret and print it once; the old one opens until a stated moment."""
    from serving.gate.keys import OVERLAP, rotate

    moment = now() + OVERLAP if until is None else moment_given(until)
    key = rotate(home() / "keys.json", name, until=moment, record=recorder(who))
    print(key)
    typer.echo(
        f"旧密钥有效至 the old secret opens until {moment.isoformat('T', 'seconds')}", err=True
    )


@group.command("list")
def list_keys_command(as_json: Json = False) -> None:
    """列出密钥。List the keys with what limits them, and never a secret or its digest."""
    from serving.gate.key_list import key_lines, listed_keys

    keys = listed_keys(home() / "keys.json", now())
    if as_json:
        say({"keys": keys})
    else:
        say_lines(key_lines(keys))


@group.command("remove")
def remove_key_command(name: Holder, *, who: Who = None) -> None:
    """收回密钥。Remove an API key; the next request with it is refused."""
    from serving.gate.keys import remove_key

    remove_key(home() / "keys.json", name, recorder(who))


def day_given(text: str) -> date:
    """Return a day; RequestError where the text is none."""
    from features.calendar import date_of, day_of

    return date_of(day_of(text))


def moment_given(text: str) -> datetime:
    """Return a moment, in UTC where the text names no zone; RequestError where it is none, or has passed."""
    from datetime import UTC

    from features.errors import RequestError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            f"a moment should be like 2015-07-08T12:00+08:00; got {text!r}"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def recorder(who: str | None) -> Record:
    """Return what writes a change of a key into the ledger of this home."""
    return partial(record_key, who)


def record_key(who: str | None, change: KeyChange) -> None:
    """Make an act about a key durable: whose key it is, and what limits it."""
    from serving.ledger.admin_act import AdminAct

    holder = change.holder
    limits = holder.model_dump(mode="json", exclude_none=True, exclude={"sha256", "old"})
    # stopped before the register has it, the change is asked for again and is the same entry
    number = f"{change.changes}"
    subject = {"key": holder.name}
    record_act(AdminAct(change.what, operator(who), subject, limits, number))
