"""The limits of the monitor: from when on something has moved, and what that calls for, from `limits.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Word = Literal["go on", "watch", "halt"]
"""What a monitor says, the mildest first."""


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CalledFor(_Declared):
    """The word that each thing seen calls for."""

    feed_stopped: Word
    feed_thin: Word
    table_moved: Word
    features_moved: Word
    never_seen: Word
    scores_moved: Word
    calibration_off: Word
    calibration_far_off: Word
    lift_halted: Word
    groups_apart: Word
    groups_far_apart: Word


class MonitorLimits(_Declared):
    """The numbers that `limits.toml` explains."""

    error: float = Field(gt=0, lt=1)
    psi_moved: float = Field(gt=0)
    psi_far: float = Field(gt=0)
    bins: int = Field(ge=2)
    least_in_bin: int = Field(ge=1)
    least_share: float = Field(gt=0, le=1)
    least_moved: int = Field(ge=1)
    feed_days: int = Field(ge=1)
    feed_spans: int = Field(ge=1)
    least_rows: int = Field(ge=1)
    thin: float = Field(gt=0, lt=1)
    late_days: int = Field(ge=1)
    far_off: float = Field(gt=0, lt=1)
    gap: float = Field(gt=0, lt=2)
    least_visits: int = Field(ge=1)
    tests_shown: int = Field(ge=1)
    word: CalledFor


@cache
def monitor_limits() -> MonitorLimits:
    """Return the limits that the package declares."""
    text = resources.files("training.monitor").joinpath("limits.toml").read_text("utf-8")
    return MonitorLimits.model_validate(tomllib.loads(text))
