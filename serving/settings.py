"""Settings of the service, read from the environment once, when it starts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from features.errors import RequestError
from features.home import home
from features.ingest.postgres import is_database
from features.ingest.source import Place
from serving.database.place import VARIABLE, LedgerPlace, ledger_place


@dataclass(frozen=True, slots=True)
class Settings:
    """`home` holds stores, bundles and keys; `source` is the folder served, `data` is ${DATA} of its views.

    `ledger` is a file of the home unless LSSI_LEDGER states a database. After `stale_after` days the last closed day is
    stale and the service not ready; None where it never is.
    """

    home: Path
    source: Place
    data: Place | None = None
    ledger_address: str | None = None
    stale_after: int | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that give a worker process the same settings; folders as absolute paths."""
        places = {
            "LSSI_HOME": self.home,
            "LSSI_SOURCE": self.source,
            "LSSI_DATA": self.data,
            VARIABLE: self.ledger_address,
        }
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
    def ledger(self) -> LedgerPlace:
        """Where the ledger lies."""
        return ledger_place(self.home, {VARIABLE: self.ledger_address or ""})


def settings_of(environ: Mapping[str, str]) -> Settings:
    """Return the settings in LSSI_HOME (default ./.lssi), LSSI_SOURCE, LSSI_DATA, LSSI_LEDGER and LSSI_STALE_AFTER.

    RequestError without a source.
    """
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
    return Settings(
        home(environ),
        source,
        data or None,
        ledger_address=environ.get(VARIABLE) or None,
        stale_after=None if stale_after is None else int(stale_after),
    )


def software_version() -> str:
    """Return the version of this software: of the installed package, in a bento of the pyproject.toml beside the code."""
    try:
        return version("lssi-risk")
    except PackageNotFoundError:
        text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
        return str(tomllib.loads(text)["project"]["version"])
