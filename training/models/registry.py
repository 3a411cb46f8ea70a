"""The registry: MLflow on SQLite, where every training run leaves its choices, metrics and bundle, and a person promotes."""

from __future__ import annotations

import logging
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import TargetError
from features.files import exclusive_lock, private_folder, remove, write_points
from models.bundle.champions import ModelKey, name_parts
from training.models.old_registry import (
    move_old_models,
    old_names,
    registered_models,
    versions_of,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
REGISTRY_PATIENCE = 10.0
"""Seconds for which a command waits for whoever holds the registry's file; a choice: others hold it for milliseconds."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A run as MLflow knows it, and the version of the registered model that it made."""

    run_id: str
    model: str
    version: int


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What one training run leaves: what was chosen, what came of it, where the bundle is, and its digest.

    `tables` are plain values by name, each a file of JSON; `units` has a row for each case that the run was judged by; `pages`
    are texts by the names of their files.
    """

    key: ModelKey
    bundle: Path
    digest: str
    choices: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    tables: Mapping[str, Mapping[str, Any]]
    units: pa.Table
    pages: Mapping[str, str] = field(default_factory=dict)


def tracking_uri(home: Path) -> str:
    """Return the address of the registry in a home folder, for `mlflow ui --backend-store-uri`.

    A sign such as % or ? of the folder's name is written as in a web address. The driver is named because MLflow makes a
    folder of the name as it is written where an address begins with sqlite:///.

    >>> tracking_uri(Path("/h #%?"))
    'sqlite+pysqlite:////h%20%23%25%3F/mlflow.db'
    """
    path = home.resolve() / "mlflow.db"
    return f"sqlite+pysqlite:///{quote(str(path))}"


@contextmanager
def client(home: Path) -> Iterator[MlflowClient]:
    """Yield MLflow's client on the registry of a home folder, made if it is new.

    Models that were registered by target alone get the names of their sources first.
    """
    with _client_as_it_stands(home) as registry:
        move_old_models(registry, home / "mlflow.lock")
        yield registry


def names_of_before(home: Path) -> list[str]:
    """Return the registered names without a source whose versions `client` would move; nothing is changed or made."""
    if not (home / "mlflow.db").exists():
        return []
    with _client_as_it_stands(home) as registry:
        return old_names(registry)


@contextmanager
def _client_as_it_stands(home: Path) -> Iterator[MlflowClient]:
    """Yield MLflow's client without MLflow's own chatter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient  # its import sets the levels anew

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        if not (home / "mlflow.db").exists():
            _make(home)
        _check_answers(home / "mlflow.db")
        address = tracking_uri(home)
        yield MlflowClient(tracking_uri=address, registry_uri=address)


def _check_answers(path: Path) -> None:
    """Raise TargetError unless the registry's file can be read: MLflow would try again for two minutes, and then fail."""
    try:
        with closing(sqlite3.connect(path, timeout=REGISTRY_PATIENCE)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise TargetError(
            f"the registry {path} cannot be read ({error}); end what holds it, or restore the file"
        ) from None


def _make(home: Path) -> None:
    """Make the registry's file, whole or not at all: one whose tables were half made when a run was killed is of no use."""
    from mlflow import MlflowClient

    with private_folder(home) as folder:
        address = tracking_uri(folder)
        registry = MlflowClient(tracking_uri=address, registry_uri=address)
        registry.search_registered_models()  # the first question makes the tables
        with write_points("the registry is in place"), suppress(FileExistsError):
            (home / "mlflow.db").hardlink_to(folder / "mlflow.db")


def log_run(home: Path, entry: TrainingRun) -> Logged:
    """Log and register a run; the artifact holds the bundle as it is, in a folder that MLflow can open."""
    name = entry.key.registered
    with registering(home), client(home) as registry:
        from mlflow.entities import Metric, Param, RunTag

        with write_points("unfinished runs are forgotten"):
            _forget_unfinished(registry, home, name)
        with write_points("a run is begun"):
            run = registry.create_run(_experiment(registry, home, name), run_name=entry.bundle.name)
        begun = run.info.start_time
        run_id = run.info.run_id
        metrics = [Metric(key, value, begun, 0) for key, value in sorted(entry.metrics.items())]
        params = [Param(key, value) for key, value in sorted(entry.choices.items())]
        tags = [RunTag(key, value) for key, value in sorted(entry.tags.items())]
        with write_points("a run is described"):
            registry.log_batch(run_id, metrics=metrics, params=params, tags=tags)
            for table, values in entry.tables.items():
                registry.log_dict(run_id, dict(values), f"{table}.json")
            for page, text in entry.pages.items():
                registry.log_text(run_id, text, page)
            _log_units(registry, run_id, entry.units, home / "mlflow")
        with write_points("a model is logged"):
            _log_model(registry, run_id, entry.bundle, home / "mlflow")
        with write_points("a version is registered"):
            number = _register(registry, name, run_id, entry.digest)
        with write_points("a run is finished"):
            registry.set_terminated(run_id, "FINISHED")
    return Logged(run_id, name, number)


def registering(home: Path) -> AbstractContextManager[None]:
    """Wait until no other run changes the registry of a home, and hold it."""
    return exclusive_lock(home / "registry.lock")


def _forget_unfinished(registry: MlflowClient, home: Path, name: str) -> None:
    """Remove the runs that never ended, their artifacts and their versions: who made them was killed, for we are alone."""
    experiment = _experiment(registry, home, name)
    unfinished = registry.search_runs([experiment], "attributes.status = 'RUNNING'")
    versions = registry.search_model_versions(f"name = '{name}'")
    for run in unfinished:
        for listed in versions:
            if listed.run_id == run.info.run_id:
                registry.delete_model_version(name, listed.version)
        remove(home / "mlflow" / name / run.info.run_id)
        registry.delete_run(run.info.run_id)


def _experiment(registry: MlflowClient, home: Path, name: str) -> str:
    """Return the number of the experiment that holds a model's runs, made if it is new."""
    experiment = registry.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    artifacts = home.resolve() / "mlflow" / name
    return str(registry.create_experiment(name, artifact_location=artifacts.as_uri()))


def _log_model(registry: MlflowClient, run_id: str, bundle: Path, place: Path) -> None:
    from mlflow import pyfunc

    needed = [f"{package}=={version(package)}" for package in ("lightgbm", "numpy", "pandas")]
    with private_folder(place) as folder:
        beside = folder / "model"
        pyfunc.save_model(
            beside, loader_module="training.loader", data_path=str(bundle), pip_requirements=needed
        )
        registry.log_artifacts(run_id, str(beside), "model")


def _log_units(registry: MlflowClient, run_id: str, units: pa.Table, place: Path) -> None:
    """Log a table of cases as `units.parquet`."""
    with private_folder(place) as folder:
        file = folder / "units.parquet"
        pq.write_table(units, file, compression="zstd")
        registry.log_artifact(run_id, str(file))


def _register(registry: MlflowClient, name: str, run_id: str, digest: str) -> int:
    if not registry.search_registered_models(filter_string=f"name = '{name}'"):
        registry.create_registered_model(name)
    source = f"{registry.get_run(run_id).info.artifact_uri}/model"
    registered = registry.create_model_version(
        name, source=source, run_id=run_id, tags={"digest": digest}
    )
    return int(registered.version)


def runs(home: Path, key: ModelKey) -> list[dict[str, str | int | float]]:
    """Return the registered runs of a source and target, the latest first: version, choices, tags and every metric."""
    with client(home) as registry:
        versions = versions_of(registry, key.registered)
        registered_runs = [(int(each.version), registry.get_run(each.run_id)) for each in versions]
    return [_run_row(number, run) for number, run in reversed(registered_runs)]


def _run_row(number: int, run: Any) -> dict[str, str | int | float]:
    """Return a registered run as one flat row."""
    tags = run.data.tags
    return {
        "run_id": run.info.run_id,
        "version": number,
        **run.data.params,
        "source": tags["source"],
        "fingerprint": tags["fingerprint"],
        **run.data.metrics,
    }


def champion(home: Path, key: ModelKey) -> int | None:
    """Return the version that carries the alias champion, None while nobody has promoted any."""
    with client(home) as registry:
        models = registry.search_registered_models(filter_string=f"name = '{key.registered}'")
        aliases = models[0].aliases if models else {}
        return int(aliases[CHAMPION]) if CHAMPION in aliases else None


def digest_of_version(home: Path, key: ModelKey, number: int) -> str:
    """Return the bundle digest of one registered version; TargetError when there is no such version."""
    with client(home) as registry:
        return str(_version(registry, key, number).tags["digest"])


def _version(registry: MlflowClient, key: ModelKey, number: int) -> Any:
    """Return one registered version; TargetError when there is none of this number."""
    versions = {int(each.version): each for each in versions_of(registry, key.registered)}
    if number not in versions:
        listed = ", ".join(map(str, versions)) or "none"
        raise TargetError(f"{key.registered} has no version {number}; it has {listed}")
    return versions[number]


def tags_of_version(home: Path, key: ModelKey, number: int) -> dict[str, str]:
    """Return the tags of a version's run, and over them its own; TargetError when there is no such version."""
    with client(home) as registry:
        version = _version(registry, key, number)
        run = registry.get_run(version.run_id)
        return {**run.data.tags, **version.tags}


def versions_of_digest(home: Path, key: ModelKey, digest: str) -> list[int]:
    """Return the registered versions whose bundle has a digest, the oldest first."""
    with client(home) as registry:
        versions = versions_of(registry, key.registered)
    return [int(each.version) for each in versions if each.tags.get("digest") == digest]


def tag_version(home: Path, key: ModelKey, number: int, tags: Mapping[str, str]) -> None:
    """Write tags of one registered version."""
    with client(home) as registry:
        for name, value in tags.items():
            registry.set_model_version_tag(key.registered, str(number), name, value)


def set_champion(home: Path, key: ModelKey, number: int) -> None:
    """Give one registered version the alias champion."""
    with client(home) as registry:
        registry.set_registered_model_alias(key.registered, CHAMPION, str(number))


def registered_key(home: Path, target: str, source: str | None) -> ModelKey:
    """Return whose models of a target are meant: those of the source named, or of the only one that has any.

    Raises TargetError where the home holds none, or those of several sources and none is named.
    """
    with client(home) as registry:
        names = [model.name for model in registered_models(registry)]
    keys = [key for key in map(name_parts, names) if key is not None]
    sources = sorted(key.source for key in keys if key.target == target)
    listed = ", ".join(sources)
    if source in sources or (source is None and len(sources) == 1):
        return ModelKey(source or listed, target)
    if f"lssi-{target}" in names and source is None:
        raise TargetError(
            f"the runs of lssi-{target} do not say on which source they were trained; "
            "give each a tag `source` in MLflow, or train again"
        )
    if not sources:
        raise TargetError(
            f"no model of {target!r} is registered; train one with `lssi train {target} SOURCE`"
        )
    if source is None:
        raise TargetError(
            f"models of {target!r} are registered for {len(sources)} sources; "
            f"name one with --source: {listed}"
        )
    raise TargetError(
        f"no model of {target!r} is registered for source {source!r}; --source should be the name that a "
        f"source.toml declares, one of {listed}"
    )
