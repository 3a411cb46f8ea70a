"""Debris: what killed runs left anywhere in a home, of this version and of earlier ones; each command clears it as it begins."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from features.files import UNFINISHED, clear_unfinished, remove, remove_unowned

FOLDERS = (
    "stores",
    "journal",
    "bundles",
    "batches",
    "ranks",
    "databases",
    "texts",
    "csv",
    "certify",
    "spill",
    "sources",
    "lottery",
)
"""The folders of a home in which every name is ours; the registry's artifacts are MLflow's."""
NUMBERED = re.compile(r"\.(?:.+\.)?(?:day-)?(?P<pid>\d+)(?:\.spill|\.writing)?")
"""What earlier versions wrote: `.NAME.PID`, `.NAME.PID.spill`, `.day-PID`, `.PID.writing`."""
PEERS = re.compile(r"[a-z]+-\d+-[0-9a-f]{16}\.(?P<pid>\d+)")
NAMELESS = re.compile(r"\.(?:writing|claims)-[a-z0-9_]{8}|\.spill")
WORKPLACE = re.compile(r"[0-9a-f]{12}")
"""Where earlier versions certified: a folder of a fixed name, so that one killed run stopped all later ones."""

EXCERPT = re.compile(r"(?P<source>.+)-excerpt-(?P<digest>[0-9a-f]{12})(?:\.json|\.lock)?")
RAW = re.compile(r"(?P<source>.+)-raw-[0-9a-f]{12}")


def clear_home(home: Path) -> None:
    """Remove from a home what no living process owns: unfinished files and folders, and those of earlier versions."""
    clear_unfinished(home)
    clear_unfinished(home / "mlflow")
    for path in _stores_of_certificates(home):
        remove(path)
    for name in FOLDERS:
        for path in _hidden_or_old(home / name):
            if UNFINISHED.fullmatch(path.name):
                remove_unowned(path)
            elif _is_old(path):
                remove(path)


def _stores_of_certificates(home: Path) -> Iterator[Path]:
    """Yield the stores and pointers that killed certificates of earlier versions left beside those of sources."""
    places = [path for path in _folders(home / "certify") if WORKPLACE.fullmatch(path.name)]
    if not places:
        return
    pointers = {_digest(f"{place}\0") for place in places}
    for path in _entries(home / "stores" / "live"):
        pointer = EXCERPT.match(path.name)
        if pointer and pointer["digest"] in pointers:
            yield path
    workplaces = {place.name for place in places}
    for store in _folders(home / "stores"):
        raw = RAW.fullmatch(store.name)
        if raw and _digest(f"{raw['source']} raw") in workplaces:
            yield store
        if EXCERPT.fullmatch(store.name) and _any_declared(places):
            yield store


def _any_declared(places: Iterable[Path]) -> bool:
    return any((place / "declared.json").exists() for place in places)


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode())
    return digest.hexdigest()[:12]


def _entries(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return [Path(entry.path) for entry in os.scandir(place)]


def _folders(place: Path) -> list[Path]:
    return [path for path in _entries(place) if path.is_dir()]


def _hidden_or_old(place: Path) -> Iterator[Path]:
    """Yield what may be debris in a folder and below it; what lies within debris goes with it."""
    for folder, folders, files in os.walk(place):
        names = [
            name for name in (*folders, *files) if name.startswith(".") or PEERS.fullmatch(name)
        ]
        if place.name == "certify" and folder == str(place):
            names += folders
        for name in dict.fromkeys(names):
            yield Path(folder, name)
        # `os.walk` goes on in the folders that are left here.
        folders[:] = [name for name in folders if name not in names]


def _is_old(path: Path) -> bool:
    """Tell whether an earlier version wrote this and no process that may have written it lives."""
    if NAMELESS.fullmatch(path.name):
        return True
    if path.parent.name == "certify" and WORKPLACE.fullmatch(path.name):
        return True
    numbered = NUMBERED.fullmatch(path.name) or PEERS.fullmatch(path.name)
    if numbered is None:
        return False
    return not _may_be_its(int(numbered["pid"]), path)


def _may_be_its(pid: int, path: Path) -> bool:
    """Tell whether the process of a number lives and had begun when a file was written; a number comes again."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    begun = _begun(pid)
    try:
        return begun is None or path.lstat().st_mtime >= begun
    except FileNotFoundError:
        return False


def _begun(pid: int) -> float | None:
    """Return when a process began, in seconds since 1970, to the second before; None where the system does not say."""
    try:
        process = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        # The name of the program, which may hold anything, stands in brackets before the numbers.
        _, _, numbers = process.rpartition(")")
        ticks = int(numbers.split()[19])
        lines = Path("/proc/stat").read_text("utf-8").splitlines()
        booted = next(line for line in lines if line.startswith("btime"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    seconds = ticks / os.sysconf("SC_CLK_TCK")
    return int(booted.split()[1]) + seconds - 1
