"""Files written whole or not at all, and working folders of one run; the next run clears what a killed one left.

A run holds a lock on each unfinished file and folder of its own for as long as it lives; the kernel frees it when the process
ends, however it ends. So the lock tells what belongs to a living process, whichever machine's container numbered it.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import math
import os
import re
import secrets
import shutil
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from features.errors import LockHeld, RequestError

UNFINISHED = re.compile(r"\.unfinished-\d+-[0-9a-f]{16}")
"""The names of unfinished files and folders: the process that made it, and a token that no later process repeats."""
ANYBODY = 0o666
"""The mode of files that others may read, as far as the umask allows."""
OWNER = 0o600
"""The mode of files that only their owner may read."""
OWNERS_FOLDER = 0o700
"""The mode of folders that only their owner may enter."""

LOCK_SECONDS = "LSSI_LOCK_SECONDS"
USUAL_SECONDS = 120.0
"""How long a run waits for a lock where LSSI_LOCK_SECONDS is unset; a choice: most are held for less than a second, and a
training that logs itself on a busy machine holds one for a minute."""
LOCK_AWAITED = "before a wait for"
"""How the name of the point begins at which a run finds a lock held by another."""
LOOK_SECONDS = 0.02
"""Seconds between two looks at a lock that is held; a choice: a person notices no such delay, and looking costs nothing."""

_LASTING: list[weakref.finalize[..., object]] = []
"""The folders that last as long as an object: what removes each."""


class _Privacy:
    """What `keep_private` was told: the folder that is kept private, and the umask of whoever called the process."""

    root: Path | None = None
    umask = 0o077


def keep_private(root: Path) -> None:
    """Let what this process and its children write from now on be open to their user alone, whatever the umask was.

    Files and folders that are asked for outside `root`, such as reports, are as open as the caller's umask says.
    """
    umask = os.umask(0o077)
    if umask != 0o077:  # else it was called before, or the caller is as strict
        _Privacy.umask = umask
    _Privacy.root = root


def own_folder(folder: Path) -> Path:
    """Make a folder with those above it that are missing, each open to its owner alone, and return it."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(OWNERS_FOLDER, exist_ok=True)
    return folder


def asked_folder(folder: Path) -> Path:
    """Make a folder that a user asked for, with those above it, as open as the caller's umask says, and return it."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        _open_as_asked(one, 0o777)
    return folder


def close_to_others(path: Path) -> None:
    """Let a file of this user that others may open, such as one of an earlier version, be open to its owner alone."""
    with suppress(FileNotFoundError):
        status = path.stat()
        if status.st_uid == os.geteuid() and status.st_mode & 0o077:
            path.chmod(OWNERS_FOLDER if path.is_dir() else OWNER)


def _open_as_asked(path: Path, mode: int) -> None:
    if _is_asked_for(path):
        path.chmod(mode & ~_Privacy.umask)


def _is_asked_for(path: Path) -> bool:
    """Tell whether a path lies outside the folder that is kept private."""
    root = _Privacy.root
    return root is not None and not path.resolve().is_relative_to(root)


def reached(point: str) -> None:
    """Do nothing. The tests of killed runs put a signal here, at a named point before or after a write."""


@contextmanager
def write_points(write: str) -> Iterator[None]:
    """Name the points before and after a write that this file does not do itself."""
    reached(f"before {write}")
    yield
    reached(f"after {write}")


@contextmanager
def private_folder(place: Path) -> Iterator[Path]:
    """Yield a new folder in `place` that only this run owns; it is gone afterwards unless it was given another name."""
    if _is_asked_for(place):
        asked_folder(place)
    else:
        own_folder(place)
    clear_unfinished(place)
    with _owned(place, _made_folder) as folder:
        reached(f"after a folder is made in {place.name}")
        yield folder
    reached(f"after the folder in {place.name} is removed")


@contextmanager
def exclusive_lock(lock: Path) -> Iterator[None]:
    """Wait until no other run works under this lock file, and hold it; LockHeld where that takes longer than `lock_seconds`."""
    own_folder(lock.parent)
    # whoever may open a file may hold its lock, so others than the owner may not
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, OWNER)
    with os.fdopen(descriptor, "r+b"):
        close_to_others(lock)
        wait_for_lock(descriptor, lock, lock_seconds())
        yield


def lock_seconds() -> float:
    """Return how long a run waits for a lock, as LSSI_LOCK_SECONDS says; RequestError unless that is a number of seconds."""
    text = os.environ.get(LOCK_SECONDS, "")
    if not text:
        return USUAL_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise RequestError(f"{LOCK_SECONDS} should be a number of seconds, 0 or more; got {text!r}")
    return seconds


def wait_for_lock(descriptor: int, place: Path, seconds: float) -> None:
    """Take the lock of an open file within some seconds, or raise LockHeld; `place` is the file, as the line names it."""
    deadline = time.monotonic() + seconds
    if _taken(descriptor):
        return
    reached(f"{LOCK_AWAITED} {place.name}")
    while time.monotonic() < deadline:
        if _taken(descriptor):
            return
        time.sleep(LOOK_SECONDS)
    raise LockHeld(
        f"{place} is locked by another program{_holder(descriptor)} and was not released in {seconds:g} seconds; "
        "a service, a command that writes, or a stopped one may hold it: wait until it ends, or end it, and try again "
        f"({LOCK_SECONDS} sets how long to wait)"
    )


def _taken(descriptor: int) -> bool:
    """Take the lock of an open file unless another holds it, and tell whether it was taken."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    """Return which process holds the lock of an open file, as far as Linux tells; "" where it does not."""
    inode = f":{os.fstat(descriptor).st_ino}"
    try:
        lines = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return ""
    for line in lines:
        words = line.split()
        # such as `3: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`; a process of another container is 0 here
        if words[1] == "FLOCK" and words[5].endswith(inode) and words[4] != "0":
            return f" (process {words[4]})"
    return ""


def folder_of(owner: object, place: Path) -> Path:
    """Return a private folder in `place` that lasts as long as an object of this run."""
    work = ExitStack()
    folder = work.enter_context(private_folder(place))
    _LASTING[:] = [lasting for lasting in _LASTING if lasting.alive]
    _LASTING.append(weakref.finalize(owner, work.close))
    return folder


def remove_unreachable() -> None:
    """Remove the folders whose owners nothing uses any more, such as the stores of a command that has ended."""
    # Owners that refer to each other wait for a collection. At the exit of the process it would be too late for a
    # signal to end the command as an error does.
    if any(lasting.alive for lasting in _LASTING):
        gc.collect()


@contextmanager
def built(folder: Path) -> Iterator[Path]:
    """Yield a private folder that becomes `folder` when all is written; where another run was first, theirs is kept."""
    with private_folder(folder.parent) as unfinished:
        yield unfinished
        put_in_place(unfinished, folder)


def put_in_place(unfinished: Path, folder: Path) -> None:
    """Give a finished folder its name, unless a folder that holds something has it."""
    with write_points(f"{folder.name} is in place"):
        try:
            unfinished.rename(folder)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise


@contextmanager
def replaced(path: Path, mode: int = ANYBODY) -> Iterator[Path]:
    """Yield a file to write, which becomes `path` when all is written; a failed write leaves what was there.

    A link is followed; a device or a pipe is written as it stands. OSError names `path`, as the caller knows it.
    """
    path = path.resolve() if path.is_symlink() else path
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder has this name", str(path))
    if path.exists() and not path.is_file():
        yield path
        return
    try:
        clear_unfinished(path.parent)
        with _owned(path.parent, lambda unfinished: _made_file(unfinished, mode)) as unfinished:
            reached(f"before {path.name} is written")
            yield unfinished
            with write_points(f"{path.name} is in place"):
                unfinished.replace(path)
    except OSError as error:
        if UNFINISHED.search(str(error.filename)):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


@contextmanager
def durable(path: Path, mode: int = ANYBODY) -> Iterator[Path]:
    """Yield a file to write, as `replaced` does; once `path` has the new content, a loss of power does not undo it."""
    with replaced(path, mode) as unfinished:
        yield unfinished
        _synced(unfinished)
    _synced(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, in UTF-8."""
    with replaced(path) as unfinished:
        unfinished.write_text(text, "utf-8")


def write_durable_text(path: Path, text: str) -> None:
    """Write a text file as `write_text` does; once it is there, a loss of power does not undo it."""
    with durable(path) as unfinished:
        unfinished.write_text(text, "utf-8")


def clear_unfinished(place: Path) -> None:
    """Remove the unfinished files and folders in `place` that no living process owns; nothing where there is no folder."""
    for path in _entries(place):
        if UNFINISHED.fullmatch(path.name):
            remove_unowned(path)


def clear_beneath(place: Path) -> None:
    """Remove the unfinished files and folders that no living process owns, in `place` and in all its folders."""
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            if UNFINISHED.fullmatch(name):
                remove_unowned(Path(folder, name))
        folders[:] = [name for name in folders if not UNFINISHED.fullmatch(name)]


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _entries(place: Path) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            return [Path(entry.path) for entry in entries if entry.name.startswith(".")]
    except OSError:
        return []


@contextmanager
def _owned(place: Path, make: Callable[[Path], int]) -> Iterator[Path]:
    path, descriptor = _new(place, make)
    try:
        yield path
    finally:
        remove(path)
        os.close(descriptor)


def _new(place: Path, make: Callable[[Path], int]) -> tuple[Path, int]:
    """Return a new unfinished file or folder and the open descriptor that holds its lock.

    Another run that clears may come between the making and the lock; then what it took away is made anew.
    """
    while True:
        path = place / f".unfinished-{os.getpid()}-{secrets.token_hex(8)}"
        with suppress(_Taken):
            descriptor = make(path)
            with suppress(OSError):  # a file system without locks: then nobody clears here either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(descriptor, path):
                return path, descriptor
            os.close(descriptor)


class _Taken(Exception):
    """A folder was cleared before it could be locked."""


def _made_folder(path: Path) -> int:
    path.mkdir()
    _open_as_asked(path, 0o777)
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise _Taken from None


def _made_file(path: Path, mode: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    if mode != OWNER:
        _open_as_asked(path, mode)
    return descriptor


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether what is open is still what stands under a name."""
    try:
        return _identity(os.fstat(descriptor)) == _identity(path.lstat())
    except FileNotFoundError:
        return False


def _identity(status: Any) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def remove_unowned(path: Path) -> None:
    """Remove an unfinished file or folder unless a living process owns it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # cleared by another run just now, or not ours to open
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(descriptor, path):
            remove(path)
    except OSError:  # its owner lives, or nothing can be locked here: it stays
        return
    finally:
        os.close(descriptor)


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
