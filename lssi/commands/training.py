"""Commands for a data scientist: the certificate, models, what features are worth, promotion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.errors import RequestError
from features.home import home
from lssi.administration import record_act
from lssi.operator import operator
from lssi.options import AsOf, Data, DeclaredTarget, Json, Source, Target, Who
from lssi.output import loading, progress, say, say_lines

if TYPE_CHECKING:
    from models.bundle.champions import ModelKey
    from training.models.promote import Recorder
    from training.runs.bench import Bench
    from training.runs.candidate_features import Newcomers

Promote = Annotated[
    bool,
    typer.Option("--promote", help="训练后即启用 / let the service use it at once"),
]
Without = Annotated[
    str,
    typer.Option(
        metavar="FAMILY",
        help="不用这一族特征，与用全部特征者并列 / train without a family of features, beside all of them",
    ),
]
FeatureFile = Annotated[
    Path | None,
    typer.Option(help="包外的特征文件 / declared features to judge"),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="抽样与拟合的种子 / seed of draws and fits"),
]
OnlyFile = Annotated[
    bool,
    typer.Option("--only-file", help="只问文件，不逐族 / the file alone, no families"),
]
Version = Annotated[
    int,
    typer.Argument(min=1, help="登记版本 / version that `lssi train` named"),
]
Although = Annotated[
    str,
    typer.Option(
        metavar="REASON",
        help="评分卡更好而仍启用的理由，记入登记 / why it is used although the scorecard is the better choice; recorded",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="把训练报告写成一页（中英文）/ write the report of the training as one page",
    ),
]
SourceName = Annotated[
    str | None,
    typer.Option(help="数据源声明的名称 / declared name of its source, where several have models"),
]


def certify_command(source: Source, as_of: AsOf, data: Data = None, as_json: Json = False) -> None:
    """检查泄漏，写出证书。Check that nothing recorded after a day changes a feature of that day, and
    report what does (exit code 1 if anything does).
    """
    from features.calendar import day_of
    from features.ingest.source import find_source
    from features.store.opening import open_store
    from training.certificate.certify import certify
    from training.certificate.text import certificate_lines

    declared = find_source(source, data)
    with loading() as count:
        store = open_store(declared, progress=count)
    with progress("查证 certifying"):
        certificate = certify(store, day_of(as_of), source=declared)
    if as_json:
        say(certificate)
    else:
        say_lines(certificate_lines(certificate))
    if certificate["verdict"] != "clean":
        raise typer.Exit(1)


def train_command(
    target: DeclaredTarget,
    source: Source,
    *,
    data: Data = None,
    without: Without = "",
    report: ReportFile = None,
    as_json: Json = False,
    use: Promote = False,
) -> None:
    """训练并评价模型。Train, evaluate and register a model; the first one of a source and target is in use
    until another is promoted. One without a family of features is in use only if you ask for it. If the
    scorecard is the better choice, that is in use in its place.
    """
    from features.errors import TargetError
    from features.files import write_text
    from features.store.opening import open_own_store
    from training.runs.summary import summary_lines
    from training.runs.train import train
    from training.runs.training_report import report_of

    check_report_file(report)
    with loading() as count:
        store = open_own_store(source, data, count)
    with progress("训练 training"):
        result = train(store, target, home=home(), without=without)
    result["champion"] = champion_after(store.source.name, target, result, at_once=use)
    if report is not None:
        write_text(report, report_of(store, target, result))
    if as_json:
        say(result)
    else:
        say_lines(summary_lines(result))
    if use and result["not_promoted"]:
        # the report is said all the same: it took a training
        raise TargetError(result["not_promoted"])


def check_report_file(report: Path | None) -> None:
    """Raise RequestError where a report has no folder to be written to: it is asked before a training, which takes minutes."""
    if report is not None and (report.is_dir() or not report.parent.is_dir()):
        raise RequestError(
            f"--report should name a file in a folder that exists; got {str(report)!r}; make the folder or name another file"
        )


def champion_after(name: str, target: str, result: dict[str, Any], at_once: bool) -> int | None:
    """Promote a version just trained, the first of its source and target, or any `at_once`; return the one in use.

    A model without a family of features was trained to be looked at: it is promoted only `at_once`. `not_promoted` of the
    result then says why the version may not be promoted, None where it may.
    """
    from models.bundle.champions import ModelKey
    from training.models.promote import promote, promote_first, refusal, version_in_use

    key = ModelKey(name, target)
    number = result["mlflow"]["version"]
    result["not_promoted"] = refusal(home(), key, number) or None
    if result["without"] and not at_once:
        return version_in_use(home(), key)
    record = recorder_of(key)
    if at_once and not result["not_promoted"]:
        return promote(home(), key, number, record=record)
    return promote_first(home(), key, number, record=record)


def ablate_command(
    target: DeclaredTarget,
    source: Source,
    *,
    feature_file: FeatureFile = None,
    seed: Seed = None,
    data: Data = None,
    as_json: Json = False,
    only_file: OnlyFile = False,
) -> None:
    """衡量特征的价值。Measure what each family of features is worth, and what a file of new features
    adds, what it costs and whether it leaks.
    """
    from features.store.opening import open_store
    from training.runs.ablate import fresh_of
    from training.runs.bench import bench_of

    if only_file and feature_file is None:
        raise RequestError(
            "--only-file needs a feature file and none was given; name it with --feature-file FILE"
        )
    with loading() as count:
        store = open_store(source, data, count)
    newcomers = None
    if feature_file is not None:
        newcomers = fresh_of(store, target, feature_file)
    with progress("拟合 fitting"):
        bench = bench_of(store, target, seed)
    report_ablation(bench, newcomers, families=not only_file, as_json=as_json)


def report_ablation(
    bench: Bench,
    newcomers: Newcomers | None,
    *,
    families: bool,
    as_json: bool,
) -> None:
    """Print what a feature file and each family are worth, the file first; exit code 1 if it leaks."""
    from training.runs.ablate import (
        family_lines,
        head_lines,
        of_families,
        of_file,
        outline,
        with_cost,
    )

    report = outline(bench)
    if newcomers is not None:
        with progress("特征文件 the file") as advance:
            report["feature_file"] = of_file(bench, newcomers, advance)
    if not as_json:
        # the file's answer is there long before the families are fitted
        print("\n".join(head_lines(report)), flush=True)
    if families:
        with progress("逐族 families") as advance:
            report["families"] = of_families(bench, advance)
    if as_json:
        say(with_cost(report))
    else:
        for line in family_lines(report):
            print(line)
    if newcomers is not None and report["feature_file"]["certificate"]["verdict"] != "clean":
        raise typer.Exit(1)


def promote_command(
    target: Target,
    version: Version,
    source: SourceName = None,
    although: Although = "",
    who: Who = None,
) -> None:
    """启用一个已登记的模型。Make a registered version the model that the service uses for a source and
    target; a person decides this. One that is not shown to gain over the scorecard needs a reason.
    """
    from training.models.promote import promote
    from training.models.registry import registered_key

    key = registered_key(home(), target, source)
    record = recorder_of(key, although, who)
    promote(home(), key, version, although=although, record=record)
    print(f"{key.source} {target}: 启用版本 {version} / the service uses version {version}")


def recorder_of(key: ModelKey, although: str = "", who: str | None = None) -> Recorder:
    """Return what writes into the ledger which version a person puts into use, its model's digest, and the reason it needed."""
    from serving.ledger.admin_act import AdminAct

    subject = {"source": key.source, "target": key.target}

    def record(number: int, digest: str) -> None:
        content = {**subject, "version": number, "digest": digest, "although": although}
        record_act(AdminAct("promote", operator(who), subject, content))

    return record
