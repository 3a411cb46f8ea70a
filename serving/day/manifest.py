"""The manifest of a scored day: of which history, model and units it is, where each column lies, and what proves it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from serving.errors import DayUnusable
from serving.ledger.day_reference import DayName
from serving.ledger.entries import sha256_of

FILE = "day.json"
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ColumnType = Literal["<f8", "<i8", "<i4", "|i1", "|u1"]
Length = Annotated[int, Field(ge=0)]


class DayPart(BaseModel):
    """A part of a manifest."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class StoredColumn(DayPart):
    """Where the values of a column lie in a file: the first byte, the number of values, and their numpy type."""

    file: str
    offset: Length
    length: Length
    type: ColumnType


class StoredFile(DayPart):
    """A file of the day: its digest and size."""

    sha256: Digest
    size: Length


class DayManifest(DayPart):
    """What `day.json` says. `store` is name and fingerprint of the history, `bundle` and `catalogue` are digests.

    `base` is the bits of the raw score without contributions, `coverage` of the intervals. `reasoned` units of `units` have
    reasons. `priority_only` and `dormant_words` are said beside scores. `columns` are named by what they hold.
    """

    form: Literal[1] = 1
    target: str
    entity: str
    as_of: int
    store: str
    bundle: Digest
    catalogue: Digest
    explainer: str
    reasons_form: int
    base: str
    coverage: float | None
    features: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    units: Length
    reasoned: Length
    priority_only: dict[str, str]
    dormant_words: dict[str, str] | None
    columns: dict[str, StoredColumn]
    files: dict[str, StoredFile]
    root: Digest


def manifest_text(manifest: DayManifest) -> bytes:
    """Return the text of a manifest."""
    return manifest.model_dump_json().encode() + b"\n"


def day_name(text: bytes, manifest: DayManifest) -> DayName:
    """Return what names the scored day of a manifest of this text."""
    return DayName(sha256_of(text), manifest.units, manifest.root)


def read_manifest(text: bytes) -> DayManifest:
    """Return what a manifest says; DayUnusable where it is none."""
    try:
        return DayManifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DayUnusable(
            f"{FILE} of a scored day is wrong at {place or 'its start'}: run `lssi batch` again"
        ) from None
