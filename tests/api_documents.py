"""The committed document and client: `python -m tests.api_documents` writes them, a test compares them."""

from __future__ import annotations

from pathlib import Path

from serving.api.client_source import client_source
from serving.api.document_app import document_bytes
from serving.api.openapi import document

DOCS = Path(__file__).parents[1] / "docs"


def committed() -> dict[Path, bytes]:
    """Return what each file should hold."""
    return {
        DOCS / "openapi.json": document_bytes(),
        DOCS / "lssi_client.py": client_source(document()).encode(),
    }


if __name__ == "__main__":
    for path, content in committed().items():
        path.write_bytes(content)
