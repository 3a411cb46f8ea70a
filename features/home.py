"""The home folder: where stores, bundles, the registry, the journal and the ledger live."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

DEFAULT = ".lssi"
VARIABLE = "LSSI_HOME"


def home(environment: Mapping[str, str] | None = None) -> Path:
    """Return the absolute home folder: $LSSI_HOME, or `.lssi` here where it is unset or empty.

    >>> home({"LSSI_HOME": ""}) == home({}) == Path(".lssi").resolve()
    True
    """
    variables = os.environ if environment is None else environment
    folder = variables.get(VARIABLE) or DEFAULT
    return Path(folder).resolve()
