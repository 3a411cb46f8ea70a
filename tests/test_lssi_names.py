"""A name that is too long, an output that cannot be written, an entity that nobody registered: one clear line each."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from features.engine.matrices import catalogue_of
from features.errors import CatalogueError, RequestError, SourceError
from features.ingest.source import LONGEST_NAME, find_source
from features.lengths import ATTRIBUTE_BYTES, NAME_BYTES
from features.store.opening import open_store
from features.store.store import Store
from lssi.output import check_standard_output
from tests.said import Say

ROOT = Path(__file__).parents[1]
Write = Callable[..., Path]
FIRM = {"enterprise": "e1", "since": "2012-01-01", "registered": "2012-01-01"}
ENTITY_TABLES = {"claim": "claims", "provider": "providers", "enterprise": "enterprises"}
MEASURE = "measure | {} | enterprises | enterprise | | | 1 | count | 甲 | x"
FEATURE = "enterprise | {} | 1 | count | none | staff | 甲 | x |"
ATTRIBUTE = '[[attribute]]\ntable = "enterprises"\nname = "{}"\ntype = "category"\nzh = "风险"\nen = "risk"\nbasis = "法 law"\n'
TARGET = (
    '[target.{}]\nzh = "目标"\nen = "target"\nunit = "inspection"\nlabel = "visit"\nviolation = 1\n'
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, hand_source: Write) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))
        return open_store(
            hand_source(tmp_path_factory.mktemp("hand") / "source", {"enterprises": [FIRM]})
        )


@pytest.mark.parametrize("line", [MEASURE, FEATURE])
@pytest.mark.parametrize("name", ["a" * 300, "a" * (NAME_BYTES + 1), "名" * (NAME_BYTES // 3 + 1)])
def test_an_overlong_name_of_the_catalogue_is_refused_in_one_line(
    store: Store,
    tmp_path: Path,
    line: str,
    name: str,
) -> None:
    (tmp_path / "more.txt").write_text(line.format(name), "utf-8")
    with pytest.raises(
        CatalogueError, match=f"{len(name.encode())} bytes; a name has at most {NAME_BYTES}"
    ) as caught:
        catalogue_of(store, tmp_path / "more.txt")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_the_longest_names_are_written_as_features(
    say: Say, write_source: Write, tmp_path: Path
) -> None:
    toml = f'name = "{"n" * LONGEST_NAME}"\n' + ATTRIBUTE.format("a" * ATTRIBUTE_BYTES)
    source = write_source({"enterprises": [FIRM | {"a" * ATTRIBUTE_BYTES: "high"}]})
    text = (source / "source.toml").read_text("utf-8").replace('name = "hand"\n', "")
    (source / "source.toml").write_text(
        toml.split("\n", 1)[0] + "\n" + text + toml.split("\n", 1)[1], "utf-8"
    )
    out = tmp_path / "out.parquet"
    assert (
        say(
            "features", source, "--entity", "enterprise", "--as-of", "2015-06-30", "--out", out
        ).code
        == 0
    )


@pytest.mark.parametrize(
    "toml", [ATTRIBUTE.format("a" * (ATTRIBUTE_BYTES + 1)), TARGET.format("t" * (LONGEST_NAME + 1))]
)
def test_an_overlong_name_of_a_source_is_refused_in_one_line(
    write_source: Write, toml: str
) -> None:
    with pytest.raises(SourceError, match="at most") as caught:
        find_source(write_source({"enterprises": [FIRM]}, toml))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("entity", ENTITY_TABLES)
def test_features_of_an_entity_without_its_table_are_refused_in_one_line(
    say: Say,
    write_source: Write,
    tmp_path: Path,
    entity: str,
) -> None:
    source = write_source({"teams": []})
    out = tmp_path / "out.parquet"
    line = say("features", source, "--entity", entity, "--as-of", "2015-06-30", "--out", out).line
    assert f"holds no table {ENTITY_TABLES[entity]!r}, the register of every {entity}" in line
    assert not out.exists()


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "gbk", "big5", "cp1252", "shift_jis"])
def test_a_standard_output_that_lacks_characters_is_refused(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    with pytest.raises(RequestError, match="set PYTHONIOENCODING=utf-8"):
        check_standard_output()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_standard_output_that_takes_every_character_is_taken(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    check_standard_output()


def test_a_command_says_in_one_line_that_its_output_cannot_be_written(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "LSSI_HOME": str(tmp_path / "home")}
    words = [sys.executable, "-m", "lssi", "contract"]
    run = subprocess.run(words, env=environment, capture_output=True, cwd=ROOT, check=False)
    assert (run.returncode, run.stdout, run.stderr.count(b"\n")) == (2, b"", 1)
    assert run.stderr.startswith(b"error: request_invalid: standard output is iso8859-1, ")
