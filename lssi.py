"""The command line `lssi`: each command imports its room when it is called, and every error is one line."""

from __future__ import annotations

import sys

if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(f"lssi needs Python 3.11 to 3.13; this is {sys.version_info[0]}.{sys.version_info[1]}")

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer._click.exceptions import ClickException

from features.errors import LssiError, RequestError
from features.home import home

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that ask a command to stop: Ctrl-C, a plain kill, and a terminal that closes."""
FULL = "No space left on device"
"""What an engine says in an error of its own when a disk is full."""

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Source = Annotated[str, typer.Argument(help="数据源文件夹 / folder of a source, or postgresql://…")]
Data = Annotated[str | None, typer.Option(help="视图所读数据 / what its views read; may be postgresql://…", envvar="LSSI_DATA")]
AsOf = Annotated[str, typer.Option(help="截至日 / the closed day we look from, such as 2015-06-30")]
Out = Annotated[Path, typer.Option(help="写到何处 / where to write")]
Json = Annotated[bool, typer.Option("--json", help="只输出 JSON / print JSON and nothing else")]


def say(value: Any) -> None:
    """Print one JSON value, Chinese as it is written."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=False))


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
    from features.debris import clear_home

    clear_home(home())


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
            words = [column["type"], *(column["values"] or []), *["?"] * column["optional"]]
            zh = "；".join(filter(None, (column["zh"], column["law_zh"])))
            en = "; ".join(filter(None, (column["en"], column["law_en"])))
            print(f"  {column['name']} | {' '.join(words)} | {zh} | {en}")


@app.command()
def city(out: Annotated[Path, typer.Argument(help="写到哪个文件夹 / folder to write the source to")], *,
         enterprises: Annotated[int, typer.Option(help="企业数 / number of enterprises")] = 20_000,
         months: Annotated[int, typer.Option(help="月数 / number of months")] = 36,
         until: Annotated[str, typer.Option(help="最后一日 / last day that the databases know")] = "2015-06-30",
         seed: Annotated[int, typer.Option(help="随机种子 / seed of all chance")] = 1,
         name: Annotated[str | None, typer.Option(help="数据源名称，一个 LSSI_HOME 里不得重名 / name of the source")] = None,
         layout: Annotated[str, typer.Option(help="表式 / contract | core_platform (a dump, its city in OUT/city)")] = "contract",
         as_json: Json = False) -> None:
    """生成模拟城市。Write a simulated city as a source; the same arguments give the same bytes, and a stopped run resumes."""
    from features.city.platform import laid_out
    from features.city.run import write_city
    from features.city.setting import setting_of

    setting = setting_of(enterprises, months, until=until, seed=seed, name=name)
    write = laid_out(layout, write_city)
    with progress("模拟城市 / simulated city") as advance:
        done = write(out, setting, advance)
    if as_json:
        say(done | {"enterprises": enterprises})
    else:
        print(f"{out}: {enterprises} enterprises, {done['parts_made']} parts made, {done['parts_kept']} kept")


@app.command()
def check(source: Source, data: Data = None, as_json: Json = False) -> None:
    """装载并校验数据源。Load a source; say which rows are accepted, which refused and why (exit code 1: none of a table)."""
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
    if summary["refused_whole"]:
        raise typer.Exit(1)


@app.command()
def load(source: Source, *,
         day: Annotated[str | None, typer.Option(help="要关闭的日 / the day to close, such as 2015-07-01")] = None,
         rows: Annotated[Path | None, typer.Option(help="只含当日行的文件夹 / folder with the day's rows only")] = None,
         data: Data = None, as_json: Json = False,
         merge: Annotated[bool, typer.Option("--compact", help="把各日并入新基底 / merge the days")] = False) -> None:
    """装载一日。Append a day's rows and close the day; refused rows come back as files. The first load makes the store."""
    from features.compaction import compact
    from features.days import day_of
    from features.feed import as_json as plain
    from features.feed import feed, lines_of
    from features.source import find_source

    if (day is None) != merge:
        raise RequestError("name the day to close with --day, such as --day 2015-07-01, or merge the days with --compact alone")
    found = find_source(source, data)
    if day is None:
        folder = compact(found)
        say({"compacted": str(folder)}) if as_json else print(folder)
        return
    with progress("装载 loading") as advance:
        done = 0

        def seen(_table: str, number: int) -> None:
            nonlocal done
            done += number
            advance(done, None)

        fed = feed(found, day_of(day), rows, seen)
    if as_json:
        say(plain(fed))
    else:
        print("\n".join(lines_of(fed)))


@app.command()
def adopt(source: Source, data: Data = None) -> None:
    """沿用名称。Let a source that has moved, or a new dump of it, keep its name, with the models and journal of that name."""
    from features.names import adopt as adopted
    from features.names import told
    from features.source import find_source

    found = find_source(source, data)
    former = adopted(found)
    before = f" (先前 before: {told(former.place)})" if former and former.place != found.place else ""
    print(f"{found.name}: {told(found.place)}{before}")


@app.command()
def features(source: Source, entity: Annotated[str, typer.Option(help="enterprise | claim | provider")],
             as_of: Annotated[list[str], typer.Option(
                 help="截至日，可重复；known：每笔申领以其入库日为准 / the as-of day; may be repeated; known: each claim's own")],
             out: Out, data: Data = None) -> None:
    """特征矩阵。Write the features of every living unit of a day, or of each of some days, as Parquet, its key and day first."""
    from features.ordered import write_ordered
    from features.store import open_store
    from features.stretches import check_asked, stretches

    check_asked(entity, as_of)
    with progress("装载 loading") as advance:
        store = open_store(source, data, lambda _table, rows: advance(rows, None))
    with progress("特征 features"):
        rows, columns = write_ordered(stretches(store, entity, as_of), out)
    print(f"{out}: {rows} × {columns}")


@app.command()
def dictionary(source: Annotated[str | None, typer.Argument(help="数据源；不写则列全部 / without it: the whole")] = None, *,
               data: Data = None, as_json: Json = False) -> None:
    """特征字典。Print every feature with meaning, formula, tables, windows and legal basis; of a source, what it can compute."""
    from features.catalogue.dictionary import as_json as plain
    from features.catalogue.dictionary import page, whole_catalogue
    from features.engine import catalogue_of
    from features.store import open_store

    if source is None:
        declared, name = whole_catalogue(), None
    else:
        with progress("装载 loading") as advance:
            store = open_store(source, data, lambda _table, rows: advance(rows, None))
        declared, name = catalogue_of(store), store.source.name
    if as_json:
        say(plain(declared, name))
    else:
        print(page(declared, name), end="")


@app.command()
def certify(source: Source, as_of: AsOf, data: Data = None, as_json: Json = False) -> None:
    """泄漏证书。Prove that nothing recorded after a day moves a feature of that day, and say what does (exit code 1 if any)."""
    from features.days import day_of
    from features.source import find_source
    from features.store import open_store
    from training.certificate import lines_of
    from training.certify import certify as certified

    read = find_source(source, data)
    with progress("装载 loading") as advance:
        store = open_store(read, progress=lambda _table, rows: advance(rows, None))
    with progress("查证 certifying"):
        found = certified(store, day_of(as_of), source=read)
    if as_json:
        say(found)
    else:
        print("\n".join(lines_of(found)))
    if found["verdict"] != "clean":
        raise typer.Exit(1)


@app.command()
def matches(source: Source, as_of: AsOf, *, data: Data = None,
            kind: Annotated[str | None, typer.Option(help="只查一种 / one kind only, such as two_full_time")] = None,
            out: Annotated[Path | None, typer.Option(help="写到 .parquet 或 .csv / write them to a .parquet or .csv")] = None,
            as_json: Json = False) -> None:
    """数据比对线索。Find discrepancies between databases, each with its rows: facts to verify, apart from every score."""
    from features.days import day_of
    from features.matches import matches as found
    from features.matches.write import lines_of, told, write_matches
    from features.store import open_store

    with progress("装载 loading") as advance:
        store = open_store(source, data, lambda _table, rows: advance(rows, None))
    here = found(store, day_of(as_of), kind)
    if out is not None:
        print(f"{out}: {write_matches(here, out)}")
    elif as_json:
        say({"source": store.source.name, "as_of": as_of} | told(store, here))
    else:
        for line in lines_of(store, here):
            print(line)


@app.command()
def train(target: Annotated[str, typer.Argument(help="目标 / a target that source.toml declares")], source: Source, *,
          data: Data = None, as_json: Json = False,
          use: Annotated[bool, typer.Option("--promote", help="训练后即启用 / let the service use it at once")] = False) -> None:
    """训练并评价模型。Train, judge and register a model; the first of a source and target is used until another is promoted."""
    from features.store import open_own_store
    from models.champions import ModelKey
    from training.promote import promote as put_forward
    from training.promote import promote_first
    from training.summary import lines_of
    from training.train import train as trained

    with progress("装载 loading") as advance:
        store = open_own_store(source, data, lambda _table, rows: advance(rows, None))
    with progress("训练 training"):
        result = trained(store, target, home=home())
    promotion = put_forward if use else promote_first
    result["champion"] = promotion(home(), ModelKey(store.source.name, target), result["mlflow"]["version"])
    if as_json:
        say(result)
    else:
        print("\n".join(lines_of(result)))


@app.command()
def ablate(target: Annotated[str, typer.Argument(help="目标 / a target that source.toml declares")], source: Source, *,
           feature_file: Annotated[Path | None, typer.Option(help="包外的特征文件 / declared features to judge")] = None,
           seed: Annotated[int | None, typer.Option(min=0, help="抽样与拟合的种子 / seed of draws and fits")] = None,
           data: Data = None, as_json: Json = False,
           only_file: Annotated[bool, typer.Option("--only-file", help="只问文件，不逐族 / the file alone, no families")] = False,
           ) -> None:
    """特征值多少。What each family of features is worth, and what one file of new features adds, costs and whether it leaks."""
    from features.store import open_store
    from training.ablate import family_lines, finished, fresh_of, head_lines, of_families, of_file, outline
    from training.bench import bench_of

    if only_file and feature_file is None:
        raise RequestError("--only-file asks about a feature file and none was given; name it with --feature-file FILE")
    with progress("装载 loading") as advance:
        store = open_store(source, data, lambda _table, rows: advance(rows, None))
    fresh = None if feature_file is None else fresh_of(store, target, feature_file)
    with progress("拟合 fitting"):
        bench = bench_of(store, target, seed)
    said = outline(bench)
    if fresh is not None:
        with progress("特征文件 the file") as advance:
            said["feature_file"] = of_file(bench, fresh, advance)
    if not as_json:
        print("\n".join(head_lines(said)), flush=True)
    if not only_file:
        with progress("逐族 families") as advance:
            said["families"] = of_families(bench, advance)
    if as_json:
        say(finished(said))
    else:
        for line in family_lines(said):
            print(line)
    if fresh is not None and said["feature_file"]["certificate"]["verdict"] != "clean":
        raise typer.Exit(1)


@app.command()
def promote(target: Annotated[str, typer.Argument(help="目标 / target")],
            version: Annotated[int, typer.Argument(min=1, help="登记版本 / version that `lssi train` named")],
            source: Annotated[str | None, typer.Option(
                help="数据源声明的名称 / declared name of its source, where several have models")] = None) -> None:
    """启用一个已登记的模型。Let a source's service use one registered version of a target's model; a person decides this."""
    from training.promote import promote as put_forward
    from training.registry import registered_key

    key = registered_key(home(), target, source)
    put_forward(home(), key, version)
    print(f"{key.source} {target}: 启用版本 {version} / the service uses version {version}")


@app.command()
def plan(source: Source, week: Annotated[str, typer.Option(help="计划周内任一天 / any day of the week to plan")], *,
         data: Data = None, target: Annotated[str, typer.Option(help="目标 / target")] = "undeclared_workers",
         seed: Annotated[str, typer.Option(help="事先公布的抽签种子 / seed published before the draw")] = "0",
         minutes: Annotated[int | None, typer.Option(min=0, help="每份清单的人·分钟 / person-minutes of every list, "
                                                                 "where the source holds no teams")] = None,
         as_json: Json = False) -> None:
    """周检查计划。Plan a week: a list per cell that fits its team's minutes; the draw is recorded in the journal."""
    from features.days import day_of
    from features.source import find_source
    from features.store import open_own_store
    from models.champions import ModelKey
    from models.sheet import as_json as plain
    from models.sheet import text_of, write_journal
    from models.week import made, week_of
    from serving.shelf import promoted

    day = day_of(week)
    read = find_source(source, data)
    bundle = promoted(home() / "bundles", ModelKey(read.name, target))
    store = open_own_store(read)
    result = made(store, bundle, week_of(store, day, seed, minutes))
    write_journal(result, home() / "journal" / store.source.name)
    if as_json:
        say(plain(result))
    else:
        print(text_of(result))


@app.command()
def serve(source: Source, data: Data = None, *,
          host: Annotated[str, typer.Option(help="监听地址 / address to listen on")] = "127.0.0.1",
          port: Annotated[int, typer.Option(min=1, max=65535, help="端口 / port")] = 3000,
          workers: Annotated[int, typer.Option(min=1, max=64, help="进程数 / worker processes")] = 1) -> None:
    """启动评分服务。Serve the promoted models over HTTP (docs/api.md) until it is stopped."""
    from serving.service import serve as served
    from serving.settings import Settings

    for number in listened():
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    served(Settings(home(), source, data), host=host, port=port, workers=workers)


keys = typer.Typer(no_args_is_help=True, help="密钥。API keys of the service.")
app.add_typer(keys, name="key")


@keys.command("add")
def key_add(name: Annotated[str, typer.Argument(help="持有者 / who holds it")], *,
            role: Annotated[str, typer.Option(help="data_scientist | system | auditor")]) -> None:
    """发放密钥，只显示一次。Add an API key and print it once; only its digest is kept."""
    from serving.keys import add

    print(add(home() / "keys.json", name, role=role, today=datetime.now(UTC).date()))


@keys.command("remove")
def key_remove(name: Annotated[str, typer.Argument(help="持有者 / who holds it")]) -> None:
    """收回密钥。Remove an API key; the next request with it is refused."""
    from serving.keys import remove

    remove(home() / "keys.json", name)


@app.command()
def batch(target: Annotated[str, typer.Argument(help="目标 / target")], source: Source, data: Data = None,
          as_json: Json = False) -> None:
    """整批评分，一条记录。Score every living unit of the last closed day under one record, each row with its proof."""
    from features.dormancy import line_of
    from features.source import find_source
    from features.store import open_own_store
    from models.champions import ModelKey
    from serving.roll import roll
    from serving.shelf import promoted

    read = find_source(source, data)
    bundle = promoted(home() / "bundles", ModelKey(read.name, target))
    done = roll(home(), open_own_store(read), bundle, caller="lssi batch", moment=datetime.now(UTC))
    if as_json:
        say(done)
        return
    print(f"{done['record_id']} | {done['as_of']} | {done['rows']} 行 rows | {done['priority_only']['zh']}")
    if "dormant" in done:
        print(line_of(done["dormant"]))
    for unit in done["top"]:
        print(f"  {unit['rank']} | {unit['id']} | {unit['score']:.3f}")


RecordId = Annotated[str, typer.Argument(help="记录号 / id of a record, such as 17-3fa91c02be")]
Of = Annotated[str | None, typer.Option("--unit", help="只看一个单位 / one unit of the record, by number")]


@app.command()
def replay(record_id: RecordId, unit: Of = None, as_json: Json = False) -> None:
    """重算一条记录。Rebuild a record's scores and reasons; say whether they are identical to the bit (exit code 1 if not)."""
    from serving.dossier import as_json as plain
    from serving.dossier import dossier, lines_of

    found = dossier(home(), record_id, unit)
    replays = found.replays()
    if as_json:
        say(plain(found, replays))
    else:
        print("\n".join(lines_of(found, replays)))
    if not all(one.identical for one in replays):
        raise typer.Exit(1)


@app.command()
def report(record_id: RecordId, out: Annotated[Path | None, typer.Option(help="写到何处 / where to write")] = None,
           unit: Of = None) -> None:
    """写一条记录的报告页。Write a record as one self-contained page for an auditor (by default report-ID.html)."""
    from features.files import write_text
    from serving.report import exhibit_of
    from serving.report import report as page

    path = out or Path(f"report-{record_id}.html")
    write_text(path, page(exhibit_of(home(), record_id, now(), unit)))
    print(path)


def now() -> str:
    """Return the time of this moment, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


ledger = typer.Typer(no_args_is_help=True, help="账本。The ledger of records.")
app.add_typer(ledger, name="ledger")


@ledger.command("verify")
def ledger_verify(checkpoint: Annotated[Path | None, typer.Option(help="保存在外的检查点 / a checkpoint kept outside")] = None,
                  as_json: Json = False) -> None:
    """核对账本。Recompute the whole ledger and say what disagrees and where (exit code 1 if anything does)."""
    from features.days import day_of
    from serving.audit import as_json as plain
    from serving.audit import lines_of, parse_checkpoint, verify

    kept = None if checkpoint is None else parse_checkpoint(checkpoint.read_text("utf-8", errors="replace"))
    verdict = verify(home() / "ledger.db", day_of(now()[:10]), kept)
    if as_json:
        say(plain(verdict))
    else:
        print("\n".join(lines_of(verdict)))
    if not verdict.whole:
        raise typer.Exit(1)


@ledger.command("checkpoint")
def ledger_checkpoint(out: Annotated[Path | None, typer.Option(help="写到何处 / where to write")] = None) -> None:
    """输出检查点。Print (or write) the ledger's checkpoint; keep it outside this system."""
    from features.files import write_text
    from serving.audit import checkpoint

    text = str(checkpoint(home() / "ledger.db", now()))
    if out is None:
        print(text, end="")
    else:
        write_text(out, text)


@ledger.command("expire")
def ledger_expire() -> None:
    """删除到期内容。Erase the payloads whose retention has ended; the log still verifies."""
    from features.days import day_of
    from serving.retention import expire

    say({"expired": expire(home() / "ledger.db", day_of(now()[:10]))})


def fail(code: str, message: str) -> NoReturn:
    """Leave with exit code 2 and one line on stderr, or one JSON object where --json was asked."""
    text = " ".join(message.split())
    line = json.dumps({"error": code, "message": text}, ensure_ascii=False, allow_nan=False)
    print(line if "--json" in sys.argv else f"error: {code}: {text}", file=sys.stderr)
    sys.exit(2)


def listened() -> list[signal.Signals]:
    """Return the signals to stop that whoever started this process does not want ignored."""
    return [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def stoppable() -> Iterator[None]:
    """Let a signal to stop end the command as an error would, so that it clears its folders; exit code 128 + its number.

    A second signal ends it at once; the next command clears what is left. A signal that the caller ignores stays ignored.
    One that comes while a folder is cleared cannot end that early: it is told by the exit code, not by a traceback.
    """
    heard: list[int] = []
    shown = sys.unraisablehook

    def unraised(found: sys.UnraisableHookArgs) -> None:
        if not (heard and found.exc_type is KeyboardInterrupt):
            shown(found)

    def stop(number: int, _frame: FrameType | None) -> None:
        heard.append(number)
        for other in before:
            signal.signal(other, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in listened()}
    sys.unraisablehook = unraised
    try:
        yield
    except BaseException:
        if heard:  # whatever an engine made of the signal
            sys.exit(128 + heard[0])
        raise
    finally:
        sys.unraisablehook = shown
        for number, handler in before.items():
            signal.signal(number, handler)


def check_standard_output() -> None:
    """Raise RequestError unless standard output takes every character, before a command does what it could not tell of."""
    try:
        "中é\N{CLIPBOARD}".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        raise RequestError(f"standard output is {sys.stdout.encoding}, which lacks characters that are printed, such as Chinese; "
                           "set PYTHONIOENCODING=utf-8 (or gb18030)") from None


def main() -> None:
    """Run one command; a mistake of the user's ends in one line, a mistake of ours in a traceback."""
    try:
        check_standard_output()
        with stoppable():
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
    except UnicodeEncodeError as error:
        letters = ascii(error.object[error.start:error.end][:8])
        fail("request_invalid", f"{error.encoding} cannot write {letters}; give names and paths in valid UTF-8")
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:
        if FULL not in str(error):
            raise
        fail("file_unusable", f"{FULL}; make room, or name another place with LSSI_HOME or --out")


if __name__ == "__main__":
    main()
