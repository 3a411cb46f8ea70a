"""API keys: 256 random bits each, stored only as their SHA-256, with a name, one role and, for some roles, a team."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from features.contract.identifiers import fault
from features.contract.tables import LONGEST
from features.errors import RequestError
from features.files import OWNER, clear_unfinished, durable, exclusive_lock
from serving.errors import AccessError

Role = Literal["data_scientist", "system", "auditor", "inspector", "reviewer"]
ROLES: tuple[Role, ...] = ("data_scientist", "system", "auditor", "inspector", "reviewer")
TEAM_ROLES: tuple[Role, ...] = ("inspector", "reviewer")
"""The roles that act for a team, and see and answer only what is that team's."""
PREFIX = "lssi_"
_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class KeyHolder(BaseModel):
    """One key in the file: its holder, its role, its digest, and the team of a holder who acts for one."""

    model_config = _STRICT
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    role: Role
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    added: date
    team: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] | None = None


class KeyFile(BaseModel):
    """The whole file `keys.json`."""

    model_config = _STRICT
    keys: tuple[KeyHolder, ...] = ()


def digest(key: str) -> str:
    """Return the SHA-256 of a key as hexadecimal text."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> KeyFile:
    """Return the register in a file, empty where there is no file; raise AccessError where it is damaged."""
    try:
        return KeyFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return KeyFile()
    except (ValidationError, OSError):
        raise AccessError(
            f"the register of keys {path.name} is damaged or cannot be read; restore it, or remove it and"
            " add the keys again"
        ) from None


def add(path: Path, name: str, *, role: str, today: date, team: str | None = None) -> str:
    """Write a new key's digest into the register and return the key, which is kept nowhere.

    RequestError for a bad name or role, and where the role needs a team and has none, or the reverse.
    """
    if role not in ROLES:
        raise RequestError(f"a role should be one of {', '.join(ROLES)}; got {role!r}")
    _check_team_of_role(role, team)
    key = PREFIX + secrets.token_urlsafe(32)
    with _writing(path) as register:
        if any(holder.name == name for holder in register.keys):
            raise RequestError(
                f"a key named {name!r} exists already; remove it first or choose another name"
            )
        try:
            holder = KeyHolder(name=name, role=role, sha256=digest(key), added=today, team=team)
        except ValidationError:
            raise RequestError(
                f"a key's name should be 1 to 64 of A-Z a-z 0-9 . _ -; got {name!r}"
            ) from None
        _write(path, KeyFile(keys=(*register.keys, holder)))
    return key


def _check_team_of_role(role: str, team: str | None) -> None:
    needs_team = role in TEAM_ROLES
    if needs_team and team is None:
        raise RequestError(f"the role {role} acts for a team; name it with --team TEAM")
    if not needs_team and team is not None:
        raise RequestError(
            f"the role {role} acts for no team; leave out --team, or take {' or '.join(TEAM_ROLES)}"
        )
    wrong = fault(team) if team is not None else None
    if wrong:
        raise RequestError(f"the team's number {wrong}; write it as the table of cells does")


def remove_key(path: Path, name: str) -> None:
    """Take a key out of the register, so that the next request with it is refused; RequestError where there is none."""
    with _writing(path) as register:
        others = tuple(holder for holder in register.keys if holder.name != name)
        if len(others) == len(register.keys):
            raise RequestError(f"no key is named {name!r}; see {path.name}")
        _write(path, KeyFile(keys=others))


@contextmanager
def _writing(path: Path) -> Iterator[KeyFile]:
    with exclusive_lock(path.with_suffix(".lock")):
        path.with_suffix(".new").unlink(missing_ok=True)  # of earlier versions
        clear_unfinished(path.parent)
        yield read(path)


def _write(path: Path, register: KeyFile) -> None:
    with durable(path, OWNER) as draft:
        draft.write_text(register.model_dump_json(indent=2, exclude_none=True), "utf-8")


@dataclass(slots=True)
class Ring:
    """The register in memory, read again as soon as its file changes, so that a removed key ends at once."""

    path: Path
    _seen: tuple[int, int, int] | None = None
    _holders: dict[str, KeyHolder] | None = None

    def holder(self, key: str) -> KeyHolder | None:
        """Return who holds this key, or None; raise AccessError where the register is damaged."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if self._holders is None or seen != self._seen:
            self._holders = {holder.sha256: holder for holder in read(self.path).keys}
            self._seen = seen
        return self._holders.get(digest(key))
