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
from features.files import UNFINISHED, asked_folder, clear_unfinished, write_text
from simulation.begin import begin
from simulation.funds.medical_claims import KINDS
from simulation.funds.providers import provider_rows, providers
from simulation.ground.geography import ground
from simulation.ground.pieces import Piece, Rows, joined_pieces
from simulation.ground.setting import Ints, Setting, day_of_months
from simulation.month import HABIT, Inspectorate, Truth, advance
from simulation.output.parquet import coded, id_array, write_tables, write_truth
from simulation.output.source_toml import source_toml_text

JOURNAL = (
    *("plans", "draws", "claim_plans", "claim_draws", "provider_plans", "provider_draws"),
    *("alerts", "acknowledgements", "overrides", "claim_overrides", "provider_overrides"),
    *("appeals", "corrections", "outcomes", "review_outcomes"),
)
Progress = Callable[[int, int], None]


def write_city(
    out: Path, setting: Setting, progress: Progress, inspectorate: Inspectorate = HABIT
) -> dict[str, int]:
    """Write the city under `out` and return its blocks done now and before; finished parts are not made again.

    The inspectorate chooses the visits of each block and month; employers react to them.
    """
    if out.is_file():
        raise SourceError(f"{out} is a file; a city is written to a folder")
    _same_arguments(out, setting, inspectorate)
    parts = setting.blocks + 1
    parts_made = 0
    for part in range(parts):
        if not _finished(out, part):
            digests = _write_city_part(out, setting, part, inspectorate)
            _mark(out, part, digests)
            parts_made += 1
        progress(part + 1, parts)
    write_declaration(out, setting)
    return {"parts_made": parts_made, "parts_kept": parts - parts_made}


def write_declaration(out: Path, setting: Setting) -> None:
    """Write the source.toml of a city whose tables stand in a folder."""
    write_text(out / "source.toml", source_toml_text(setting, absent=_absent_tables(out)))


def _write_city_part(
    out: Path, setting: Setting, part: int, inspectorate: Inspectorate
) -> dict[str, str]:
    if part == 0:
        return write_ground(out, setting)
    return write_block(out, setting, part - 1, inspectorate)


def _absent_tables(out: Path) -> tuple[str, ...]:
    """Return the contract's tables that the city does not hold; a journal is written later, by its user."""
    expected = [name for name in contract() if name not in JOURNAL]
    return tuple(name for name in expected if not (out / name).is_dir())


def ground_rows(setting: Setting) -> Rows:
    """Return the rows of what belongs to the whole city."""
    return ground(setting) + provider_rows(setting)


def write_ground(out: Path, setting: Setting) -> dict[str, str]:
    """Write part 0: what belongs to the whole city."""
    digests = write_tables(out, 0, ground_rows(setting), until=setting.until)
    style = providers(setting).style
    months, count = style.shape
    month = setting.first + np.repeat(np.arange(months), count)
    deceives = (style > 0).ravel()
    columns = {
        "provider": id_array("provider", np.tile(np.arange(count), months)),
        "month": _month_array(month),
        "deceives": pa.array(deceives.astype(np.int64)),
    }
    return digests | write_truth(out, "providers", 0, columns)


def _month_array(months: Ints) -> pa.Array:
    """Return integer months as the dates of their first days."""
    days = day_of_months(months).astype(np.int32)
    return pa.array(days).cast(pa.date32())


def write_block(
    out: Path, setting: Setting, block: int, inspectorate: Inspectorate
) -> dict[str, str]:
    """Write the part of one block of enterprises and its truth."""
    state, rows = begin(setting, block)
    truths: list[Truth] = []
    for month in range(setting.first, setting.last + 1):
        visits = inspectorate.choose(state, month)
        state, rows_of_month, truth = advance(state, month, visits)
        rows += rows_of_month
        truths.append(truth)
    digests = write_tables(out, block + 1, rows, until=setting.until)
    return digests | write_truths(out, block + 1, truths)


def write_truths(out: Path, part: int, truths: list[Truth]) -> dict[str, str]:
    """Write one part of what is true of enterprises and claims."""
    enterprises = _enterprise_columns([truth.enterprises for truth in truths])
    claims = _claim_columns([truth.claims for truth in truths])
    digests = write_truth(out, "enterprises", part, enterprises)
    return digests | write_truth(out, "claims", part, claims)


def _enterprise_columns(pieces: list[Piece]) -> dict[str, pa.Array]:
    figures = ("uncovered", "staff", "short")
    rows = joined_pieces(pieces, ("enterprise", "month", *figures))
    columns = {
        "enterprise": id_array("enterprise", rows["enterprise"]),
        "month": _month_array(rows["month"]),
    }
    for name in figures:
        columns[name] = pa.array(rows[name].astype(np.int64))
    return columns


def _claim_columns(pieces: list[Piece]) -> dict[str, pa.Array]:
    rows = joined_pieces(pieces, ("claim", "false"))
    kind = rows["false"]
    return {
        "claim": id_array("claim", rows["claim"]),
        "kind": coded(kind, kind < 0, pa.array(KINDS)),
    }


def _marker(out: Path, part: int) -> Path:
    return out / "progress" / f"part-{part:05d}.json"


def _same_arguments(out: Path, setting: Setting, inspectorate: Inspectorate) -> None:
    """Write down which city is written to a folder; SourceError if the folder holds another one or other files."""
    place = out / "progress" / "city.json"
    arguments: dict[str, int | str] = {
        "enterprises": setting.enterprises,
        "months": setting.months,
        "until": setting.until,
        "seed": setting.seed,
    }
    if inspectorate.name != HABIT.name:
        # Cities of habit were written before a city could have another inspectorate.
        arguments["inspectorate"] = inspectorate.name
    if place.exists():
        earlier = json.loads(place.read_text("utf-8"))
        if earlier != arguments:
            raise SourceError(
                f"{out} has a city made with other arguments; choose another folder or remove it"
            )
        return
    clear_unfinished(place.parent)
    if out.exists() and not _only_begun(out, place.parent):
        raise SourceError(f"{out} is not empty and has no city; choose another folder")
    asked_folder(place.parent)
    write_text(place, json.dumps(arguments, allow_nan=False))


def _only_begun(out: Path, progress: Path) -> bool:
    """Tell whether a folder holds nothing, or what a run holds before it has said which city it writes."""
    others = set(out.iterdir()) - {progress}
    if others or not progress.is_dir():
        return not others
    return not any(_finished_file(path) for path in progress.iterdir())


def _finished_file(path: Path) -> bool:
    return UNFINISHED.fullmatch(path.name) is None


def _finished(out: Path, part: int) -> bool:
    """Tell whether a part is written and its files still hold the bytes that were written."""
    marker = _marker(out, part)
    if not marker.exists():
        return False
    digests = json.loads(marker.read_text("utf-8"))
    return all(_holds(out / name, digest) for name, digest in digests.items())


def _holds(path: Path, digest: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _mark(out: Path, part: int, digests: dict[str, str]) -> None:
    text = json.dumps(digests, sort_keys=True, allow_nan=False)
    write_text(_marker(out, part), text)
