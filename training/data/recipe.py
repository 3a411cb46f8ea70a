"""The recipe: the training choices that people argue about, read from `recipe.toml` and a target's own changes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from features.errors import TargetError
from models.optimum.rule_table import EntryList, RuleTable
from models.optimum.toml_table import table_fault

Way = Literal["weighted", "unlabelled"]
"""How cases that were chosen, not drawn, may teach; beside it they always teach as they are."""


LEAST_IN_GROUP = 100
"""LightGBM's own least number of cases of the values of a category that split off together."""


class Shape(RuleTable):
    """How a tree is grown."""

    leaves: int = Field(ge=2, le=1024)
    extra: bool = False
    smallest_leaf: int | None = Field(default=None, ge=1)
    category_smoothing: float | None = Field(default=None, ge=0)


class Recipe(RuleTable):
    """Training choices, each explained in `recipe.toml`."""

    smallest_leaf: int = Field(ge=1)
    smaller_leaf: int = Field(ge=1)
    few_cases: int = Field(ge=0)
    smaller_leaf_of_few: EntryList[Annotated[int, Field(ge=1)]]
    rate: float = Field(gt=0, le=1)
    least_rounds: int = Field(ge=1)
    most_rounds: int = Field(ge=1, le=5000)
    patience: int = Field(ge=1)
    columns: float = Field(gt=0, le=1)
    rows: float = Field(gt=0, le=1)
    ridge: float = Field(ge=0)
    category_smoothing: float = Field(ge=0)
    lighter_smoothing: float = Field(ge=0)
    few_categories: int = Field(ge=1)
    folds: int = Field(ge=2, le=20)
    tried_on: float = Field(gt=0, lt=1)
    least_positives: int = Field(ge=5)
    least_counted: int = Field(ge=10)
    capacity: float = Field(gt=0)
    directions: bool
    seed: int = Field(ge=0)
    selection: EntryList[Way]
    bystanders: int = Field(ge=0)
    heaviest: float = Field(gt=1)
    least_anchor: int = Field(ge=10)
    shape: EntryList[Shape] = Field(min_length=1)

    def leaf_of(self, shape: Shape) -> int:
        """Return how many cases a leaf of a shape has at least."""
        return shape.smallest_leaf or self.smallest_leaf

    def smoothing_of(self, shape: Shape) -> float:
        """Return how far category statistics are pulled towards each other where trees have a shape."""
        if shape.category_smoothing is None:
            return self.category_smoothing
        return shape.category_smoothing

    def least_in_group(self, shape: Shape) -> int:
        """Return how many cases the values of a category that split off together have at least.

        With a smoothing of its own a shape asks for no more than a leaf has; LightGBM's own number hides rare values.
        """
        return LEAST_IN_GROUP if shape.category_smoothing is None else self.leaf_of(shape)

    def smaller_leaves(self, shape: Shape, cases: int) -> list[int]:
        """Return the sizes of leaves below that of a shape that are tried where so many cases teach, the largest first."""
        sizes = [self.smaller_leaf]
        if cases <= self.few_cases:
            sizes += self.smaller_leaf_of_few
        return [size for size in sizes if size < self.leaf_of(shape)]

    def lightgbm(self, shape: Shape, objective: str) -> dict[str, Any]:
        """Return LightGBM's parameters: the same rows give the same trees on the same machine.

        One thread, because two are up to eight times slower where the cores are shared. Histograms are filled column by
        column, a quarter faster; the trees are those of a model filled row by row.
        """
        return {
            "objective": objective,
            "num_leaves": shape.leaves,
            "extra_trees": shape.extra,
            "min_data_in_leaf": self.leaf_of(shape),
            "learning_rate": self.rate,
            "feature_fraction": self.columns,
            "bagging_fraction": self.rows,
            "bagging_freq": 1,
            "lambda_l2": self.ridge,
            "cat_l2": self.ridge,
            "cat_smooth": self.smoothing_of(shape),
            "min_data_per_group": self.least_in_group(shape),
            "max_cat_to_onehot": self.few_categories,
            "seed": self.seed,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
            "num_threads": 1,
        }


def recipe_of(changes: Mapping[str, Any] | None = None, *, target: str = "") -> Recipe:
    """Return the recipe with one target's changes; TargetError names a choice that is unknown or out of range."""
    declared = tomllib.loads(
        resources.files("training.data").joinpath("recipe.toml").read_text("utf-8")
    )
    try:
        return Recipe.model_validate({**declared, **(changes or {})})
    except ValidationError as error:
        raise TargetError(
            f"target.{target}.fit.{table_fault(error)}; see training/data/recipe.toml"
        ) from None
