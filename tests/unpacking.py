"""Archives of the tests, unpacked by every Python that the project runs on."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path


def unpack(archive: tarfile.TarFile, folder: Path, only: Iterable[tarfile.TarInfo] = ()) -> None:
    """Unpack an archive into a folder, or only some of its members.

    Python 3.11.2, which Debian 12 has, knows no filter of members yet; 3.12 and 3.13 warn where none is named.
    """
    filtered = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    archive.extractall(folder, list(only) or None, **filtered)  # type: ignore[arg-type]
