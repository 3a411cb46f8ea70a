"""Files whole or not at all, and folders of one run: the kernel's lock says whose they are, and the next run clears."""

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.files import (
    OWNER,
    UNFINISHED,
    built,
    clear_beneath,
    clear_unfinished,
    durable,
    private_folder,
    replaced,
    write_text,
)

HOLDER = """
import sys, time
from pathlib import Path
from features.files import {what}
with {what}(Path(sys.argv[1])) as mine:
    place = mine / "rows" if mine.is_dir() else mine
    place.write_text("half", "utf-8")
    print(mine, flush=True)
    time.sleep(600)
"""


def holder(what: str, place: Path) -> tuple["subprocess.Popen[str]", Path]:
    """Return a process of its own that is writing in a place, and what it writes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(what=what), str(place)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def killed(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def unfinished(place: Path) -> list[str]:
    names = [name for _, folders, files in os.walk(place) for name in (*folders, *files)]
    return [name for name in names if UNFINISHED.fullmatch(name)]


def work_in(place: Path, error: BaseException | None = None) -> None:
    """Work in a private folder and end well, or with an error."""
    with private_folder(place) as folder:
        (folder / "rows").mkdir()
        (folder / "rows" / "1").write_text("1", "utf-8")
        if error is not None:
            raise error


def test_a_private_folder_is_gone_at_the_end_however_the_work_ends(tmp_path: Path) -> None:
    work_in(tmp_path / "place")
    assert list((tmp_path / "place").iterdir()) == []
    for error in (ValueError(), KeyboardInterrupt(), SystemExit(143)):
        with pytest.raises(type(error)):
            work_in(tmp_path / "place", error)
        assert list((tmp_path / "place").iterdir()) == []


def test_what_a_killed_run_left_is_cleared_by_the_next_and_what_a_living_one_owns_is_not(
    tmp_path: Path,
) -> None:
    living, its = holder("private_folder", tmp_path)
    dead, left = holder("private_folder", tmp_path)
    killed(dead)
    assert left.exists()
    with private_folder(tmp_path) as mine:
        assert not left.exists()
        assert (its / "rows").exists()
        assert mine != its
    clear_beneath(tmp_path)
    assert (its / "rows").read_text("utf-8") == "half"
    killed(living)
    clear_unfinished(tmp_path)
    assert unfinished(tmp_path) == []


def test_an_unfinished_file_of_a_killed_run_is_cleared_by_the_next_write_beside_it(
    tmp_path: Path,
) -> None:
    write_text(tmp_path / "a.txt", "before")
    process, left = holder("replaced", tmp_path / "a.txt")
    write_text(tmp_path / "b.txt", "other")
    assert left.exists()
    killed(process)
    assert (tmp_path / "a.txt").read_text("utf-8") == "before"
    write_text(tmp_path / "b.txt", "another")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_number_used_again_by_another_process_owns_nothing(tmp_path: Path) -> None:
    stale = tmp_path / f".unfinished-{os.getpid()}-{'0' * 16}"
    stale.mkdir()
    clear_unfinished(tmp_path)
    assert not stale.exists()


def test_names_that_only_look_alike_are_left_alone(tmp_path: Path) -> None:
    names = [
        ".unfinished",
        ".unfinished-1",
        f".unfinished-1-{'g' * 16}",
        f"x.unfinished-1-{'0' * 16}",
        ".rows.4242",
    ]
    for name in names:
        (tmp_path / name).mkdir()
    clear_beneath(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_failed_write_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(TypeError), replaced(path) as half, half.open("w", encoding="utf-8") as out:
        out.writelines(["half", None])  # type: ignore[list-item]
    assert path.read_text("utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_another_run_has_built_first_is_kept(tmp_path: Path) -> None:
    with built(tmp_path / "made") as mine:
        (mine / "text").write_text("mine", "utf-8")
        with built(tmp_path / "made") as theirs:
            (theirs / "text").write_text("theirs", "utf-8")
    assert (tmp_path / "made" / "text").read_text("utf-8") == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_link_is_followed_and_a_pipe_is_written_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "held").mkdir()
    write_text(tmp_path / "held" / "a.txt", "before")
    (tmp_path / "link").symlink_to(tmp_path / "held" / "a.txt")
    write_text(tmp_path / "link", "after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "held" / "a.txt").read_text("utf-8") == "after"
    write_text(Path("/dev/null"), "nothing")
    assert not Path("/dev/null").is_file()


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent" / "a.txt", Path("/proc/a.txt")):
        with pytest.raises(OSError, match=r".") as error, replaced(path):
            pass
        assert error.value.filename == str(path)


def test_a_secret_file_is_never_readable_by_others_and_any_name_fits(tmp_path: Path) -> None:
    with durable(tmp_path / "keys", OWNER) as file:
        assert stat.S_IMODE(file.stat().st_mode) == OWNER
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == OWNER
    write_text(tmp_path / ("长" * 85), "the longest name that a file system takes")
    assert (tmp_path / ("长" * 85)).exists()


def crowd(place: Path, number: int) -> None:
    """Make and clear private folders and files in one place, as fast as it goes."""
    for turn in range(60):
        with private_folder(place) as folder:
            (folder / "rows").write_text(str(number), "utf-8")
            write_text(place / f"{turn % 3}.txt", f"{number} " * 1000)
            assert (folder / "rows").read_text("utf-8") == str(number)


def test_many_runs_that_clear_one_place_at_once_take_nothing_from_each_other(
    tmp_path: Path,
) -> None:
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=crowd, args=(tmp_path, number)) for number in range(4)]
    for run in runs:
        run.start()
    while any(run.is_alive() for run in runs):
        clear_beneath(tmp_path)
        time.sleep(0.001)
    assert [run.exitcode for run in runs] == [0, 0, 0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.txt", "1.txt", "2.txt"]
    assert all(len(set(path.read_text("utf-8").split())) == 1 for path in tmp_path.iterdir())


def test_the_lock_ends_with_the_process_even_where_its_parent_lives(tmp_path: Path) -> None:
    process, left = holder("private_folder", tmp_path)
    process.send_signal(signal.SIGSTOP)
    clear_unfinished(tmp_path)
    assert left.exists(), "a process that sleeps is alive"
    killed(process)
    clear_unfinished(tmp_path)
    assert not left.exists()
