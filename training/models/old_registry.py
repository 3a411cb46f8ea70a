"""Registered models of before, named by target alone, and their move to the names of source and target."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import TargetError
from features.files import exclusive_lock, reached
from models.bundle.champions import ModelKey

if TYPE_CHECKING:
    from mlflow import MlflowClient

_OLD = re.compile(r"lssi-([a-z][a-z0-9_]*)")
log = logging.getLogger("lssi")


def registered_models(registry: MlflowClient) -> Iterator[Any]:
    """Yield every registered model."""
    page = registry.search_registered_models()
    yield from page
    while page.token:
        page = registry.search_registered_models(page_token=page.token)
        yield from page


def versions_of(registry: MlflowClient, name: str) -> list[Any]:
    """Return the versions of a registered model by number."""
    condition = f"name = '{name}'"
    page = registry.search_model_versions(condition)
    versions = list(page)
    while page.token:
        page = registry.search_model_versions(condition, page_token=page.token)
        versions += page
    return sorted(versions, key=lambda version: int(version.version))


def move_old_models(registry: MlflowClient, lock: Path) -> None:
    """Register the versions of old names under the names of their sources, and log what was done in one line.

    Numbers, tags, descriptions and aliases are kept; a version whose run names no source stays where it is. A move that
    was killed is carried on: what was copied is known by its run, and an old name goes only when all its versions are copied.
    """
    if not any(_OLD.fullmatch(model.name) for model in registered_models(registry)):
        return
    with exclusive_lock(lock):
        old = [model for model in registered_models(registry) if _OLD.fullmatch(model.name)]
        moves: list[str] = []
        for model in old:
            moves += _moved(registry, model)
    if moves:
        log.warning("registered models are now named by source and target: %s", "; ".join(moves))


def old_names(registry: MlflowClient) -> list[str]:
    """Return the names without a source of which a version could be moved, sorted."""
    names = []
    for model in registered_models(registry):
        if _OLD.fullmatch(model.name):
            versions = versions_of(registry, model.name)
            if any(_source_of(registry, version.run_id) for version in versions):
                names.append(model.name)
    return sorted(names)


def _moved(registry: MlflowClient, old: Any) -> list[str]:
    """Move one old model and return where its versions are, empty where none could be moved."""
    copies: dict[str, tuple[str, str]] = {}
    versions = versions_of(registry, old.name)
    for version in versions:
        source = _source_of(registry, version.run_id)
        if source is not None:
            name = ModelKey(source, old.name.removeprefix("lssi-")).registered
            copies[str(version.version)] = name, _copied(registry, version, name)
            reached("a version copied to its new name")
    for alias, number in old.aliases.items():
        if str(number) in copies:
            name, copy = copies[str(number)]
            registry.set_registered_model_alias(name, alias, copy)
    reached("the aliases copied to their new names")
    stays = [version for version in versions if str(version.version) not in copies]
    _remove(registry, old.name, sorted(copies, key=int), whole=not stays)
    lines = []
    for number, (name, copy) in copies.items():
        lines.append(f"version {number} of {old.name} is {copy} of {name}")
    if not lines:
        return []
    reason = "its run has no tag `source`"
    return lines + [f"version {each.version} of {old.name} stays: {reason}" for each in stays]


def _remove(registry: MlflowClient, name: str, numbers: list[str], *, whole: bool) -> None:
    """Remove versions of an old name that have copies; the name too where none stays."""
    if whole:
        registry.delete_registered_model(name)
        return
    for number in numbers:
        registry.delete_model_version(name, number)
        reached("an old version removed")


def _source_of(registry: MlflowClient, run_id: str) -> str | None:
    """Return the source that a run names; None where the run is gone or names none that a source can have."""
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException, TargetError):
        source = registry.get_run(run_id).data.tags.get("source")
        if source is not None:
            return ModelKey(source, "any").source
    return None


def _copied(registry: MlflowClient, made: Any, name: str) -> str:
    """Return the number of a version under a new name: its own where that is free, else the next.

    MLflow counts on from the last version, removed ones too; so copies with lower numbers are made and removed first.
    """
    if not registry.search_registered_models(filter_string=f"name = '{name}'"):
        registry.create_registered_model(name)
    copies = [copy for copy in versions_of(registry, name) if copy.run_id == made.run_id]
    while True:
        for copy in copies:
            if int(copy.version) >= int(made.version):
                return str(copy.version)
            registry.delete_model_version(name, copy.version)
        copies = [
            registry.create_model_version(
                name,
                source=made.source,
                run_id=made.run_id,
                tags=dict(made.tags),
                description=made.description or None,
            )
        ]
