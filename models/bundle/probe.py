"""A probe: a few rows and what the model said of them when it was written, to the bit."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import BundleError

ROWS = 64
"""Rows that a bundle scores again before it is used; a choice: few to store, spread over the whole matrix."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Encoded inputs float64 (n, F) and the scores they gave: lists of float64 (n,), one per output."""

    inputs: NDArray[np.float64]
    outputs: dict[str, NDArray[np.float64]]

    def differs(self, outputs: dict[str, NDArray[np.float64]]) -> list[str]:
        """Return the outputs whose bytes are not those of the day of writing."""
        changed = []
        for name in sorted(set(self.outputs) | set(outputs)):
            written = _bytes(self.outputs.get(name))
            if written != _bytes(outputs.get(name)):
                changed.append(name)
        return changed


def _bytes(values: NDArray[np.float64] | None) -> bytes | None:
    if values is None:
        return None
    return np.ascontiguousarray(values, dtype=np.float64).tobytes()


def chosen_rows(count: int) -> NDArray[np.int64]:
    """Return at most ROWS positions spread evenly over `count` rows."""
    positions = np.linspace(0, count - 1, min(count, ROWS))
    return np.unique(positions.round().astype(np.int64))


def probe_text(probe: Probe) -> bytes:
    """Return a probe as JSON: inputs as numbers with null for missing, outputs as hexadecimal floats."""
    inputs = [_with_nulls(row) for row in probe.inputs.tolist()]
    outputs = {name: _as_hex(values.tolist()) for name, values in probe.outputs.items()}
    try:
        text = json.dumps({"inputs": inputs, "outputs": outputs}, allow_nan=False, sort_keys=True)
    except ValueError:
        raise BundleError(
            "a probe row holds an infinite value; check the features that divide"
        ) from None
    return text.encode()


def _with_nulls(row: list[float]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in row]


def _as_hex(values: list[float]) -> list[str]:
    return [value.hex() for value in values]


def probe_of(text: bytes) -> Probe:
    """Return the probe that `probe_text` wrote."""
    try:
        stored = json.loads(text)
        inputs = np.array(stored["inputs"], dtype=np.float64)
        outputs = {}
        for name, values in stored["outputs"].items():
            outputs[name] = np.array([float.fromhex(value) for value in values])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BundleError("probe.json is not a probe; take a fresh copy of the bundle") from None
    if inputs.ndim != 2 or any(len(values) != len(inputs) for values in outputs.values()):
        raise BundleError(
            "probe.json holds rows of different lengths; take a fresh copy of the bundle"
        )
    return Probe(inputs, outputs)
