"""An act: what somebody did or decided about a subject, as one entry of the ledger that a repetition does not double."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from features.calendar import day_of
from features.errors import LedgerError
from serving.ledger.entries import Entry, canonical, sha256_of

VERSION = 1
"""The form of acts: one of another number is refused, not misread."""


@dataclass(frozen=True, slots=True)
class Act:
    """What was done, by whom, under which idempotency key, the digest of its subject, and what it says, as JSON values.

    The same key of the same person with the same act gives the first receipt again; with another act it is refused.
    """

    what: str
    who: str
    key: str
    subject: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What an act rests on: the day whose knowledge was used, the last closed day, and the model ("" where none took part)."""

    as_of: int
    complete_to: int
    bundle: str


def subject_digest(subject: Mapping[str, Any]) -> str:
    """Return the digest that names a subject, which the log holds for ever, without telling who or what it is."""
    return sha256_of(canonical(subject))


def request_digest(act: Mapping[str, Any]) -> str:
    """Return the digest of what an act asks for, by which a repetition is known."""
    return sha256_of(canonical({name: act[name] for name in ("what", "subject", "content")}))


def act_entry(act: Act, seen: Seen, *, moment: datetime, kept_days: int) -> Entry:
    """Return the ledger entry of an act; its payload is kept so many days from the moment."""
    last_moment = moment + timedelta(days=kept_days)
    return Entry(
        kind="act",
        at=moment.isoformat(timespec="milliseconds"),
        as_of=seen.as_of,
        complete_to=seen.complete_to,
        bundle=seen.bundle,
        request=request_digest(asdict(act)),
        payload=canonical({**asdict(act), "version": VERSION}),
        keep_until=day_of(last_moment.date()),
        # a key belongs to who acts, and no score's key is an act's
        retry_key=f"act:{act.who}:{act.key}",
    )


def act_of(payload: bytes) -> Act:
    """Return the act that a payload holds; LedgerError when it is none of ours."""
    try:
        plain = json.loads(payload)
        if plain.pop("version") != VERSION:
            raise LedgerError(
                "this act was written by another version; read it with the version that wrote it"
            )
        return Act(**plain)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise LedgerError(
            f"this payload cannot be read as an act ({type(problem).__name__}); run `lssi ledger verify`"
        ) from None
