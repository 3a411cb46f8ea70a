"""Ten windowed sums of some enterprises as of a day, known by then: our evaluator, pandas and featuretools beside each other.

The peers get the rows of these enterprises in memory; ours reads them from the store, from 2,000 enterprises on out of panels
that its first use has laid out. All values must agree. Processor
seconds, medians of 5 (featuretools 3) after a first use: `python -m benchmarks peers`, BENCH_CITY and BENCH_ENTERPRISES as in
`features.py`, BENCH_UNITS enterprises (500).

featuretools 1.31 knows one time of a row: what is known is chosen before it sees the rows, its windows follow the day on which
things happened, and a month stands on its 15th. With our pins it does not run as it stands: it rests on woodwork 0.31, which
keeps a frame's types in the accessor `frame.ww`, and pandas 3 makes a new accessor at every look (`WoodworkNotInitError:
Woodwork not initialized for this DataFrame`). `Kept` below keeps the accessor on the frame, as pandas 2 did; nothing else is
changed. Its warnings of what pandas 4 will take away are not shown.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.features import DAY, city_of, spent
from features.aggregates.reader import atom_values
from features.calendar import month_of_day
from features.catalogue.language import Atom
from features.engine.engine import engine_of
from features.engine.population import living
from features.store.opening import open_store
from features.store.store import Store

ROUNDS, FEWER = 5, 3
SUMS = (
    ("due", "3m"),
    ("due", "12m"),
    ("paid", "3m"),
    ("paid", "12m"),
    ("pension_base", "12m"),
    ("payroll", "3m"),
    ("payroll", "12m"),
    ("declared", "12m"),
    ("complaints", "90d"),
    ("complaints", "365d"),
)
ATOMS = [Atom("sum", measure, window) for measure, window in SUMS]
TABLES = {
    "contributions": ("month", ("due", "paid", "pension_base")),
    "tax_payroll": ("month", ("payroll", "declared")),
    "complaints": ("lodged", ("complaints",)),
}
READ = {
    "contributions": (
        "scheme",
        "kind",
        "due_unit",
        "due_person",
        "paid_unit",
        "paid_person",
        "base",
    ),
    "tax_payroll": ("payroll", "employees"),
    "complaints": (),
}
Frames = Mapping[str, pd.DataFrame]
Values = NDArray[np.float64]


class Kept:
    """An accessor that is made once a frame and then kept on it, as pandas 2 did."""

    def __init__(self, name: str, made: Any) -> None:
        self._name, self._made = name, made

    def __get__(self, holder: Any, _owner: Any = None) -> Any:
        if holder is None:
            return self._made
        found = self._made(holder)
        object.__setattr__(holder, self._name, found)
        return found


def rows_of(store: Store, units: NDArray[np.int64]) -> dict[str, dict[str, NDArray[Any]]]:
    """Return the signed rows of some enterprises by table, as arrays."""
    found = {}
    for table, (when, _) in TABLES.items():
        rows = store.all_rows(table, ("enterprise", when, "known", "sign", *READ[table]))
        chosen = np.isin(rows["enterprise"], units)
        found[table] = {name: column[chosen] for name, column in rows.items()}
    return found


def frames_of(store: Store, rows: Mapping[str, Mapping[str, NDArray[Any]]]) -> Frames:
    """Return what is known on the day, with the signed value of each measure in a column of its own."""
    scheme, kind = (store.column("contributions", name).choices for name in ("scheme", "kind"))
    frames = {}
    for table in TABLES:
        frame = pd.DataFrame(rows[table])
        frames[table] = frame[frame["known"] <= DAY]
    paid, taxed, told = (frames[table] for table in TABLES)
    owed = paid["sign"] * (paid["kind"] != kind.index("refund"))
    pension = paid["sign"] * (
        (paid["scheme"] == scheme.index("pension")) & (paid["kind"] == kind.index("normal"))
    )
    return {
        "contributions": paid.assign(
            due=owed * (paid["due_unit"] + paid["due_person"]),
            pension_base=pension * paid["base"],
            paid=owed * (paid["paid_unit"] + paid["paid_person"]),
        ),
        "tax_payroll": taxed.assign(
            payroll=taxed["sign"] * taxed["payroll"], declared=taxed["sign"] * taxed["employees"]
        ),
        "complaints": told.assign(complaints=told["sign"]),
    }


def inside(frame: pd.DataFrame, when: str, window: str) -> pd.DataFrame:
    """Return the rows of a window before the day."""
    now, width = month_of_day(DAY) if when == "month" else DAY, int(window[:-1])
    return frame[(frame[when] > now - width) & (frame[when] <= now)]


def with_pandas(
    store: Store, units: NDArray[np.int64], rows: Mapping[str, Mapping[str, NDArray[Any]]]
) -> Values:
    """Return the ten sums with pandas, (units, 10)."""
    frames, columns = frames_of(store, rows), {}
    for table, (when, measures) in TABLES.items():
        for window in dict.fromkeys(window for measure, window in SUMS if measure in measures):
            asked = [measure for measure in measures if (measure, window) in SUMS]
            sums = (
                inside(frames[table], when, window)
                .groupby("enterprise")[asked]
                .sum()
                .reindex(units, fill_value=0)
            )
            columns |= {(measure, window): sums[measure].to_numpy(np.float64) for measure in asked}
    return np.column_stack([columns[each] for each in SUMS])


def with_featuretools(
    store: Store, units: NDArray[np.int64], rows: Mapping[str, Mapping[str, NDArray[Any]]]
) -> Values:
    """Return the ten sums with featuretools, each enterprise with its cut-off time, (units, 10)."""
    import featuretools as ft

    whole = ft.EntitySet("city").add_dataframe(
        dataframe_name="enterprises",
        dataframe=pd.DataFrame({"enterprise": units}),
        index="enterprise",
    )
    for table, frame in frames_of(store, rows).items():
        when, measures = TABLES[table]
        here = frame[["enterprise", *measures]].assign(
            row=np.arange(len(frame)), at=dated(frame[when], when)
        )
        whole = whole.add_dataframe(
            dataframe_name=table, dataframe=here, index="row", time_index="at"
        )
        whole = whole.add_relationship("enterprises", "enterprise", table, "enterprise")
    cut = pd.DataFrame({"enterprise": units, "time": pd.Timestamp(DAY, unit="D")})
    columns: dict[tuple[str, str], Values] = {}
    for window in dict.fromkeys(window for _, window in SUMS):
        asked = [
            (table, measure)
            for table, (_, measures) in TABLES.items()
            for measure in measures
            if (measure, window) in SUMS
        ]
        columns_of = [ft.Feature(whole[table].ww[measure]) for table, measure in asked]
        features = [
            ft.Feature(column, parent_dataframe_name="enterprises", primitive=ft.primitives.Sum)
            for column in columns_of
        ]
        length = f"{window[:-1]} months" if window.endswith("m") else f"{window[:-1]} days"
        found = ft.calculate_feature_matrix(
            features, whole, cutoff_time=cut, training_window=length
        ).loc[units]
        for place, (_, measure) in enumerate(asked):
            columns[measure, window] = found.iloc[:, place].fillna(0).to_numpy(np.float64)
    return np.column_stack([columns[each] for each in SUMS])


def dated(when: pd.Series, unit: str) -> pd.Series:
    """Return days as times, a month as its 15th day."""
    if unit != "month":
        return pd.to_datetime(when.to_numpy(), unit="D")
    return pd.to_datetime({"year": when // 12, "month": when % 12 + 1, "day": 15}).to_numpy()


def main() -> None:
    """Print what each takes, and how far the values lie apart."""
    for holder in (pd.DataFrame, pd.Series):
        __import__("woodwork")
        holder.ww = Kept("ww", holder.ww)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("LSSI_HOME", scratch)
        store = open_store(city_of(Path(scratch)))
        engine = engine_of(store)
        cases = living(engine, "enterprise", DAY)
        cases = cases.take(np.arange(min(int(os.environ.get("BENCH_UNITS", "500")), len(cases))))
        rows = rows_of(store, cases.code)
        print(
            f"{len(cases)} enterprises, {sum(len(part['sign']) for part in rows.values()):,} rows, {len(SUMS)} sums"
        )

        def ours() -> Values:
            found = atom_values(engine, cases, ATOMS)
            return np.column_stack([found[atom] for atom in ATOMS])

        expected, took = ours(), statistics.median(spent(ours) for _ in range(ROUNDS))
        print(f"ours: {took:.4f} cpu s")
        for name, peer, rounds in (
            ("pandas", with_pandas, ROUNDS),
            ("featuretools", with_featuretools, FEWER),
        ):
            apart = np.abs(peer(store, cases.code, rows) - expected).max()
            spent_by = statistics.median(
                spent(lambda peer=peer: peer(store, cases.code, rows)) for _ in range(rounds)
            )  # type: ignore[misc]
            print(
                f"{name}: {spent_by:.4f} cpu s = {spent_by / took:.1f} times ours; largest difference of a value {apart:g}"
            )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
