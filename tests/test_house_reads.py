"""One room reads files: no folder of the house calls an engine's reader or expands a pattern by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.ingest.scan import files_below

ROOT = Path(__file__).parents[1]
ROOMS = (
    "lssi",
    "features",
    "models",
    "training",
    "serving",
    "simulation",
    "sources",
    "notebooks",
    "benchmarks",
    "docs",
    "tests",
)
THE_READER = "features/ingest/scan.py"

READERS = re.compile(
    r"(read|scan|open)_(csv|parquet|table|json|ndjson|ipc|orc|feather|text|blob)(_\w+)?|"
    r"(csv|parquet|json)_scan|from_(csv_auto|parquet)|ParquetDataset|i?glob|rglob"
)
"""Names of functions that take a path and guess a dialect, a partition or a list of files."""
FRAMEWORK = frozenset({"csv", "parquet", "json", "orc", "text", "load"})
"""What follows `.read` where Spark reads files."""
SQL_READERS = re.compile(
    r"\b(read_(csv|parquet|json|ndjson|text|blob)\w*|(csv|parquet|json)_scan|sniff_csv|glob)\s*\("
    r"|\bFROM\s+'[^']*[.](csv|tsv|parquet|json)\b",
    re.IGNORECASE,
)
SQL_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)

ON_PURPOSE = {
    "features/ingest/bare_reads.py": "asks the engine what it would guess, so that `lssi check` can tell it",
    "features/sql/spark.py": "a session reads the files that the reader names for it",
    "tests/test_ingest_typed_sql.py": "views that read outside their folder are refused",
    "tests/test_ingest_macros.py": "what a bare read guesses is told",
    "tests/test_ingest_views.py": "what a bare read of a place gives is refused",
    "tests/test_certificate_spark_equivalence.py": "an engine in Spark's place is given the files that the reader names",
    "tests/test_lssi_bad_input.py": "a view that reads another file of the machine is refused",
    "tests/test_features_connection.py": "the walls of the engine hold against bare reads",
    "tests/test_house_reads.py": "the planted reads below",
}
"""Where a user's bare read is the input, or what is told."""


def bare_reads(path: Path) -> list[str]:
    """Return what a file of Python or SQL reads without the reader, as `line: name`."""
    text = path.read_text("utf-8")
    return sorted(in_python(text) if path.suffix == ".py" else in_sql(text))


def in_sql(text: str) -> Iterator[str]:
    """Yield the bare reads of SQL; comments are left aside."""
    code = SQL_COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)
    for found in SQL_READERS.finditer(code):
        yield f"{code.count(chr(10), 0, found.start()) + 1}: {found[0]}"


def in_python(text: str) -> Iterator[str]:
    """Yield the bare reads of Python: calls, and SQL in its texts."""
    tree = ast.parse(text)
    ours = imported_from_the_reader(tree)
    spoken = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and is_reader(node, ours):
            yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.ImportFrom) and node.module != "features.ingest.scan":
            yield from (
                f"{node.lineno}: {name.name}" for name in node.names if READERS.fullmatch(name.name)
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in spoken
        ):
            yield from (f"{node.lineno}: {found[0]}" for found in SQL_READERS.finditer(node.value))


def is_reader(node: ast.Attribute | ast.Name, ours: set[str]) -> bool:
    """Say whether an expression names a reader of files that is not the house's own."""
    if isinstance(node, ast.Name):
        return bool(READERS.fullmatch(node.id)) and node.id not in ours
    if node.attr == "read_text" or node.attr in FRAMEWORK:
        # Path.read_text reads one file as it is; Spark's reader is `spark.read.text`, options between them or not
        return node.attr in FRAMEWORK and bool(re.search(r"[.]read\b", ast.unparse(node.value)))
    return bool(READERS.fullmatch(node.attr))


def imported_from_the_reader(tree: ast.Module) -> set[str]:
    """Return the names that a module takes from the reader."""
    taken = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "features.ingest.scan"
    ]
    return {name.asname or name.name for node in taken for name in node.names}


def docstrings(tree: ast.Module) -> set[int]:
    """Return the identities of the texts that stand alone as statements, which no engine sees."""
    alone = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    return {id(node) for node in alone}


def files_of_the_house() -> list[Path]:
    """Return every file of Python and SQL of the project."""
    rooms = [ROOT / room for room in ROOMS if (ROOT / room).is_dir()]
    below = [path for room in rooms for path in files_below(room) if path.suffix in {".py", ".sql"}]
    return sorted(below + [path for path in ROOT.iterdir() if path.suffix == ".py"])


def test_only_the_reader_reads() -> None:
    places = {path: path.relative_to(ROOT).as_posix() for path in files_of_the_house()}
    looked_at = [
        path for path, place in places.items() if place != THE_READER and place not in ON_PURPOSE
    ]
    assert len(looked_at) > 250
    assert {places[path]: reads for path in looked_at if (reads := bare_reads(path))} == {}


def test_examples_of_the_documents_read_through_the_macros() -> None:
    documents = [
        ROOT / "README.md",
        *files_below(ROOT / "docs", "*.md"),
        *files_below(ROOT / "sources", "*.md"),
    ]
    fence = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
    examples = {path.name: fence.findall(path.read_text("utf-8")) for path in documents}
    assert sum(map(len, examples.values())) > 10
    assert {
        name: read
        for name, told in examples.items()
        for text in told
        if (read := list(in_sql(text)))
    } == {}


def test_every_exception_is_still_one() -> None:
    for place in ON_PURPOSE:
        assert bare_reads(ROOT / place), f"{place} has no bare read any more; take it off the list"


def test_every_folder_with_code_is_looked_at() -> None:
    """A folder that is added to the house has to be added to the rooms."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] not in "._"]
    code = {
        path.name
        for path in folders
        if any(found.suffix in {".py", ".sql"} for found in files_below(path))
    }
    assert code - {"build", "dist"} <= set(ROOMS)


PLANTED_PYTHON = (
    "import duckdb\nduckdb.sql(\"SELECT * FROM read_csv('a.csv')\")\n",
    'import duckdb\nduckdb.sql(f"SELECT * FROM read_parquet({place}, hive_partitioning=false)")\n',
    "import duckdb\nduckdb.sql(\"SELECT * FROM 'a.parquet'\")\n",
    "import duckdb\nduckdb.read_csv('a.csv')\n",
    "import polars as pl\nframe = pl.scan_parquet('a.parquet')\n",
    "import pandas as pd\nframe = pd.read_csv('a.csv')\n",
    "import pyarrow.parquet as pq\ntable = pq.read_table('a.parquet')\n",
    "from pandas import read_parquet\nframe = read_parquet('a.parquet')\n",
    "reader = polars.read_parquet\n",
    "from pathlib import Path\nfound = Path().rglob('*.csv')\n",
    "from glob import iglob\n",
    "frame = spark.read.parquet('a.parquet')\n",
    "frame = spark.read.option('header', True).csv('a.csv')\n",
)
PLANTED_SQL = (
    "SELECT *\nFROM read_csv('${DATA}/a.csv')\n",
    "SELECT * FROM parquet_scan('a')\n",
    "select * from 'a.csv'\n",
)


PLANTED = [*((".py", text) for text in PLANTED_PYTHON), *((".sql", text) for text in PLANTED_SQL)]


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize(("suffix", "planted"), PLANTED)
def test_a_planted_read_is_found(tmp_path: Path, room: str, suffix: str, planted: str) -> None:
    place = tmp_path / room / "deeper" / f"planted{suffix}"
    place.parent.mkdir(parents=True)
    place.write_text(planted, "utf-8")
    (found,) = (path for path in files_below(tmp_path / room) if path.suffix in {".py", ".sql"})
    assert bare_reads(found)


@pytest.mark.parametrize(
    "honest",
    [
        "from features.ingest.scan import read_table\ntable = read_table(place)\n",
        'def f():\n    """Read as read_csv(\'a\') would."""\n',
        "text = place.read_text('utf-8')\n",
    ],
)
def test_an_honest_read_is_left_alone(tmp_path: Path, honest: str) -> None:
    place = tmp_path / "honest.py"
    place.write_text(honest, "utf-8")
    assert bare_reads(place) == []


def test_a_comment_of_sql_is_no_read(tmp_path: Path) -> None:
    place = tmp_path / "honest.sql"
    place.write_text(
        "-- not read_csv('a.csv')\n/* nor\nread_parquet('b') */ SELECT * FROM csv('${DATA}/a.csv')\n",
        "utf-8",
    )
    assert bare_reads(place) == []
