"""What the enterprise network of one day costs: the whole city's spells, made up here, or a source that is named.

`python -m benchmarks.network [SOURCE AS-OF]`. Cpu seconds (user + system) and the peak of memory, each in a process of
its own; the floor is one query that sums the columns of the spells that the network reads.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.calendar import date_of, day_of
from features.contract.tables import contract
from features.network.enterprises import network
from features.store.opening import open_store
from features.store.store import Store

ENTERPRISES, WORKERS, SPELLS, FOUND = 433_193, 5_900_000, 10_500_000, 30_000
DAY = day_of("2015-06-30")
FLOOR = "SELECT sum(worker), sum(enterprise), sum(started), sum(ended), sum(known), sum(sign) FROM employment"


def nulls(values: np.ndarray, empty: np.ndarray) -> pa.Array:
    """Return integers with empty places."""
    return pa.array(values.astype(np.int32), mask=empty)


def spells_made(rng: np.random.Generator) -> pa.Table:
    """Return spells sorted by worker: of one worker they follow each other after 0 to 60 days, employers as large as life."""
    worker = np.sort(np.append(np.arange(WORKERS), rng.integers(0, WORKERS, SPELLS - WORKERS)))
    first = np.append(True, np.diff(worker) != 0)
    last = np.append(first[1:], True)
    size = rng.pareto(1.1, ENTERPRISES).clip(0.1, 2_000)
    near = rng.integers(-2_000, 2_001, SPELLS)
    home = rng.choice(ENTERPRISES, WORKERS, p=size / size.sum())[worker]
    enterprise = np.where(first | (rng.random(SPELLS) < 0.2), home, (home + near) % ENTERPRISES)
    length = rng.integers(60, 600, SPELLS)
    place = np.cumsum(length) - np.repeat(
        (np.cumsum(length) - length)[first], np.diff(np.append(np.flatnonzero(first), SPELLS))
    )
    begin = DAY - rng.integers(300, 1_100, WORKERS)[worker]
    started = np.minimum(begin + place - length, DAY - 5)
    ended = np.minimum(started + length - rng.integers(0, 60, SPELLS), DAY)
    fields = {name: pa.nulls(SPELLS, pa.int32()) for name in ("kind", "contract_registered")}
    return pa.table(
        {
            "worker": pa.array(worker.astype(np.int32)),
            "enterprise": pa.array(enterprise.astype(np.int32)),
            "started": pa.array(started.astype(np.int32)),
            "ended": nulls(ended, last),
            **fields,
            "row_id": pa.array(np.arange(SPELLS)).cast(pa.string()),
            "known": pa.array(started.astype(np.int32)),
            "sign": pa.array(np.ones(SPELLS, np.int8)),
        }
    )


def register_made(rng: np.random.Generator) -> pa.Table:
    """Return one row of each enterprise; one in five shares a representative, an address or an account with another."""
    code = np.arange(ENTERPRISES, dtype=np.int32)
    registered = (DAY - rng.integers(30, 5_000, ENTERPRISES)).astype(np.int32)
    shared = {
        name: pa.array(np.where(rng.random(ENTERPRISES) < 0.2, code // 3, code).astype(np.int32))
        for name in ("representative", "address", "account")
    }
    closed = nulls(DAY - rng.integers(0, 900, ENTERPRISES), rng.random(ENTERPRISES) > 0.1)
    values = {
        "enterprise": code,
        "since": registered,
        "registered": registered,
        "closed": closed,
        **shared,
    }
    columns = {
        c.name: values.get(c.name, pa.nulls(ENTERPRISES, pa.int32()))
        for c in contract()["enterprises"].columns
    }
    return pa.table(
        {
            **columns,
            "row_id": pa.array(code).cast(pa.string()),
            "known": registered,
            "sign": np.ones(ENTERPRISES, np.int8),
        }
    )


def found_made(rng: np.random.Generator) -> pa.Table:
    """Return findings of visits, a half of them of violation 1."""
    enterprise = np.sort(rng.integers(0, ENTERPRISES, FOUND)).astype(np.int32)
    closed = (DAY - rng.integers(1, 1_000, FOUND)).astype(np.int32)
    return pa.table(
        {
            "enterprise": enterprise,
            "violation": rng.integers(1, 3, FOUND).astype(np.int32),
            "closed_on": closed,
            "row_id": pa.array(np.arange(FOUND)).cast(pa.string()),
            "known": closed,
            "sign": np.ones(FOUND, np.int8),
        }
    )


def write_city(folder: Path) -> None:
    """Write the tables that the network reads, as a load would have left them."""
    rng = np.random.default_rng(1)
    for place in ("base", "dictionaries"):
        (folder / place).mkdir()
    spells = spells_made(rng)
    bare = pa.table({"known": pa.array([], pa.int32())})
    tables = {
        "inspections": bare,
        "findings": bare,
        "employment": spells.sort_by("enterprise"),
        "employment.by_worker": spells,
        "enterprises": register_made(rng),
        "found": found_made(rng),
    }
    for name, table in tables.items():
        pq.write_table(
            table, folder / "base" / f"{name}.parquet", compression="zstd", row_group_size=1 << 17
        )
    for space, size in (("enterprise", ENTERPRISES), ("worker", WORKERS)):
        codes = pa.table(
            {
                "code": np.arange(size, dtype=np.int32),
                "text": [f"{space[0].upper()}{n:07d}" for n in range(size)],
            }
        )
        pq.write_table(codes, folder / "dictionaries" / f"{space}.parquet")
    source = {
        "name": "made",
        "zh": "合成",
        "en": "made up",
        "complete_to": date_of(DAY).isoformat(),
    }
    held = {
        name: {"accepted": 0, "refused": 0}
        for name in ("enterprises", "employment", "inspections", "findings")
    }
    (folder / "store.json").write_text(
        json.dumps(
            {
                "name": "made",
                "fingerprint": "0" * 64,
                "tables": held,
                "joins": ["found"],
                "complete_to": source["complete_to"],
                "source": source,
            }
        ),
        "utf-8",
    )


def measure(folder: Path, day: int) -> dict[str, float]:
    """Return the cpu seconds of each step of the network of a day, and this process's peak of memory in MB."""
    store = Store(folder)
    spent = {}
    began = time.process_time()
    store.rows(
        "employment",
        by="worker",
        low=0,
        high=1,
        columns=("enterprise", "started", "ended", "known", "sign", "worker"),
    )
    spent["laid out once for the store"] = time.process_time() - began
    began = time.process_time()
    network(store, day)
    spent["network"] = time.process_time() - began
    spent["peak MB"] = peak_memory()
    began = time.process_time()
    store.sql(FLOOR)
    spent["floor"] = time.process_time() - began
    return spent


def peak_memory() -> float:
    """Return this program's own peak in MB; the usual counter would begin with that of the process that started it."""
    status = Path("/proc/self/status").read_text("utf-8")
    return (
        next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        / 1024
    )


def main() -> None:
    """Make the load or open the source, measure in a new process, and print seconds, memory and their ratio to the floor."""
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]), int(sys.argv[3]))))
        return
    with tempfile.TemporaryDirectory() as place:
        if len(sys.argv) == 3:
            folder, day = open_store(Path(sys.argv[1])).folder, day_of(sys.argv[2])
        else:
            folder, day = Path(place), DAY
            write_city(folder)
        call = [sys.executable, "-m", "benchmarks.network", "--measure", str(folder), str(day)]
        spent = json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout)
    for name, value in spent.items():
        ratio = "" if name == "peak MB" else f" cpu s, {value / spent['floor']:.1f} x the floor"
        print(f"{name}: {value:.2f}{ratio}")


if __name__ == "__main__":
    main()
