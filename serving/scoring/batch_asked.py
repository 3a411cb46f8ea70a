"""What a batch was asked for over HTTP, as the file that its job keeps, in the form of today and in that of before."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from models.bundle.generation import HistoryPointer

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class BatchAsked(BaseModel):
    """What a job was asked for, by whom and when: everything that its record rests on, so that a resumed job says the same.

    `history` and `fingerprint` name the history that was served then, whatever is loaded since; `units` is how many are scored.
    `history` is None in a job of an earlier version, which did not say as of which day it scores.
    """

    model_config = STRICT
    version: Literal[2] = 2
    caller: str
    retry_key: str
    request: str
    at: str
    source: str
    history: HistoryPointer | None
    fingerprint: str
    target: str
    entity: str
    bundle: str
    units: int


class _FormerBatchAsked(BaseModel):
    """The form of before: it named a store without its day, and held all identifiers."""

    model_config = STRICT
    version: Literal[1]
    caller: str
    retry_key: str
    request: str
    at: str
    store: str
    target: str
    entity: str
    bundle: str
    ids: tuple[str, ...]

    def in_form_2(self) -> BatchAsked:
        """Return what it says in today's form."""
        source, _, fingerprint = self.store.rpartition("-")
        return BatchAsked(
            caller=self.caller,
            retry_key=self.retry_key,
            request=self.request,
            at=self.at,
            source=source,
            history=None,
            fingerprint=fingerprint,
            target=self.target,
            entity=self.entity,
            bundle=self.bundle,
            units=len(self.ids),
        )


def parse_batch_asked(content: bytes) -> BatchAsked:
    """Return what a job's file says, in either form; ValidationError where it is damaged."""
    try:
        return BatchAsked.model_validate_json(content)
    except ValidationError:
        return _FormerBatchAsked.model_validate_json(content).in_form_2()
