"""Settings of the service, read from the environment once, when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.errors import RequestError
from features.home import home
from features.ingest.postgres import is_database
from features.ingest.source import Place


@dataclass(frozen=True, slots=True)
class Settings:
    """`home` holds stores, bundles, keys and ledger; `source` is the folder served, `data` is ${DATA} of its views.

    After `stale_after` days the last closed day is stale and the service not ready; None where it never is.
    """

    home: Path
    source: Place
    data: Place | None = None
    stale_after: int | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that give a worker process the same settings; folders as absolute paths."""
        places = {"LSSI_HOME": self.home, "LSSI_SOURCE": self.source, "LSSI_DATA": self.data}
        environment = {
            name: str(place if is_database(place) else Path(place).resolve())
            for name, place in places.items()
            if place
        }
        if self.stale_after is not None:
            environment["LSSI_STALE_AFTER"] = str(self.stale_after)
        return environment

    @property
    def keys(self) -> Path:
        """The register of API keys."""
        return self.home / "keys.json"

    @property
    def ledger(self) -> Path:
        """The file of the ledger."""
        return self.home / "ledger.db"


def settings_of(environ: Mapping[str, str]) -> Settings:
    """Return the settings that LSSI_HOME, LSSI_SOURCE, LSSI_DATA and LSSI_STALE_AFTER say; RequestError without a source."""
    source, data = environ.get("LSSI_SOURCE"), environ.get("LSSI_DATA")
    if not source:
        raise RequestError(
            "LSSI_SOURCE is not set; run `lssi serve SOURCE`, or set it to the folder of the source"
        )
    stale_after = environ.get("LSSI_STALE_AFTER") or None
    if stale_after is not None and not stale_after.isdecimal():
        raise RequestError(
            f"LSSI_STALE_AFTER should be a number of days, such as 3; got {stale_after!r}"
        )
    days = None if stale_after is None else int(stale_after)
    return Settings(home(environ), source, data or None, days)
