"""The catalogue spelled out: every window, measure, join and feature, and one digest over all of them."""

from __future__ import annotations

import hashlib
import json

from features.catalogue.model import Catalogue
from features.catalogue.parse import declared_joins


def spelled(catalogue: Catalogue) -> dict[str, dict[str, str]]:
    """Return everything that decides a value of the catalogue as text, by kind and name."""
    return {
        "windows": {w.name: f"{w.unit} ({w.first}, {w.last}]" for w in catalogue.windows.values()},
        "measures": {m.name: m.spelled() for m in catalogue.measures.values()},
        "joins": {
            j.name: f"{j.left} x {j.right} on {', '.join(j.on)} takes {', '.join(j.taken)}"
            for j in declared_joins()
        },
        "features": {f.name: f"{f.entity}: {f.expression}" for f in catalogue.declared.values()},
    }


def catalogue_digest(catalogue: Catalogue) -> str:
    """Return the SHA-256 of a catalogue as it is spelled out, 64 hex digits."""
    said = json.dumps(spelled(catalogue), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(said.encode()).hexdigest()
