"""The name of a source is held by one place from the first thing that is kept under it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from features.calendar import date_of, day_of
from features.errors import SourceError
from features.home import home
from features.ingest.postgres import database_of
from features.ingest.source import Source, find_source
from features.store.append import feed
from features.store.compaction import compact
from features.store.opening import open_own_store, open_store
from features.store.source_names import NameHolder, adopt, check_name, claim, holder_of

Write = Callable[..., Path]
ROOT = Path(__file__).parents[1]
ROWS = {"tax_payroll": [{"enterprise": "e1", "month": "2014-10", "employees": 5, "payroll": 100}]}
DAY = day_of("2015-06-30")
NASTY = [
    "with  blanks",
    "数据 源 [1]",
    "a=b",
    "section=C",
    "#%?&",
    "it's",
    '"quoted"',
    "-dash",
    "$HOME",
    "s?*",
]


@pytest.fixture
def here(write_source: Write) -> Path:
    """A source that is called `hand`."""
    return write_source(ROWS, folder="here")


@pytest.fixture
def there(write_source: Write) -> Path:
    """Another folder whose source is called `hand` too."""
    return write_source(ROWS, folder="there")


def place_of(name: str = "hand") -> tuple[str, ...] | None:
    """Return the place that holds a name."""
    holder = holder_of(name)
    return None if holder is None else holder.place


def claimed(folder: Path, data: Path | None = None) -> Source:
    """Return the source in a folder, which holds its name now."""
    source = find_source(folder, data)
    claim(source)
    return source


def adopt_words(error: SourceError) -> list[str]:
    """Return the words of the command that a refusal tells, as a shell would part them."""
    told = re.search(r"run `(.*)`$", str(error))
    assert told is not None and "\n" not in str(error)
    return shlex.split(told[1])


@pytest.mark.parametrize(
    "use",
    [
        open_store,
        open_own_store,
        lambda folder: feed(find_source(folder), DAY),
        lambda folder: compact(find_source(folder)),
    ],
)
def test_a_second_folder_that_claims_a_held_name_is_refused_and_both_are_named(
    use: Callable[[Path], object], here: Path, there: Path
) -> None:
    open_own_store(here)
    with pytest.raises(
        SourceError, match=f"the name 'hand' is held by {here}, and {there} claims it too"
    ) as refused:
        use(there)
    assert adopt_words(refused.value) == ["lssi", "adopt", str(there)]
    assert place_of() == (str(here),)


def test_sources_that_are_only_read_may_have_one_name(here: Path, there: Path) -> None:
    assert open_store(here).source.name == open_store(there).source.name == "hand"
    assert place_of() is None


def test_a_feed_holds_the_name_and_one_that_fails_does_not(
    here: Path, there: Path, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="is no folder"):
        feed(find_source(there), DAY, tmp_path / "nowhere")
    assert place_of() is None
    feed(find_source(here), DAY)
    assert place_of() == (str(here),)


def test_two_names_in_one_home_are_two_sources(here: Path, there: Path) -> None:
    declared = there / "source.toml"
    declared.write_text(declared.read_text("utf-8").replace('"hand"', '"other-hand"'), "utf-8")
    claimed(here)
    claimed(there)
    assert (place_of("hand"), place_of("other-hand")) == ((str(here),), (str(there),))


def test_a_home_that_was_copied_knows_its_holders(
    here: Path, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed(here)
    shutil.copytree(home(), tmp_path / "copied")
    monkeypatch.setenv("LSSI_HOME", str(tmp_path / "copied"))
    claimed(here)
    with pytest.raises(SourceError, match="is held by"):
        check_name(find_source(there))


def test_a_folder_under_another_spelling_is_the_same_place(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed(here)
    (tmp_path / "link").symlink_to(here, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for spelling in ("link", "here/", "./link/../here", str(tmp_path / "link")):
        assert claimed(Path(spelling)).name == "hand"
    assert place_of() == (str(here),)


@pytest.mark.parametrize("folder", NASTY)
def test_the_command_that_a_refusal_tells_names_the_folder_whatever_it_is_called(
    folder: str, here: Path, write_source: Write
) -> None:
    claimed(here)
    nasty = write_source(ROWS, folder=f"{folder}/source")
    with pytest.raises(SourceError) as refused:
        check_name(find_source(nasty))
    assert adopt_words(refused.value)[2:] == [str(nasty)]
    adopt(find_source(nasty))
    assert claimed(nasty).name == "hand" and place_of() == (str(nasty),)


def test_a_source_that_has_moved_says_what_to_run_and_keeps_its_live_store(
    here: Path, tmp_path: Path
) -> None:
    feed(find_source(here), DAY)
    kept = open_store(here).folder
    moved = here.rename(tmp_path / "moved")
    with pytest.raises(
        SourceError, match=rf"is held by {here} \({here} is no longer there\), and {moved}"
    ) as refused:
        open_store(moved)
    former = adopt(find_source(adopt_words(refused.value)[2]))
    assert former is not None and former.place == (str(here),)
    assert open_store(moved).folder == kept
    assert feed(find_source(moved), DAY).state == "unchanged"
    assert feed(find_source(moved), DAY + 1).complete_to == date_of(DAY + 1).isoformat()
    shutil.copytree(moved, here)
    with pytest.raises(SourceError, match="is held by"):
        open_store(here)


def test_a_source_that_has_moved_together_with_its_home_keeps_its_live_store(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(find_source(here), DAY)
    kept = open_store(here)
    (tmp_path / "elsewhere").mkdir()
    moved = here.rename(tmp_path / "elsewhere" / "source")
    monkeypatch.setenv("LSSI_HOME", str(home().rename(tmp_path / "elsewhere" / "home")))
    with pytest.raises(SourceError) as refused:
        feed(find_source(moved), DAY + 1)
    adopt(find_source(adopt_words(refused.value)[2]))
    assert open_store(moved).summary == kept.summary and open_store(moved).folder.is_relative_to(
        tmp_path / "elsewhere"
    )
    assert feed(find_source(moved), DAY).state == "unchanged"
    assert feed(find_source(moved), DAY + 1).state == "loaded"


class Killed(Exception):
    """A run ends here."""


def test_an_adoption_that_was_killed_is_carried_on_by_the_next(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(point: str) -> None:
        if point == "after the live store is at its new place":
            raise Killed

    feed(find_source(here), DAY)
    kept = open_store(here).folder
    moved = here.rename(tmp_path / "moved")
    source = find_source(moved)
    with monkeypatch.context() as patch:
        patch.setattr("features.files.reached", killed)
        with pytest.raises(Killed):
            adopt(source)
    with pytest.raises(SourceError, match="is held by"):
        open_store(moved)
    adopt(find_source(moved))
    assert open_store(moved).folder == kept


def viewed(place: Path, query: str) -> Path:
    """Return a source whose only table is a view."""
    (place / "tax_payroll.csv").unlink()
    (place / "tax_payroll.sql").write_text(query, "utf-8")
    return place


VIEW = (
    "SELECT 'e1' AS enterprise, '2014-10' AS month, 5 AS employees, 100 AS payroll, 'a' AS row_id, "
    "DATE '2015-01-01' AS recorded_on, 0 AS retracted"
)


def test_other_data_beneath_views_are_another_place(here: Path, tmp_path: Path) -> None:
    source = viewed(here, f"{VIEW} FROM csv('${{DATA}}/raw.csv')")
    for data in ("first", "second, [1]"):
        (tmp_path / data).mkdir()
        (tmp_path / data / "raw.csv").write_text("id\n1\n", "utf-8")
    first, second = tmp_path / "first", tmp_path / "second, [1]"
    claimed(source, first)
    told = re.escape(
        f"is held by {source} with data {first}, and {source} with data {second} claims it too"
    )
    with pytest.raises(SourceError, match=told) as refused:
        check_name(find_source(source, second))
    assert adopt_words(refused.value)[2:] == [str(source), "--data", str(second)]


def test_data_that_no_view_reads_change_no_place(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = viewed(here, VIEW)
    claimed(source)
    monkeypatch.chdir(tmp_path)
    claimed(source, tmp_path)
    assert place_of() == (str(source),)


def test_a_database_is_one_place_whoever_asks() -> None:
    asked = ["postgresql://ann:secret@host:5/db?schema=s", "postgresql://bob@host:5/db?schema=s"]
    assert {database_of(address).place for address in asked} == {"postgresql://host:5/db?schema=s"}


def test_a_damaged_holder_is_told_in_one_line_with_what_to_do(here: Path) -> None:
    claimed(here)
    (home() / "sources" / "hand.json").write_text("{", "utf-8")
    with pytest.raises(
        SourceError,
        match=r"hand.json does not name the folder of source 'hand'; remove this file and run `lssi adopt",
    ):
        check_name(find_source(here))


def test_a_name_too_long_for_files_is_refused(here: Path) -> None:
    declared = here / "source.toml"
    declared.write_text(declared.read_text("utf-8").replace('"hand"', f'"{"h" * 81}"'), "utf-8")
    with pytest.raises(SourceError, match=r"should have at most 80 characters.* has 81"):
        find_source(here)


CLAIMS = """
import dataclasses, sys
from pathlib import Path
from features.errors import SourceError
from features.store.source_names import claim
from features.ingest.source import find_source

source = find_source(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(12):
    declared = source.declaration.model_copy(update={"name": f"name-{number}"})
    try:
        claim(dataclasses.replace(source, declaration=declared))
        print(number)
    except SourceError:
        pass
"""


def test_of_processes_that_claim_a_name_at_once_one_holds_it(write_source: Write) -> None:
    folders = [write_source(ROWS, folder=f"rival-{number}") for number in range(2)]
    room = os.environ | {"LSSI_HOME": str(home()), "PYTHONPATH": str(ROOT)}
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMS, str(folder)],
            env=room,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for folder in folders
    ]
    for rival in rivals:
        assert rival.stdout is not None and rival.stdout.readline() == "ready\n"
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("now\n")
        rival.stdin.flush()
    won = [rival.communicate()[0].split() for rival in rivals]
    assert all(rival.returncode == 0 for rival in rivals)
    assert sorted(int(number) for numbers in won for number in numbers) == list(range(12))
    for folder, numbers in zip(folders, won, strict=True):
        assert all(place_of(f"name-{number}") == (str(folder),) for number in numbers)


def test_a_source_that_a_run_makes_for_itself_claims_no_name(here: Path, tmp_path: Path) -> None:
    own = replace(find_source(here), place=(), apart=tmp_path / "apart")
    claim(own)
    check_name(own)
    assert holder_of("hand") is None
    adopt(find_source(here))
    assert isinstance(holder_of("hand"), NameHolder)
