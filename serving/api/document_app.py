"""The document of the service and its page, as an application that the framework mounts beside its own routes."""

from __future__ import annotations

import json
from functools import cache

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route as Path_

from serving.api.document_page import page_of
from serving.api.openapi import document


@cache
def document_bytes() -> bytes:
    """Return the document as it is served and as `docs/openapi.json` has it."""
    return (json.dumps(document(), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


@cache
def _page() -> str:
    return page_of(document())


async def _document(_request: Request) -> Response:
    return Response(document_bytes(), media_type="application/json")


async def _docs(_request: Request) -> Response:
    return HTMLResponse(_page())


DOCUMENT_APP = Starlette(routes=[Path_("/openapi.json", _document), Path_("/docs", _docs)])
