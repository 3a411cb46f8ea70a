"""Whose request is being answered."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The name of a key, the idempotency key that was sent with it, the team and the district that it is limited to, its role."""

    name: str
    retry: str | None
    team: str | None = None
    district: str | None = None
    role: str = ""


CALLER: ContextVar[Caller] = ContextVar("caller")
"""The caller of the request that this task answers; a request without one sees nothing that is limited."""
