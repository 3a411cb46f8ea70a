"""The table of baselines: what stands beside every model, and what it must gain over which, from `baselines.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Metric = Literal["auc", "average_precision", "precision_at_capacity"]
Reading = Literal["lot", "count", "matches", "scorecard", "logistic", "lightgbm"]
"""How a baseline ranks cases."""


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PromotionRule(_Declared):
    """Over which baseline, by which metric and over how many origins a model must gain to be promoted."""

    over: str
    metric: Metric
    least_origins: int = Field(ge=2)


class CardChoices(_Declared):
    """How a scorecard is learned; `baselines.toml` explains each number."""

    features: int = Field(ge=1)
    bins: int = Field(ge=2)
    least_share: float = Field(gt=0, lt=0.5)
    most_alike: float = Field(gt=0, le=1)
    smoothing: float = Field(gt=0)
    most_binned: int = Field(ge=100)
    points_to_double: int = Field(ge=1)


class Baseline(_Declared):
    """A baseline by its name; one that counts names the feature that it counts by, for each kind of unit."""

    name: str
    zh: str
    en: str
    reads: Reading
    enterprise: str = ""
    claim: str = ""
    provider: str = ""

    def counted(self, entity: str) -> str:
        """Return the feature by which cases of a kind are ranked."""
        names = {"enterprise": self.enterprise, "claim": self.claim, "provider": self.provider}
        return names[entity]


class BaselineTable(_Declared):
    """All baselines, the origins, and the rule of promotion."""

    origins: int = Field(ge=1)
    asked_on: float = Field(gt=0, lt=1)
    promotion: PromotionRule
    scorecard: CardChoices
    baseline: tuple[Baseline, ...] = Field(min_length=1)


@cache
def baseline_table() -> BaselineTable:
    """Return the table that the package declares."""
    text = resources.files("training.baselines").joinpath("baselines.toml").read_text("utf-8")
    return BaselineTable.model_validate(tomllib.loads(text))
