"""The command line `lssi`: each command imports its room when it is called, and every error is one line."""

from __future__ import annotations

import sys

if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(f"lssi needs Python 3.11 to 3.13; this is {sys.version_info[0]}.{sys.version_info[1]}")

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer._click.exceptions import ClickException

from features.errors import LssiError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Source = Annotated[Path, typer.Argument(help="数据源文件夹 / folder of a source, or postgresql://…")]
Data = Annotated[Path | None, typer.Option(help="视图所读数据 / what ${DATA} of its views is", envvar="LSSI_DATA")]
AsOf = Annotated[str, typer.Option(help="截至日 / the closed day we look from, such as 2015-06-30")]
Out = Annotated[Path, typer.Option(help="写到何处 / where to write")]
Json = Annotated[bool, typer.Option("--json", help="只输出 JSON / print JSON and nothing else")]


def home() -> Path:
    """Return the folder that holds stores, bundles and the ledger: $LSSI_HOME or ./.lssi."""
    return Path(os.environ.get("LSSI_HOME", ".lssi"))


def say(value: Any) -> None:
    """Print one JSON value, Chinese as it is written."""
    print(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False))


@contextmanager
def progress(text: str) -> Iterator[Callable[[int, int | None], None]]:
    """Yield `advance(done, of)`, which draws a bar on a terminal's stderr and nothing in a pipe."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bars:
        bar = bars.add_task(text, total=None)
        yield lambda done, of: bars.update(bar, completed=done, total=of)


@app.callback()
def lssi() -> None:
    """劳动保障监察的风险排序与说明。Rank enterprises and claims for inspection, and say why."""


@app.command()
def contract(as_json: Json = False) -> None:
    """数据合同。Print the data contract: tables, keys, columns, types, units and meanings."""
    from features.contract import as_json as plain

    if as_json:
        say(plain())
        return
    for table in plain():
        print(f"\n{table['table']} | {table['zh']} | {table['en']} | {', '.join(table['key'])}")
        for column in table["columns"]:
            kind = " ".join([column["type"], *(column["values"] or [])]) + (" ?" if column["optional"] else "")
            print(f"  {column['name']} | {kind} | {column['zh']} | {column['en']}")


@app.command()
def check(source: Source, data: Data = None, as_json: Json = False) -> None:
    """装载并校验数据源。Load a source; say how many rows were accepted, how many refused and why, what is absent."""
    from features.checking import check as checked
    from features.checking import lines_of

    with progress("装载 loading") as advance:
        done = 0

        def seen(_table: str, rows: int) -> None:
            nonlocal done
            done += rows
            advance(done, None)

        summary = checked(source, data, seen)
    if as_json:
        say(summary)
    else:
        print("\n".join(lines_of(summary)))


@app.command()
def plan(source: Source, week: Annotated[str, typer.Option(help="计划周内任一天 / any day of the week to plan")], *,
         data: Data = None, target: Annotated[str, typer.Option(help="目标 / target")] = "undeclared_workers",
         seed: Annotated[str, typer.Option(help="事先公布的抽签种子 / seed published before the draw")] = "0",
         minutes: Annotated[int | None, typer.Option(min=0, help="每份清单的人·分钟 / person-minutes of every list, "
                                                                 "where the source holds no teams")] = None,
         as_json: Json = False) -> None:
    """周检查计划。Plan a week: a list per cell that fits its team's minutes; the draw is recorded in the journal."""
    from features.days import day_of
    from features.store import open_store
    from models.sheet import as_json as plain
    from models.sheet import text_of, write_journal
    from models.week import made, week_of
    from serving.shelf import promoted

    day = day_of(week)
    bundle = promoted(home() / "bundles", target)
    store = open_store(source, data)
    result = made(store, bundle, week_of(store, day, seed, minutes))
    write_journal(result, home() / "journal" / store.source.name)
    if as_json:
        say(plain(result))
    else:
        print(text_of(result))


def fail(code: str, message: str) -> NoReturn:
    """Leave with exit code 2 and one line on stderr, or one JSON object where --json was asked."""
    text = " ".join(message.split())
    line = json.dumps({"error": code, "message": text}, ensure_ascii=False)
    print(line if "--json" in sys.argv else f"error: {code}: {text}", file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """Run one command; a mistake of the user's ends in one line, a mistake of ours in a traceback."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except LssiError as error:
        fail(error.code, str(error))
    except ClickException as error:
        fail("request_invalid", f"{error.format_message()}; see lssi --help")
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone; nothing more to say to it
    except OSError as error:
        where = error.filename or "a file"
        fail("file_unusable", f"{where}: {error.strerror or error}; check that it can be read or written")
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)


if __name__ == "__main__":
    main()
