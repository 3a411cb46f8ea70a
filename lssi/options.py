"""Arguments and options that several commands share; an option of one command stands beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Source = Annotated[str, typer.Argument(help="数据源文件夹 / folder of a source, or postgresql://…")]
Data = Annotated[
    str | None,
    typer.Option(
        help="视图所读数据 / what its views read; may be postgresql://…",
        envvar="LSSI_DATA",
    ),
]
AsOf = Annotated[
    str,
    typer.Option(help="截至日 / the closed day we look from, such as 2015-06-30"),
]

Target = Annotated[str, typer.Argument(help="目标 / target")]
DeclaredTarget = Annotated[
    str,
    typer.Argument(help="目标 / a target that source.toml declares"),
]

RecordId = Annotated[str, typer.Argument(help="记录号 / id of a record, such as 17-3fa91c02be")]
RecordedUnit = Annotated[
    str | None,
    typer.Option("--unit", help="只看一个单位 / one unit of the record, by number"),
]
NoticeLanguage = Annotated[
    Literal["zh", "en"] | None,
    typer.Option("--lang", help="只用一种语言；不写则两种都用 / one language; without it, both"),
]

Who = Annotated[
    str | None,
    typer.Option(help="由谁 / who does it, by default the login name; the ledger keeps it"),
]

Out = Annotated[Path, typer.Option(help="写到何处 / where to write")]
OptionalOut = Annotated[Path | None, typer.Option(help="写到何处 / where to write")]
Json = Annotated[
    bool,
    typer.Option("--json", help="只输出 JSON / print JSON and nothing else"),
]
