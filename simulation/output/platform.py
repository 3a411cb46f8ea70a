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
from features.files import asked_folder, replaced, write_text
from features.ingest.scan import files_in, read_parquet
from simulation.ground.setting import Setting
from simulation.output.platform_layout import OWN, PlatformColumn, layout
from simulation.output.platform_units import registration_rows

Progress = Callable[[int, int], None]
Write = Callable[[Path, Setting, Progress], dict[str, int]]
NEVER_ENDED = 99_991_231
"""The day that the platform writes as the end of what has not ended."""
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
REGISTRATION = ("first_registered", "changes")
TARGETS = ("undeclared_workers", "fraudulent_claim")


def layout_writer(layout_name: str, write_city: Write) -> Write:
    """Return what writes a city in a layout by name: the contract's, or the platform's beside a city of its own."""
    if layout_name not in LAYOUTS:
        raise RequestError(f"layout should be one of {', '.join(LAYOUTS)}; got {layout_name!r}")
    if layout_name == "contract":
        return write_city

    def write(out: Path, setting: Setting, progress: Progress) -> dict[str, int]:
        city_name = f"{setting.name}-city" if setting.name else None
        city = write_city(out / "city", replace(setting, name=city_name), progress)
        dump_parts_made = write_platform(out / "city", out, progress, name=setting.name)
        parts_made = city["parts_made"] + dump_parts_made
        # the dump has as many parts as the city
        parts = 2 * sum(city.values())
        return {"parts_made": parts_made, "parts_kept": parts - parts_made}

    return write


def write_platform(city: Path, out: Path, progress: Progress, *, name: str | None = None) -> int:
    """Write the city in `city` to `out` in the platform's layout and return how many parts were made, not kept.

    The dump is called as the platform's source unless a name is given.
    """
    parts = _parts_of(city)
    parts_made = 0
    for number, part in enumerate(parts, 1):
        marker, digest = out / "progress" / f"{part}.sha256", _digest(city, part)
        if not marker.exists() or marker.read_text("utf-8") != digest:
            _write_part(city, out, part)
            asked_folder(marker.parent)
            write_text(marker, digest)
            parts_made += 1
        progress(number, len(parts))
    write_text(out / "dump.toml", _dump_toml(city, name))
    return parts_made


def _parts_of(city: Path) -> list[str]:
    """Return the names of a city's parts in order; a part lies under the same name in each table's folder."""
    names: set[str] = set()
    for table in city.iterdir():
        names.update(path.name for path in files_in(table, "part-*.parquet"))
    return sorted(names)


def _dump_toml(city: Path, name: str | None) -> str:
    """Return the text of dump.toml: its name if it has one, the closed day, and the splits of the city's targets."""
    declared = tomllib.loads((city / "source.toml").read_text("utf-8"))
    targets = declared["target"]
    blocks = [CLOSED_DAY.format(**declared)]
    if name:
        blocks.insert(0, f'name = "{name}"\n')
    for target in TARGETS:
        if target in targets:
            split = targets[target]["split"]
            blocks.append(SPLIT.format(name=target, **split))
    return "".join(blocks)


def _digest(city: Path, part: str) -> str:
    """Return the digest of the city's own record of a part's bytes and of this layout."""
    digest = hashlib.sha256(repr(layout()).encode())
    record = city / "progress" / part
    digest.update(record.with_suffix(".json").read_bytes())
    return digest.hexdigest()


def _write_part(city: Path, out: Path, part: str) -> None:
    for table in OWN:
        _copy_part(city / table / part, out / table / part)
    units: Frames = {}
    for name, (origin, columns) in layout().items():
        if origin in REGISTRATION:
            # both tables are made in one pass over the units
            units = units or _units(city, part)
            rows = units.get(origin)
        else:
            rows = platform_rows(city, part, origin)
        if rows is not None:
            write_platform_rows(rows, columns, out / name / part)


def _copy_part(source: Path, target: Path) -> None:
    if not source.exists():
        return
    asked_folder(target.parent)
    with replaced(target) as unfinished:
        shutil.copyfile(source, unfinished)


def _units(city: Path, part: str) -> Frames:
    rows = _read(city, "enterprises", part)
    if rows is None:
        return {}
    return dict(zip(REGISTRATION, registration_rows(rows), strict=True))


def _read(city: Path, table: str, part: str) -> pl.DataFrame | None:
    path = city / table / part
    return read_parquet(path) if path.exists() else None


def platform_rows(city: Path, part: str, origin: str) -> pl.DataFrame | None:
    """Return the city's rows from which a table of the platform is made, with the columns that only the platform has."""
    table = "claims" if origin in ("settlements", "other_claims") else origin
    rows = _read(city, table, part)
    if rows is None:
        return None
    is_medical = pl.col("scheme") == "medical"
    match origin:
        case "settlements":
            return _settlements(rows.filter(is_medical))
        case "other_claims":
            return rows.filter(~is_medical)
        case "enrolments":
            return _relations(rows)
        case "contributions":
            arrived = pl.col("paid_on").is_not_null()
            return rows.with_columns(arrived=arrived.cast(pl.Int8))
        case "inspections":
            return rows.with_columns(examined=_types_examined())
        case _:
            return rows


def _relations(enrolments: pl.DataFrame) -> pl.DataFrame:
    """Return enrolments with the platform's number of each, and its state: 1 open, 3 ended."""
    started = pl.col("started").dt.strftime("%Y%m%d")
    relation = pl.concat_str("worker", "enterprise", "scheme", started, separator="-")
    is_open = pl.col("ended").is_null()
    state = pl.when(is_open).then(1).otherwise(3)
    return enrolments.with_columns(relation=relation, state=state)


def _types_examined() -> pl.Expr:
    """Return the numbers of the violation types that a visit examined, such as `1,2`."""
    numbers = []
    for number in range(1, 6):
        is_examined = pl.col(f"examined_{number}") == 1
        numbers.append(pl.when(is_examined).then(pl.lit(str(number))))
    return pl.concat_str(numbers, separator=",", ignore_nulls=True)


def _settlements(claims: pl.DataFrame) -> pl.DataFrame:
    """Return settlements: a claim taken back is a reversing row, its amount negative, dated when that became known."""
    is_reversal = pl.when(pl.col("retracted") == 1)
    claim, filed_on, amount = pl.col("claim"), pl.col("filed_on"), pl.col("amount")
    reversal_number = pl.format("R{}", "row_id")
    return claims.with_columns(
        settlement=is_reversal.then(reversal_number).otherwise(claim),
        reversed=is_reversal.then(claim),
        valid=pl.lit(1),
        filed_on=is_reversal.then(pl.col("recorded_on")).otherwise(filed_on),
        amount=is_reversal.then(-amount).otherwise(amount),
    )


def write_platform_rows(
    rows: pl.DataFrame, columns: tuple[PlatformColumn, ...], path: Path
) -> None:
    """Write rows as one part of a table of the platform, with fixed settings."""
    asked_folder(path.parent)
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
    if column.form == "yuan":
        fen = rows[column.origin].cast(pl.Int64)
        return yuan(fen.to_arrow())
    values = rows.select(value=platform_expression(column))["value"]
    array = values.to_arrow()
    # polars writes text in Arrow's newer types, which the frozen parts do not have
    is_text = pa.types.is_large_string(array.type) or array.type == pa.string_view()
    return array.cast(pa.string()) if is_text else array


def platform_expression(column: PlatformColumn) -> pl.Expr:
    """Return what a column's origin is as the platform writes it; every form but yuan, which is exact in Arrow alone."""
    value = pl.col(column.origin)
    match column.form:
        case "day8":
            return _day8(value)
        case "end8":
            return _day8(value).fill_null(NEVER_ENDED)
        case "month6":
            year = value.dt.year().cast(pl.Int32)
            return year * 100 + value.dt.month()
        case "not":
            return 1 - value.cast(pl.Int8)
        case "code":
            words = value.cast(pl.String)
            return words.replace_strict(column.codes, return_dtype=pl.String)
        case _:
            return value


def _day8(day: pl.Expr) -> pl.Expr:
    """Return days as whole numbers YYYYMMDD."""
    year, month = day.dt.year().cast(pl.Int32), day.dt.month().cast(pl.Int32)
    return year * 10_000 + month * 100 + day.dt.day()


def yuan(fen: pa.Array) -> pa.Array:
    """Return integer fen as yuan with two decimals, exactly.

    >>> yuan(pa.array([12345, None, -1])).to_pylist()
    [Decimal('123.45'), None, Decimal('-0.01')]
    """
    whole = fen.cast(pa.decimal128(38, 0))
    # the same digits under a type with two decimals: no division, so nothing is rounded
    two_decimals = pa.decimal128(38, 2)
    buffers = whole.buffers()
    return pa.Array.from_buffers(two_decimals, len(whole), buffers, whole.null_count, whole.offset)
