"""The page at /docs: the document as a reader sees it, whole in one file, without a script or a request to elsewhere."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from serving.gate.style import STYLE


def page_of(document: dict[str, Any]) -> str:
    """Return the page of a document."""
    pages = Environment(
        loader=PackageLoader("serving", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["shown"] = _shown
    operations: list[dict[str, Any]] = []
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            operations.append({"path": path, "method": method.upper(), **operation})
    template = pages.get_template("docs.html.j2")
    return template.render(
        document=document,
        operations=operations,
        schemas=document["components"]["schemas"],
        style=Markup(STYLE),
    )


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
