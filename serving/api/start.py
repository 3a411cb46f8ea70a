"""Starting the service: everything that a start needs is checked first, so that what is missing is one line."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import NoReturn

from features.errors import RequestError
from features.files import own_folder
from serving.gate.access import RequestLimits
from serving.gate.key_register import read
from serving.ledger.ledger import Ledger
from serving.scoring.opening import open_scorer, publish_promoted
from serving.settings import Settings

SERVICE = "serving.api.service:Lssi"
"""Where BentoML finds the service."""


def serve(settings: Settings, *, host: str, port: int, workers: int) -> NoReturn:
    """Check everything that a start needs, then become the BentoML server; LssiError where something is missing."""
    _free(host, port)
    publish_promoted(settings)
    open_scorer(settings)
    Ledger(settings.ledger).close()
    read(settings.keys)
    place = settings.home.resolve() / "bentoml"
    own_folder(place)
    framework = {
        "BENTOML_HOME": str(place),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_CONFIG_OVERRIDES": json.dumps(
            {"services": {"lssi": {"workers": workers}}}, allow_nan=False
        ),
    }
    words = [
        "-m",
        "bentoml",
        "serve",
        SERVICE,
        "--working-dir",
        str(place),
        "--host",
        host,
        "--port",
        str(port),
        "--timeout-keep-alive",
        "30",
        "--timeout-graceful-shutdown",
        str(round(RequestLimits().answer_seconds)),
    ]
    os.execve(
        sys.executable, [sys.executable, *words], os.environ | settings.environment | framework
    )


def _free(host: str, port: int) -> None:
    try:
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind((host, port))
    except (OSError, OverflowError) as error:
        raise RequestError(
            f"the service cannot listen on {host}:{port} ({error}); choose another --host or --port"
        ) from None
