"""The directory is for paper: it is read for sheets alone, and no store, feature or record has a value of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from features.engine.matrices import matrix
from features.errors import SourceError
from features.ingest.directory import directory_of
from features.ingest.scan import files_below
from features.ingest.source import find_source
from features.store.opening import open_store
from tests.rows import firm

ROOT = Path(__file__).parents[1]
PLANTED = "Planted Street 1"
READERS = {
    "features/ingest/fingerprint.py",
    "lssi/commands/planning.py",
    "models/policy/plan_sheet.py",
}
"""The modules that may name it: the command that writes sheets, the sheets, and the fingerprint, which leaves it out."""
CSV = f"enterprise,name,address,telephone\ne1,One,{PLANTED},0532-1\n,nobody,,\ne2,Two,,\n"


@pytest.fixture
def place(hand_source: Callable[..., Path], tmp_path: Path) -> Path:
    return hand_source(tmp_path / "source", {"enterprises": [firm("e1"), firm("e2")]})


def test_a_directory_is_read_by_unit_and_none_is_empty(place: Path) -> None:
    assert directory_of(find_source(place), "enterprise") == {}
    (place / "directory.csv").write_text(CSV, "utf-8")
    directory = directory_of(find_source(place), "enterprise")
    assert directory["e1"] == {"name": "One", "address": PLANTED, "telephone": "0532-1"}
    assert directory.keys() == {"e1", "e2"} and directory["e2"]["address"] == ""
    assert directory_of(find_source(place), "provider") == {}


def test_a_directory_that_names_a_unit_twice_is_refused(place: Path) -> None:
    (place / "directory.csv").write_text(CSV + "e1,Other,,\n", "utf-8")
    with pytest.raises(SourceError, match="twice"):
        directory_of(find_source(place), "enterprise")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("enterprise;name\ne1;One\n", "parted by commas with a column enterprise or provider"),
        ("Enterprise,name\ne1,One\n", "has a column 'Enterprise'; call it 'enterprise'"),
        ("enterprise, name\ne1,One\n", "has a column ' name'; call it 'name'"),
        ("", "its columns are none"),
    ],
)
def test_a_directory_whose_columns_are_not_known_is_refused(
    place: Path, content: str, says: str
) -> None:
    (place / "directory.csv").write_text(content, "utf-8")
    with pytest.raises(SourceError, match=re.escape(says)):
        directory_of(find_source(place), "enterprise")


def test_a_directory_in_parquet_says_numbers_as_the_source_does(place: Path) -> None:
    file = place / "directory.parquet"
    pl.DataFrame({"enterprise": [7], "name": ["Seven"]}).write_parquet(file)
    assert directory_of(find_source(place), "enterprise")["7"]["name"] == "Seven"
    pl.DataFrame({"enterprise": [7.0], "name": ["Seven"]}).write_parquet(file)
    with pytest.raises(SourceError, match="enterprise should be text or a whole number"):
        directory_of(find_source(place), "enterprise")
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        directory_of(find_source(place), "enterprise")


def test_no_store_and_no_feature_has_a_value_of_the_directory(place: Path) -> None:
    before = open_store(place)
    features = matrix(before, "enterprise", before.complete_to)
    (place / "directory.csv").write_text(CSV, "utf-8")
    store = open_store(place)
    assert store.fingerprint == before.fingerprint and "directory" not in store.tables
    again = matrix(store, "enterprise", store.complete_to)
    assert again.names == features.names and again.values.tobytes() == features.values.tobytes()


def test_only_sheets_read_the_directory() -> None:
    rooms = ("features", "models", "training", "serving", "lssi", "simulation")
    below = [path for room in rooms for path in files_below(ROOT / room)]
    modules = [path for path in below if path.suffix == ".py"]
    naming = {
        str(path.relative_to(ROOT))
        for path in modules
        if "features.ingest.directory" in path.read_text("utf-8")
    }
    assert naming == READERS
