"""The registry: MLflow on SQLite, where every training run leaves its choices, metrics and bundle, and a person promotes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import TargetError
from features.files import alone, private_folder, reached, remove

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Logged:
    """A run as MLflow knows it, and the version of the registered model that it made."""

    run_id: str
    model: str
    version: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What one training run leaves: what was chosen, what came of it, where the bundle is, and its digest."""

    target: str
    bundle: Path
    digest: str
    choices: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    certificate: Mapping[str, Any]


def tracking_uri(home: Path) -> str:
    """Return the address of the registry in a home folder, for `mlflow ui --backend-store-uri`."""
    return f"sqlite:///{home.resolve() / 'mlflow.db'}"


def registered_name(target: str) -> str:
    """Return the name under which a target's models are registered."""
    return f"lssi-{target}"


@contextmanager
def client(home: Path) -> Iterator[MlflowClient]:
    """Yield MLflow's client on the registry of a home folder, made if it is new, without MLflow's own chatter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient  # its import sets the levels anew

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        if not (home / "mlflow.db").exists():
            _make(home)
        yield MlflowClient(tracking_uri=tracking_uri(home), registry_uri=tracking_uri(home))


def _make(home: Path) -> None:
    """Make the registry's file, whole or not at all: one whose tables were half made when a run was killed is of no use."""
    from mlflow import MlflowClient

    with private_folder(home) as folder:
        MlflowClient(tracking_uri=tracking_uri(folder), registry_uri=tracking_uri(folder)).search_registered_models()
        reached("before the registry is in place")
        with suppress(FileExistsError):
            (home / "mlflow.db").hardlink_to(folder / "mlflow.db")
        reached("after the registry is in place")


def log_run(home: Path, entry: Entry) -> Logged:
    """Log and register a run; the artifact holds the bundle as it is, in a folder that MLflow can open."""
    name = registered_name(entry.target)
    with registering(home), client(home) as registry:
        from mlflow.entities import Metric, Param, RunTag

        _forget_unfinished(registry, home, name)
        run = registry.create_run(_experiment(registry, home, name), run_name=entry.bundle.name)
        begun, run_id = run.info.start_time, run.info.run_id
        registry.log_batch(
            run_id,
            metrics=[Metric(key, value, begun, 0) for key, value in sorted(entry.metrics.items())],
            params=[Param(key, value) for key, value in sorted(entry.choices.items())],
            tags=[RunTag(key, value) for key, value in sorted(entry.tags.items())],
        )
        registry.log_dict(run_id, dict(entry.certificate), "certificate.json")
        reached("a run described")
        _log_model(registry, run_id, entry.bundle, home / "mlflow")
        reached("a model logged")
        number = _register(registry, name, run_id, entry.digest)
        reached("a version registered")
        registry.set_terminated(run_id, "FINISHED")
    return Logged(run_id, name, number)


def registering(home: Path) -> AbstractContextManager[None]:
    """Wait until no other run changes the registry of a home, and hold it."""
    return alone(home / "registry.lock")


def _forget_unfinished(registry: MlflowClient, home: Path, name: str) -> None:
    """Remove the runs that never ended, their artifacts and their versions: who made them was killed, for we are alone."""
    found = registry.search_runs([_experiment(registry, home, name)], "attributes.status = 'RUNNING'")
    versions = registry.search_model_versions(f"name = '{name}'")
    for run in found:
        for made in versions:
            if made.run_id == run.info.run_id:
                registry.delete_model_version(name, made.version)
        remove(home / "mlflow" / name / run.info.run_id)
        registry.delete_run(run.info.run_id)


def _experiment(registry: MlflowClient, home: Path, name: str) -> str:
    found = registry.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(registry.create_experiment(name, artifact_location=(home.resolve() / "mlflow" / name).as_uri()))


def _log_model(registry: MlflowClient, run_id: str, bundle: Path, place: Path) -> None:
    from mlflow import pyfunc

    needed = [f"{package}=={version(package)}" for package in ("lightgbm", "numpy", "pandas")]
    with private_folder(place) as folder:
        beside = folder / "model"
        pyfunc.save_model(beside, loader_module="training.loader", data_path=str(bundle), pip_requirements=needed)
        registry.log_artifacts(run_id, str(beside), "model")


def _register(registry: MlflowClient, name: str, run_id: str, digest: str) -> int:
    if not registry.search_registered_models(filter_string=f"name = '{name}'"):
        registry.create_registered_model(name)
    source = f"{registry.get_run(run_id).info.artifact_uri}/model"
    made = registry.create_model_version(name, source=source, run_id=run_id, tags={"digest": digest})
    return int(made.version)


def runs(home: Path, target: str) -> list[dict[str, str | int | float]]:
    """Return the runs of a target, the latest first: version, what was chosen and tagged, and every metric."""
    name = registered_name(target)
    with client(home) as registry:
        experiment = registry.get_experiment_by_name(name)
        if experiment is None:
            return []
        versions = {v.run_id: int(v.version) for v in registry.search_model_versions(f"name = '{name}'")}
        found = registry.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])
    return [{"run_id": run.info.run_id, "version": versions[run.info.run_id], **run.data.params,
             "source": run.data.tags["source"], "fingerprint": run.data.tags["fingerprint"], **run.data.metrics}
            for run in found if run.info.run_id in versions]


def champion(home: Path, target: str) -> int | None:
    """Return the version that carries the alias champion, None while nobody has promoted any."""
    name = registered_name(target)
    with client(home) as registry:
        found = registry.search_registered_models(filter_string=f"name = '{name}'")
        aliases = found[0].aliases if found else {}
        return int(aliases[CHAMPION]) if CHAMPION in aliases else None


def digest_of_version(home: Path, target: str, number: int) -> str:
    """Return the bundle digest of one registered version; TargetError when there is no such version."""
    name = registered_name(target)
    with client(home) as registry:
        versions = {int(v.version): v for v in registry.search_model_versions(f"name = '{name}'")}
    if number not in versions:
        raise TargetError(f"{name} has no version {number}; it has {', '.join(map(str, sorted(versions))) or 'none'}")
    return str(versions[number].tags["digest"])


def set_champion(home: Path, target: str, number: int) -> None:
    """Give one registered version the alias champion."""
    with client(home) as registry:
        registry.set_registered_model_alias(registered_name(target), CHAMPION, str(number))
