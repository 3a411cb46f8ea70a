"""A store that a test changes on purpose, sealed again as if the load had written it so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from features.seal import seal_file
from features.store.layout import DICTIONARIES, DIGEST, FILES, named_files, write_summary


def seal_again(folder: Path, changed: Iterable[Path] = ()) -> None:
    """Seal changed files of a store that was loaded at once, and name in its summary the files that are there."""
    for path in changed:
        seal_file(path)
    summary = json.loads((folder / "store.json").read_text("utf-8"))
    del summary[DIGEST]
    files = named_files(folder, (folder / "base", folder / DICTIONARIES))
    write_summary(folder, summary | {FILES: files})
