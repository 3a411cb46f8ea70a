"""The parts of a home whose form changed between versions: which files are of an earlier form, and how they are renewed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.ingest.scan import files_in
from features.store.current import brought_up, files_with_floats
from features.store.layout import MARK, summary_at
from models.bundle.champions import move_old_pointers, old_pointers, pointer_files
from models.bundle.generation import current_generation, generation_file

FileChanges = Mapping[Path, str]
"""By file what becomes of it. A file that does not exist yet would be made."""
MADE = "made"


@dataclass(frozen=True, slots=True)
class HomePart:
    """A part of a home: what is changed of one of an earlier form, which files that concerns, and the change.

    A change that was stopped is carried on by the next one, and one of a part of today's form changes nothing.
    """

    name: str
    zh: str
    en: str
    changes: Callable[[Path], FileChanges]
    renew: Callable[[Path], None]


def _pointer_changes(home: Path) -> FileChanges:
    changes = {}
    for path, key in old_pointers(home / "bundles").items():
        changes[path] = f"-> {key.file}"
        changes[path.with_name(key.file)] = MADE
    return changes


def _renew_pointers(home: Path) -> None:
    move_old_pointers(home / "bundles")


def _registry_changes(home: Path) -> FileChanges:
    from training.models.registry import names_of_before

    names = names_of_before(home)
    return {home / "mlflow.db": ", ".join(names)} if names else {}


def _renew_registry(home: Path) -> None:
    from training.models.registry import client

    with client(home):  # who opens the registry moves the names
        return


def _key_changes(home: Path) -> FileChanges:
    from serving.gate.key_register import VERSION, read

    path = home / "keys.json"
    form = read(path).version
    if not path.exists() or form == VERSION:
        return {}
    return {path: f"{form} -> {VERSION}"}


def _renew_keys(home: Path) -> None:
    from serving.gate.keys import renew_register

    renew_register(home / "keys.json")


def _live_stores(home: Path) -> dict[Path, dict[str, Any]]:
    """Return the stores that are fed by days, each with its summary."""
    stores = home / "stores"
    pointers = files_in(stores / "live", "*.json")
    folders = {stores / _store_named(path) for path in pointers}
    return {folder: summary_at(folder) for folder in sorted(folders)}


def _store_named(pointer: Path) -> str:
    from features.home_form import note_of

    return str(note_of(pointer)["store"])


def _store_changes(home: Path) -> FileChanges:
    changes: dict[Path, str] = {}
    for folder, summary in _live_stores(home).items():
        floats = files_with_floats(folder, summary)
        changes |= {path: ", ".join(names) for path, names in floats.items()}
        if floats:
            changes[folder / MARK] = MADE
    return changes


def _renew_stores(home: Path) -> None:
    for folder, summary in _live_stores(home).items():
        if files_with_floats(folder, summary):
            brought_up(folder, summary)


def _sources(home: Path) -> set[str]:
    """Return the sources whose models in use are named by pointers of before."""
    bundles = home / "bundles"
    pointers = [path.name.split(".") for path in files_in(bundles, "*.*.json")]
    named = {parts[0] for parts in pointers}
    return named | {key.source for key in old_pointers(bundles).values()}


def _generation_changes(home: Path) -> FileChanges:
    changes: dict[Path, str] = {}
    for source in sorted(_sources(home)):
        path = generation_file(home / "bundles", source)
        changes |= dict.fromkeys(pointer_files(home / "bundles", source), f"-> {path.name}")
        if not path.exists():
            changes[path] = MADE
    return changes


def _renew_generations(home: Path) -> None:
    for source in sorted(_sources(home)):
        current_generation(home / "bundles", source)


HOME_PARTS = (
    HomePart(
        "pointers",
        "在用模型按来源和目标命名",
        "models in use are named by source and target",
        _pointer_changes,
        _renew_pointers,
    ),
    HomePart(
        "registry",
        "登记的模型按来源和目标命名",
        "registered models are named by source and target",
        _registry_changes,
        _renew_registry,
    ),
    HomePart(
        "keys",
        "密钥登记表改为现行格式",
        "the register of keys has today's form",
        _key_changes,
        _renew_keys,
    ),
    HomePart(
        "stores",
        "按日装载的库：概率存为整数百万分数",
        "stores that are fed by days hold probabilities in whole millionths",
        _store_changes,
        _renew_stores,
    ),
    HomePart(
        "generations",
        "在用之物有了编号",
        "what is in use has a number",
        _generation_changes,
        _renew_generations,
    ),
)
"""In the order in which they are renewed: what is in use is numbered once its names are today's."""
