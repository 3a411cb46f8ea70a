"""Where the service finds what it serves: read from the environment once, at its door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import RequestError


@dataclass(frozen=True, slots=True)
class Settings:
    """`home` holds stores, bundles, keys and ledger; `source` is the folder served, `data` is ${DATA} of its views."""

    home: Path
    source: Path
    data: Path | None = None

    @property
    def keys(self) -> Path:
        """The register of API keys."""
        return self.home / "keys.json"

    @property
    def ledger(self) -> Path:
        """The file of the ledger."""
        return self.home / "ledger.db"


def settings_of(environ: Mapping[str, str]) -> Settings:
    """Return the settings in LSSI_HOME (default ./.lssi), LSSI_SOURCE and LSSI_DATA; RequestError without a source."""
    source, data = environ.get("LSSI_SOURCE"), environ.get("LSSI_DATA")
    if not source:
        raise RequestError("LSSI_SOURCE is not set; say `lssi serve SOURCE`, or name the folder of the source in it")
    return Settings(Path(environ.get("LSSI_HOME") or ".lssi"), Path(source), Path(data) if data else None)
