"""Who may use the service: keys are added, rotated and removed in the register, and looked up by their secret."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypedDict, Unpack

from pydantic import ValidationError

from features.contract.identifiers import fault
from features.errors import LedgerError, RequestError
from features.files import OWNER, clear_unfinished, durable, exclusive_lock
from serving.errors import KeyExpired
from serving.gate.key_register import (
    MOST_A_MINUTE,
    ROLES,
    TEAM_ROLES,
    VERSION,
    KeyFile,
    KeyHolder,
    OldSecret,
    digest,
    read,
)

OVERLAP = timedelta(days=1)
"""For how long the old secret of a rotated key opens, unless another moment is stated; a choice: a night and a day."""
PREFIX = "lssi_"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is done to a key: its holder afterwards, and how many changes the register had before."""

    what: str
    holder: KeyHolder
    changes: int


Record = Callable[[KeyChange], None]
"""Takes a change before the register has it; if it raises, the register stays. A change that was stopped is taken again."""


class Terms(TypedDict, total=False):
    """What limits a new key: a team, a district, its last day, requests a minute; and what records that it is made."""

    team: str | None
    district: str | None
    expires: date | None
    a_minute: int | None
    record: Record


def unrecorded(_change: KeyChange) -> None:
    """Record nothing, as where there is no ledger."""


def utc_now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(UTC)


def add(path: Path, name: str, *, role: str, today: date, **terms: Unpack[Terms]) -> str:
    """Write a new key's digest into the register and return the key, which is kept nowhere.

    RequestError for a bad name, role or term, and where the role needs a team and has none, or the reverse.
    """
    record = terms.pop("record", unrecorded)
    key = _new_secret()
    holder = _holder(name, role, today, digest(key), terms)
    with _writing(path) as register:
        if any(other.name == name for other in register.keys):
            raise RequestError(
                f"a key named {name!r} exists already; remove it first or choose another name"
            )
        record(KeyChange("key_added", holder, register.changes))
        _write(path, register, (*register.keys, holder))
    return key


def rotate(path: Path, name: str, *, until: datetime, record: Record = unrecorded) -> str:
    """Give a key a new secret and return it; the one before opens until a moment, and one before that no more.

    RequestError where no key has the name.
    """
    key = _new_secret()
    with _writing(path) as register:
        holder = _named(register, name)
        old = OldSecret(sha256=holder.sha256, until=until)
        rotated = holder.model_copy(update={"sha256": digest(key), "old": old})
        record(KeyChange("key_rotated", rotated, register.changes))
        _write(path, register, [rotated if one is holder else one for one in register.keys])
    return key


def remove_key(path: Path, name: str, record: Record = unrecorded) -> None:
    """Take a key out of the register, so that the next request with it is refused; RequestError where there is none."""
    with _writing(path) as register:
        holder = _named(register, name)
        others = [one for one in register.keys if one is not holder]
        try:
            record(KeyChange("key_removed", holder, register.changes))
        except LedgerError:
            # a ledger that cannot be written must not keep a lost key open
            _write(path, register, others)
            raise
        _write(path, register, others)


def renew_register(path: Path) -> None:
    """Let a register of an earlier form be of today's; its keys open what they opened."""
    with _writing(path) as register:
        if register.version != VERSION:
            _write(path, register, register.keys)


def _named(register: KeyFile, name: str) -> KeyHolder:
    for holder in register.keys:
        if holder.name == name:
            return holder
    raise RequestError(f"no key is named {name!r}; see `lssi key list`")


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _holder(name: str, role: str, today: date, sha256: str, terms: Terms) -> KeyHolder:
    if role not in ROLES:
        raise RequestError(f"a role should be one of {', '.join(ROLES)}; got {role!r}")
    _check_terms(role, today, terms)
    try:
        return KeyHolder.model_validate(
            {"name": name, "role": role, "sha256": sha256, "added": today, **terms}
        )
    except ValidationError:
        raise RequestError(
            f"a key's name should be 1 to 64 of A-Z a-z 0-9 . _ -, and its requests a minute 1 to"
            f" {MOST_A_MINUTE:,}; got {name!r}"
        ) from None


def _check_terms(role: str, today: date, terms: Terms) -> None:
    _check_team_of_role(role, terms.get("team"))
    for place in ("team", "district"):
        number = terms.get(place)
        wrong = fault(str(number)) if number is not None else None
        if wrong:
            raise RequestError(f"the {place}'s number {wrong}; write it as the table of cells does")
    expires = terms.get("expires")
    if expires is not None and expires < today:
        raise RequestError(
            f"a key's last day should be {today} or later; got {expires}; `lssi key remove` ends a key at once"
        )


def _check_team_of_role(role: str, team: str | None) -> None:
    needs_team = role in TEAM_ROLES
    if needs_team and team is None:
        raise RequestError(f"the role {role} acts for a team; name it with --team TEAM")
    if not needs_team and team is not None:
        raise RequestError(
            f"the role {role} acts for no team; leave out --team, or take {' or '.join(TEAM_ROLES)}"
        )


@contextmanager
def _writing(path: Path) -> Iterator[KeyFile]:
    with exclusive_lock(path.with_suffix(".lock")):
        path.with_suffix(".new").unlink(missing_ok=True)  # of earlier versions
        clear_unfinished(path.parent)
        yield read(path)


def _write(path: Path, before: KeyFile, holders: Sequence[KeyHolder]) -> None:
    register = KeyFile(version=VERSION, changes=before.changes + 1, keys=tuple(holders))
    with durable(path, OWNER) as draft:
        draft.write_text(register.model_dump_json(indent=2, exclude_none=True), "utf-8")


@dataclass(slots=True)
class Ring:
    """The register in memory, read again as soon as its file changes, so that a removed key ends at once."""

    path: Path
    clock: Callable[[], datetime] = utc_now
    _seen: tuple[int, ...] | None = None
    _holders: dict[str, tuple[KeyHolder, datetime | None]] | None = None

    def holder(self, key: str) -> KeyHolder | None:
        """Return who holds this key, or None.

        KeyExpired once its last day has passed, or the moment of a secret that was rotated; AccessError where the register
        is damaged or open to others.
        """
        holders = self._read_again()
        if digest(key) not in holders:
            return None
        holder, until = holders[digest(key)]
        moment = self.clock()
        if until is not None and moment >= until:
            raise KeyExpired("this secret was rotated and is over; use the new one of this key")
        if holder.expires is not None and moment.date() > holder.expires:
            raise KeyExpired("the last day of this key has passed; `lssi key add` makes a new one")
        return holder

    def _read_again(self) -> dict[str, tuple[KeyHolder, datetime | None]]:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return {}
        seen = (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)
        if self._holders is None or seen != self._seen:
            self._holders = _by_digest(read(self.path))
            self._seen = seen
        return self._holders


def _by_digest(register: KeyFile) -> dict[str, tuple[KeyHolder, datetime | None]]:
    """Return each holder by the digest of its secret, and of the old one with the moment until which that opens."""
    holders: dict[str, tuple[KeyHolder, datetime | None]] = {}
    for holder in register.keys:
        if holder.old is not None:
            holders[holder.old.sha256] = (holder, holder.old.until)
        holders[holder.sha256] = (holder, None)
    return holders
