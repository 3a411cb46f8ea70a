"""A matrix: what was known about each case on its day, one row a case, one column a feature."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.errors import HistoryError, RequestError
from features.files import replaced
from features.ingest.scan import read_table


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Feature values of cases: `values` is float64 (n, F), NaN where missing; a category holds its position in `categories`."""

    entity: str
    keys: NDArray[np.str_]
    as_of: NDArray[np.int32]
    names: tuple[str, ...]
    values: NDArray[np.float64]
    categories: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        shape = (len(self.keys), len(self.names))
        days = len(self.as_of)
        if self.values.shape != shape or days != len(self.keys):
            raise HistoryError(
                f"a matrix needs values of shape {shape} and as many days as keys; "
                f"got {self.values.shape} and {days} days"
            )
        distinct = set(self.names)
        if len(distinct) != len(self.names) or not set(self.categories) <= distinct:
            raise HistoryError(
                "the columns of a matrix need distinct names, and every category must be a column"
            )

    def __len__(self) -> int:
        return len(self.keys)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one feature's values, float64 (n,)."""
        if name not in self.names:
            raise RequestError(
                f"{name!r} is not a feature of this {self.entity} matrix; see its names"
            )
        return self.values[:, self.names.index(name)]

    def texts(self, name: str) -> list[str | None]:
        """Return a category feature's values as text, None where missing."""
        if name not in self.categories:
            raise RequestError(
                f"{name!r} is not a category of this {self.entity} matrix; see its categories"
            )
        categories = self.categories[name]
        return [None if np.isnan(value) else categories[int(value)] for value in self.column(name)]

    def take(self, indices: Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]) -> Matrix:
        """Return the matrix of the chosen rows (positions or a mask), in the order given."""
        rows = np.asarray(indices)
        if rows.dtype != np.bool_:
            rows = rows.astype(np.int64)
        return Matrix(
            entity=self.entity,
            keys=self.keys[rows],
            as_of=self.as_of[rows],
            names=self.names,
            values=self.values[rows],
            categories=self.categories,
        )

    def columns(self, names: Sequence[str]) -> Matrix:
        """Return the matrix of the named columns, in the order given."""
        places = [self.names.index(name) for name in names]
        values = np.ascontiguousarray(self.values[:, places])
        categories = {name: texts for name, texts in self.categories.items() if name in names}
        return replace(self, names=tuple(names), values=values, categories=categories)

    def row(self, position: int) -> Matrix:
        """Return the matrix of one row."""
        return self.take([position])


def stacked(parts: list[Matrix]) -> Matrix:
    """Return matrices of one store, one below the other."""
    first = parts[0]
    return replace(
        first,
        keys=np.concatenate([part.keys for part in parts]),
        as_of=np.concatenate([part.as_of for part in parts]),
        values=np.concatenate([part.values for part in parts]),
    )


def no_cases(entity: str) -> Matrix:
    """Return a matrix without rows."""
    keys = np.array([], np.str_)
    days = np.array([], np.int32)
    return Matrix(entity, keys, days, (), np.empty((0, 0)), {})


def write_matrix(matrix: Matrix, path: Path) -> None:
    """Write a matrix as Parquet: the entity's id, `as_of` as a date, then features, categories as text; whole or not at all."""
    write_matrices([matrix], path)


def write_matrices(matrices: Iterable[Matrix], path: Path) -> tuple[int, int]:
    """Write matrices with the same columns one below the other, each as it comes; return the rows and features written."""
    with replaced(path) as unfinished:
        return write_matrix_rows(matrices, unfinished)


def write_matrix_rows(matrices: Iterable[Matrix], place: Path) -> tuple[int, int]:
    """Write matrices as `write_matrices` does to a file that is this run's own; return the rows and features written."""
    rows = 0
    features = 0
    with ExitStack() as closing:
        out: pq.ParquetWriter | None = None
        for matrix in matrices:
            table = _table(matrix)
            # The first matrix says which columns the file has.
            if out is None:
                writer = pq.ParquetWriter(place, table.schema, compression="zstd")
                out = closing.enter_context(writer)
            out.write_table(table)
            rows += len(matrix)
            features = len(matrix.names)
    return rows, features


def _table(matrix: Matrix) -> pa.Table:
    key_field = pa.field(matrix.entity, pa.string())
    day_field = pa.field("as_of", pa.date32())
    fields = [key_field, day_field]
    keys = pa.array(matrix.keys.tolist(), pa.string())
    days = pa.array(matrix.as_of.astype(np.int32))
    columns = [keys, days.cast(pa.date32())]
    for name in matrix.names:
        field, column = _written(matrix, name)
        fields.append(field)
        columns.append(column)
    schema = pa.schema(fields, metadata={"entity": matrix.entity})
    return pa.Table.from_arrays(columns, schema=schema)


def _written(matrix: Matrix, name: str) -> tuple[pa.Field, pa.Array]:
    if name not in matrix.categories:
        column = matrix.column(name)
        return pa.field(name, pa.float64()), pa.array(column, mask=np.isnan(column))
    categories = json.dumps(list(matrix.categories[name]), ensure_ascii=False, allow_nan=False)
    field = pa.field(name, pa.string(), metadata={"categories": categories})
    return field, pa.array(matrix.texts(name), pa.string())


def read_matrix(path: Path) -> Matrix:
    """Return the matrix that `write_matrix` wrote, equal to the bit; text columns without a stored list get a sorted one."""
    try:
        table = read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise HistoryError(
            f"{path} is not a readable matrix ({type(error).__name__}); write it again"
        ) from None
    if table.num_columns < 2 or table.column_names[1] != "as_of":
        raise HistoryError(
            f"{path} should begin with the entity's id and as_of; it has {table.column_names[:2]}"
        )
    entity = table.column_names[0]
    names = tuple(table.column_names[2:])
    # By column in memory, since it is filled column by column.
    values = np.empty((table.num_rows, len(names)), order="F")
    categories: dict[str, tuple[str, ...]] = {}
    for position, name in enumerate(names):
        column = table.column(name)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            categories[name] = _known(table.schema.field(name), column)
            values[:, position] = _positions(column.to_pylist(), categories[name])
        else:
            filled = column.cast(pa.float64()).fill_null(np.nan)
            values[:, position] = filled.to_numpy()
    texts = table.column(0).cast(pa.string())
    keys = np.array(texts.to_pylist(), dtype=np.str_)
    days = table.column(1).cast(pa.date32()).cast(pa.int32())
    return Matrix(entity, keys, days.to_numpy(), names, values, categories)


def _known(field: pa.Field, column: pa.ChunkedArray) -> tuple[str, ...]:
    stored = (field.metadata or {}).get(b"categories")
    if stored is not None:
        return tuple(json.loads(stored))
    texts = column.unique().to_pylist()
    return tuple(sorted(text for text in texts if text is not None))


def _positions(texts: list[str | None], categories: tuple[str, ...]) -> list[float]:
    places = {text: float(place) for place, text in enumerate(categories)}
    return [np.nan if text is None else places[text] for text in texts]
