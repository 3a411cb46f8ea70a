"""A city written to a folder, block by block, with progress, and resumed where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.contract.tables import contract
from features.errors import SourceError
from features.files import UNFINISHED, clear_unfinished, write_text
from simulation.begin import begin
from simulation.funds.medical_claims import KINDS
from simulation.funds.providers import provider_rows, providers
from simulation.ground.geography import ground
from simulation.ground.pieces import joined_pieces
from simulation.ground.setting import Setting, day_of_months
from simulation.month import Truth, advance, choose
from simulation.output.parquet import coded, id_array, write_tables, write_truth
from simulation.output.source_toml import source_toml_text

JOURNAL = ("plans", "draws", "alerts", "acknowledgements", "overrides", "appeals", "outcomes")
Progress = Callable[[int, int], None]


def write_city(out: Path, setting: Setting, progress: Progress) -> dict[str, int]:
    """Write the city under `out` and return its blocks done now and before; finished parts are not made again."""
    if out.is_file():
        raise SourceError(f"{out} is a file; a city is written to a folder")
    _same_arguments(out, setting)
    made = 0
    for part in range(setting.blocks + 1):
        if not _finished(out, part):
            digests = (
                write_ground(out, setting) if part == 0 else write_block(out, setting, part - 1)
            )
            _mark(out, part, digests)
            made += 1
        progress(part + 1, setting.blocks + 1)
    held = {path.name for path in out.iterdir() if path.is_dir()}
    absent = tuple(name for name in contract() if name not in held and name not in JOURNAL)
    write_text(out / "source.toml", source_toml_text(setting, absent=absent))
    return {"parts_made": made, "parts_kept": setting.blocks + 1 - made}


def write_ground(out: Path, setting: Setting) -> dict[str, str]:
    """Write part 0: what belongs to the whole city."""
    digests = write_tables(out, 0, ground(setting) + provider_rows(setting), until=setting.until)
    style = providers(setting).style
    number, month = (
        np.tile(np.arange(style.shape[1]), len(style)),
        np.repeat(np.arange(len(style)), style.shape[1]),
    )
    return digests | write_truth(
        out,
        "providers",
        0,
        {
            "provider": id_array("provider", number),
            "month": pa.array(day_of_months(month + setting.first).astype(np.int32)).cast(
                pa.date32()
            ),
            "deceives": pa.array((style > 0).ravel().astype(np.int64)),
        },
    )


def write_block(out: Path, setting: Setting, block: int) -> dict[str, str]:
    """Write the part of one block of enterprises and its truth."""
    state, rows = begin(setting, block)
    truths: list[Truth] = []
    for month in range(setting.first, setting.last + 1):
        state, more, truth = advance(state, month, choose(state, month))
        rows += more
        truths.append(truth)
    digests = write_tables(out, block + 1, rows, until=setting.until)
    return digests | write_truths(out, block + 1, truths)


def write_truths(out: Path, part: int, truths: list[Truth]) -> dict[str, str]:
    """Write one part of what is true of enterprises and claims."""
    true = joined_pieces(
        (truth.enterprises for truth in truths),
        ("enterprise", "month", "uncovered", "staff", "short"),
    )
    false = joined_pieces((truth.claims for truth in truths), ("claim", "false"))
    return write_truth(
        out,
        "enterprises",
        part,
        {
            "enterprise": id_array("enterprise", true["enterprise"]),
            "month": pa.array(day_of_months(true["month"]).astype(np.int32)).cast(pa.date32()),
            **{
                name: pa.array(true[name].astype(np.int64))
                for name in ("uncovered", "staff", "short")
            },
        },
    ) | write_truth(
        out,
        "claims",
        part,
        {
            "claim": id_array("claim", false["claim"]),
            "kind": coded(false["false"], false["false"] < 0, pa.array(KINDS)),
        },
    )


def _marker(out: Path, part: int) -> Path:
    return out / "progress" / f"part-{part:05d}.json"


def _same_arguments(out: Path, setting: Setting) -> None:
    place = out / "progress" / "city.json"
    now = {
        "enterprises": setting.enterprises,
        "months": setting.months,
        "until": setting.until,
        "seed": setting.seed,
    }
    if place.exists():
        if json.loads(place.read_text("utf-8")) != now:
            raise SourceError(
                f"{out} holds a city of other arguments; choose another folder or remove it"
            )
        return
    clear_unfinished(place.parent)
    if out.exists() and not _only_begun(out, place.parent):
        raise SourceError(f"{out} is not empty and holds no city; choose another folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    write_text(place, json.dumps(now, allow_nan=False))


def _only_begun(out: Path, progress: Path) -> bool:
    """Tell whether a folder holds nothing, or what a run holds before it has said which city it writes."""
    return set(out.iterdir()) <= {progress} and not (
        progress.is_dir() and any(map(_finished_file, progress.iterdir()))
    )


def _finished_file(path: Path) -> bool:
    return UNFINISHED.fullmatch(path.name) is None


def _finished(out: Path, part: int) -> bool:
    if not _marker(out, part).exists():
        return False
    digests = json.loads(_marker(out, part).read_text("utf-8"))
    return all(
        (out / name).exists() and hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
        for name, digest in digests.items()
    )


def _mark(out: Path, part: int, digests: dict[str, str]) -> None:
    write_text(_marker(out, part), json.dumps(digests, sort_keys=True, allow_nan=False))
