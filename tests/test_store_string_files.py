"""Texts laid out flat: every range says what the Parquet file says, whatever row groups it crosses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.seal import seal_file
from features.store.string_files import FlatTexts

TEXTS = ["a1", "", "行号七", "b" * 300, "c", "d2", "e", "", "f\x00g", "h", "z9"]


def written(folder: Path) -> pq.ParquetFile:
    """Return a file of the texts in row groups of four rows."""
    pq.write_table(pa.table({"row_id": TEXTS}), folder / "rows.parquet", row_group_size=4)
    seal_file(folder / "rows.parquet")
    return pq.ParquetFile(folder / "rows.parquet")


def test_every_range_gives_the_texts_of_the_file(tmp_path: Path) -> None:
    texts = FlatTexts(written(tmp_path), tmp_path / "rows.flat", "row_id")
    for start in range(len(TEXTS) + 1):
        for stop in range(start, len(TEXTS) + 1):
            found = texts.between(start, stop)
            assert found.tolist() == TEXTS[start:stop]
            assert found.dtype == np.object_


def test_what_was_laid_out_is_read_again_and_a_row_group_not_asked_for_is_not(
    tmp_path: Path,
) -> None:
    file, folder = written(tmp_path), tmp_path / "rows.flat"
    FlatTexts(file, folder, "row_id").between(4, 6)
    assert sorted(path.name for path in folder.iterdir()) == [
        "row_id.1.texts",
        "row_id.1.texts.seal",
    ]
    letters = (folder / "row_id.1.texts").read_bytes().replace(b"d2", b"D2")
    (folder / "row_id.1.texts").write_bytes(letters)
    seal_file(folder / "row_id.1.texts")
    assert FlatTexts(file, folder, "row_id").between(4, 6).tolist() == ["c", "D2"]
