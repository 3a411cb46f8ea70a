"""What a caller may see: asked before anything is scored or a record is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Guard(Protocol):
    """Raises an error of the user's where the caller at this moment may not see what is asked for."""

    def check_units(self, entity: str, ids: Sequence[str]) -> None:
        """Raise UnknownId unless the caller may see all of these units."""

    def check_record(self, payload: Mapping[str, Any] | None) -> None:
        """Raise RecordUnknown unless the caller may see a record with this payload, None where that is erased."""


class Everything:
    """The guard of a desk whose callers may see all units."""

    def check_units(self, entity: str, ids: Sequence[str]) -> None:
        """Let all units be seen."""

    def check_record(self, payload: Mapping[str, Any] | None) -> None:
        """Let all records be seen."""
