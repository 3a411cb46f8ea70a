"""The newest day that is loaded of the source served: until it is published, an earlier one is served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from features.calendar import date_of
from features.store.store import Store


def loaded_to(store: Store) -> date:
    """Return the newest last closed day of the stores of a store's source, as they lie beside it at this moment."""
    served_day = date_of(store.complete_to)
    return max([served_day, *_loaded_days(store.folder.parent, store.summary["name"])])


def _loaded_days(stores: Path, name: str) -> Iterator[date]:
    """Yield the last closed day of each store of a source.

    It is read as it is written: nothing is scored from it, and comparing the digests of all files takes longer than an answer.
    """
    for folder in stores.iterdir():
        if not folder.name.startswith(f"{name}-"):
            continue
        try:
            summary = json.loads((folder / "store.json").read_bytes())
            # another source's name may begin like this one's
            if summary["name"] == name:
                yield date.fromisoformat(summary["complete_to"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
