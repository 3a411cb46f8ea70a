"""Mapped files: arrays on disk of which what is looked at comes to memory, and of which a long walk can give all back."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Mapped:
    """What a file holds, as `values` of one type; they stay good when its memory is given back, and are read again if need be."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        """Map a file that is there and never changes."""
        self._held: mmap.mmap | None = None
        self.values: NDArray[Any] = np.empty(0, dtype)
        if path.stat().st_size:
            with path.open("rb") as file:
                self._held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.values = np.frombuffer(self._held, dtype)

    def give_back(self) -> None:
        """Let the memory go that holds what was looked at."""
        if self._held is not None:
            # Otherwise pages that were read count as memory of this process until the system needs them elsewhere;
            # a later look reads them from the file again.
            self._held.madvise(mmap.MADV_DONTNEED)
