"""API keys: 256 random bits each, stored only as their SHA-256, with a name, one role, and what else limits their holder."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from features.contract.tables import LONGEST
from serving.errors import AccessError

Role = Literal["data_scientist", "system", "auditor", "inspector", "reviewer", "metrics"]
ROLES: tuple[Role, ...] = (
    "data_scientist",
    "system",
    "auditor",
    "inspector",
    "reviewer",
    "metrics",
)
METRICS: Role = "metrics"
"""The role of what watches the service: it reads `/metrics` and nothing else."""
TEAM_ROLES: tuple[Role, ...] = ("inspector", "reviewer")
"""The roles that act for a team, and see and answer only what is that team's."""
TOLD_OF: Mapping[str, tuple[str, ...]] = {
    "inspector": ("enterprise",),
    "reviewer": ("enterprise", "claim", "provider"),
}
"""By role the kinds of units of which it reads alerts: a claimant is shown to none but those who review claims."""
ANSWERS_FOR: Mapping[str, tuple[str, ...]] = {
    "inspector": ("enterprise",),
    "reviewer": ("claim", "provider"),
}
"""By role the kinds of units on whose lines it decides and whose outcomes it sends."""
VERSION: Literal[2] = 2
"""The form of the register that is written; of form 1, without this number, each key had a name, a role and a team."""
MOST_A_MINUTE = 1_000_000
"""Requests a minute that a key may be given at most; a choice, far above what a service answers."""
_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]


class OldSecret(BaseModel):
    """The secret that a rotated key had before: it opens until a moment."""

    model_config = _STRICT
    sha256: Digest
    until: AwareDatetime


class KeyHolder(BaseModel):
    """One key in the file: its holder, its role, its digest, and what limits it: a team, a district, a last day, a rate."""

    model_config = _STRICT
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    role: Role
    sha256: Digest
    added: date
    team: Identifier | None = None
    district: Identifier | None = None
    expires: date | None = None
    a_minute: Annotated[int, Field(ge=1, le=MOST_A_MINUTE)] | None = None
    old: OldSecret | None = None


class KeyFile(BaseModel):
    """The whole file `keys.json`, and how often it was changed; one without a version is of form 1."""

    model_config = _STRICT
    version: Literal[1, 2] = 1
    changes: Annotated[int, Field(ge=0)] = 0
    keys: tuple[KeyHolder, ...] = ()


def digest(key: str) -> str:
    """Return the SHA-256 of a key as hexadecimal text."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> KeyFile:
    """Return the register in a file, empty where there is no file.

    AccessError where it is damaged, of a later version, or open to others than its owner.
    """
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()).st_mode)
            return KeyFile.model_validate_json(file.read())
    except FileNotFoundError:
        return KeyFile()
    except (ValidationError, OSError):
        raise AccessError(
            f"the register of keys {path.name} is damaged, of a later version, or cannot be read; restore it,"
            " or remove it and add the keys again"
        ) from None


def _check_private(path: Path, mode: int) -> None:
    permissions = stat.S_IMODE(mode)
    if permissions & 0o077:
        raise AccessError(
            f"the register of keys {path.name} is open to other users (mode {permissions:04o}); run"
            f" `chmod 600 {path.name}` in its folder, and rotate the keys if others may have written to it"
        )
