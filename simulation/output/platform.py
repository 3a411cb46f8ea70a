"""A finished city written again in the layout of the national core platform, part by part."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import RequestError
from features.files import replaced, write_text
from features.ingest.scan import files_in, read_parquet
from simulation.ground.setting import Setting
from simulation.output.platform_layout import OWN, PlatformColumn, layout
from simulation.output.platform_units import registration_rows

Progress = Callable[[int, int], None]
Write = Callable[[Path, Setting, Progress], dict[str, int]]
LAYOUTS = ("contract", "core_platform")
Frames = dict[str, pl.DataFrame]
CLOSED_DAY = """# The simulated city's closed day and the days that part training from testing.
complete_to = {complete_to}
"""
SPLIT = """
[target.{name}.split]
train_until = {train_until}
test_from = {test_from}
test_until = {test_until}
"""
TARGETS = ("undeclared_workers", "fraudulent_claim")


def layout_writer(layout_name: str, write_city: Write) -> Write:
    """Return what writes a city in a layout by name: the contract's, or the platform's beside a city of its own."""
    if layout_name not in LAYOUTS:
        raise RequestError(f"layout should be one of {', '.join(LAYOUTS)}; got {layout_name!r}")
    if layout_name == "contract":
        return write_city

    def write(out: Path, setting: Setting, progress: Progress) -> dict[str, int]:
        own = replace(setting, name=f"{setting.name}-city" if setting.name else None)
        done = write_city(out / "city", own, progress)
        made = write_platform(out / "city", out, progress, name=setting.name)
        return {
            "parts_made": done["parts_made"] + made,
            "parts_kept": 2 * sum(done.values()) - done["parts_made"] - made,
        }

    return write


def write_platform(city: Path, out: Path, progress: Progress, *, name: str | None = None) -> int:
    """Write the city in `city` to `out` in the platform's layout and return how many parts were made, not kept.

    The dump is called as the platform's source unless a name is given.
    """
    parts = sorted(
        {path.name for table in city.iterdir() for path in files_in(table, "part-*.parquet")}
    )
    made = 0
    for number, part in enumerate(parts, 1):
        marker, digest = out / "progress" / f"{part}.sha256", _digest(city, part)
        if not marker.exists() or marker.read_text("utf-8") != digest:
            _write_part(city, out, part)
            marker.parent.mkdir(parents=True, exist_ok=True)
            write_text(marker, digest)
            made += 1
        progress(number, len(parts))
    declared = tomllib.loads((city / "source.toml").read_text("utf-8"))
    targets = declared["target"]
    text = (f'name = "{name}"\n' if name else "") + CLOSED_DAY.format(**declared)
    text += "".join(
        SPLIT.format(name=name, **targets[name]["split"]) for name in TARGETS if name in targets
    )
    write_text(out / "dump.toml", text)
    return made


def _digest(city: Path, part: str) -> str:
    """Return the digest of the city's own record of a part's bytes and of this layout."""
    digest = hashlib.sha256(repr(layout()).encode())
    digest.update((city / "progress" / part).with_suffix(".json").read_bytes())
    return digest.hexdigest()


def _write_part(city: Path, out: Path, part: str) -> None:
    for table in OWN:
        if (city / table / part).exists():
            (out / table).mkdir(parents=True, exist_ok=True)
            with replaced(out / table / part) as unfinished:
                shutil.copyfile(city / table / part, unfinished)
    units: Frames = {}
    for name, (origin, columns) in layout().items():
        if origin in ("first_registered", "changes"):
            units = units or _units(city, part)
            rows = units.get(origin)
        else:
            rows = platform_rows(city, part, origin)
        if rows is not None:
            write_platform_rows(rows, columns, out / name / part)


def _units(city: Path, part: str) -> Frames:
    rows = _read(city, "enterprises", part)
    return (
        {}
        if rows is None
        else dict(zip(("first_registered", "changes"), registration_rows(rows), strict=True))
    )


def _read(city: Path, table: str, part: str) -> pl.DataFrame | None:
    path = city / table / part
    return read_parquet(path) if path.exists() else None


def platform_rows(city: Path, part: str, origin: str) -> pl.DataFrame | None:
    """Return the city's rows from which a table of the platform is made, with the columns that only the platform has."""
    medical = pl.col("scheme") == "medical"
    match origin:
        case "settlements" | "other_claims":
            claims = _read(city, "claims", part)
            if claims is None:
                return None
            return (
                claims.filter(~medical)
                if origin == "other_claims"
                else _settlements(claims.filter(medical))
            )
        case "enrolments":
            names = ("worker", "enterprise", "scheme", pl.col("started").dt.strftime("%Y%m%d"))
            return _with(
                _read(city, origin, part),
                relation=pl.concat_str(*names, separator="-"),
                state=pl.when(pl.col("ended").is_null()).then(1).otherwise(3),
            )
        case "contributions":
            return _with(
                _read(city, origin, part), arrived=pl.col("paid_on").is_not_null().cast(pl.Int8)
            )
        case "inspections":
            types = [
                pl.when(pl.col(f"examined_{number}") == 1).then(pl.lit(str(number)))
                for number in range(1, 6)
            ]
            return _with(
                _read(city, origin, part),
                examined=pl.concat_str(types, separator=",", ignore_nulls=True),
            )
        case _:
            return _read(city, origin, part)


def _with(rows: pl.DataFrame | None, **columns: pl.Expr) -> pl.DataFrame | None:
    return None if rows is None else rows.with_columns(**columns)


def _settlements(claims: pl.DataFrame) -> pl.DataFrame:
    """Return settlements: a claim taken back is a reversing row, its amount negative, dated when that became known."""
    back = pl.col("retracted") == 1
    return claims.with_columns(
        settlement=pl.when(back).then(pl.format("R{}", "row_id")).otherwise(pl.col("claim")),
        reversed=pl.when(back).then(pl.col("claim")),
        valid=pl.lit(1),
        filed_on=pl.when(back).then(pl.col("recorded_on")).otherwise(pl.col("filed_on")),
        amount=pl.when(back).then(-pl.col("amount")).otherwise(pl.col("amount")),
    )


def write_platform_rows(
    rows: pl.DataFrame, columns: tuple[PlatformColumn, ...], path: Path
) -> None:
    """Write rows as one part of a table of the platform, with fixed settings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {column.name: platform_array(rows, column) for column in columns}
    with replaced(path) as unfinished:
        pq.write_table(
            pa.table(arrays),
            unfinished,
            compression="zstd",
            compression_level=1,
            row_group_size=500_000,
            store_schema=False,
        )


def platform_array(rows: pl.DataFrame, column: PlatformColumn) -> pa.Array:
    """Return one column of the platform, in its form."""
    if not column.origin:
        return pa.nulls(rows.height, pa.string())
    value = pl.col(column.origin)
    match column.form:
        case "day8" | "end8":
            value = (
                value.dt.year().cast(pl.Int32) * 10_000
                + value.dt.month().cast(pl.Int32) * 100
                + value.dt.day()
            )
            value = value.fill_null(99_991_231) if column.form == "end8" else value
        case "month6":
            value = value.dt.year().cast(pl.Int32) * 100 + value.dt.month()
        case "not":
            value = 1 - value.cast(pl.Int8)
        case "code":
            value = value.cast(pl.String).replace_strict(column.codes, return_dtype=pl.String)
        case "yuan":
            return yuan(rows[column.origin].cast(pl.Int64).to_arrow())
    array = rows.select(value.alias("value"))["value"].to_arrow()
    return (
        array.cast(pa.string())
        if pa.types.is_large_string(array.type) or array.type == pa.string_view()
        else array
    )


def yuan(fen: pa.Array) -> pa.Array:
    """Return integer fen as yuan with two decimals, exactly.

    >>> yuan(pa.array([12345, None, -1])).to_pylist()
    [Decimal('123.45'), None, Decimal('-0.01')]
    """
    whole = fen.cast(pa.decimal128(38, 0))
    return pa.Array.from_buffers(
        pa.decimal128(38, 2), len(whole), whole.buffers(), whole.null_count, whole.offset
    )
