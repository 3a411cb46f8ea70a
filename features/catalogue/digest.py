"""The catalogue spelled out: every window, measure, join and feature, and one digest over all of them."""

from __future__ import annotations

import hashlib
import json

from features.catalogue.joins import declared_joins
from features.catalogue.model import Catalogue, Join, Window


def spelled(catalogue: Catalogue) -> dict[str, dict[str, str]]:
    """Return everything that decides a value of the catalogue as text, by kind and name."""
    windows = catalogue.windows.values()
    measures = catalogue.measures.values()
    features = catalogue.declared.values()
    return {
        "windows": {window.name: _window_text(window) for window in windows},
        "measures": {measure.name: measure.spelled() for measure in measures},
        "joins": {join.name: _join_text(join) for join in declared_joins()},
        "features": {
            feature.name: f"{feature.entity}: {feature.expression}" for feature in features
        },
    }


def _window_text(window: Window) -> str:
    return f"{window.unit} ({window.first}, {window.last}]"


def _join_text(join: Join) -> str:
    keys = ", ".join(join.on)
    columns = ", ".join(join.taken)
    return f"{join.left} x {join.right} on {keys} takes {columns}"


def catalogue_digest(catalogue: Catalogue) -> str:
    """Return the SHA-256 of a catalogue as it is spelled out, 64 hex digits."""
    declarations = spelled(catalogue)
    text = json.dumps(declarations, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
