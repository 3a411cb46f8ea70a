"""The command that writes a simulated city."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lssi.options import Json
from lssi.output import progress, say

Folder = Annotated[
    Path,
    typer.Argument(help="写到哪个文件夹 / folder to write the source to"),
]
Enterprises = Annotated[int, typer.Option(help="企业数 / number of enterprises")]
Months = Annotated[int, typer.Option(help="月数 / number of months")]
Until = Annotated[str, typer.Option(help="最后一日 / last day that the databases know")]
Seed = Annotated[int, typer.Option(help="随机种子 / seed of all chance")]
Name = Annotated[
    str | None,
    typer.Option(help="数据源名称，一个 LSSI_HOME 里不得重名 / name of the source"),
]
Layout = Annotated[
    str,
    typer.Option(help="表式 / contract | core_platform (a dump, its city in OUT/city)"),
]


def city_command(
    out: Folder,
    *,
    enterprises: Enterprises = 20_000,
    months: Months = 36,
    until: Until = "2015-06-30",
    seed: Seed = 1,
    name: Name = None,
    layout: Layout = "contract",
    as_json: Json = False,
) -> None:
    """生成模拟城市。Write a simulated city as a source; the same arguments give the same bytes,
    and a stopped run resumes.
    """
    from simulation.ground.setting import setting_of
    from simulation.output.platform import layout_writer
    from simulation.run import write_city

    setting = setting_of(enterprises, months, until=until, seed=seed, name=name)
    write = layout_writer(layout, write_city)
    with progress("模拟城市 / simulated city") as advance:
        summary = write(out, setting, advance)
    if as_json:
        say(summary | {"enterprises": enterprises})
        return
    new_parts = summary["parts_made"]
    earlier_parts = summary["parts_kept"]
    print(f"{out}: {enterprises} enterprises, {new_parts} parts made, {earlier_parts} kept")
