"""A search: trials of a recipe's choices, each drawn by a seed and by the losses of those before."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import resources
from math import ceil
from typing import Any

import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import Trial, TrialState
from pydantic import BaseModel, ConfigDict

from features.errors import RequestError
from training.data.recipe import Recipe
from training.models.trials import Watch

Choices = dict[str, Any]
"""What a trial chose, by the names of `search.toml`, and `extra`."""
Ask = Callable[[Choices, Watch], float]
"""Takes what a trial chose and whom to tell of its progress, and returns its loss on unseen cases."""
STEP = 0.4
"""How far trees go between two comparisons of trials, as rounds times rate: ten rounds of the recipe's; a choice."""
FIRST_STEPS = 4
"""Steps before a trial may be ended: the first trees tell little of where a trial ends; a choice."""
DIGITS = 3
"""Significant digits of a choice: what is tried is what a person reads in the table."""


class Range(BaseModel):
    """The ends of one choice, and whether it is drawn evenly between their logarithms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float
    high: int | float
    log: bool


class TrialResult(BaseModel):
    """What a trial chose, its least loss so far by step, and its loss at the end; None where it was ended before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choices: Choices
    steps: tuple[tuple[int, float], ...]
    loss: float | None


class Search:
    """Optuna's study of one recipe: what it asks for next rests on the seed and on the trials so far alone.

    The recipe itself is asked for first.
    """

    def __init__(self, recipe: Recipe, *, seed: int) -> None:
        # Optuna would print a line for each trial among the output of the command
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.results: list[TrialResult] = []
        self._ranges = ranges()
        self._study = optuna.create_study(
            sampler=TPESampler(seed=seed), pruner=MedianPruner(n_warmup_steps=FIRST_STEPS)
        )
        self._study.enqueue_trial(_within(_choices_of(recipe), self._ranges))

    def replay(self, results: Iterable[TrialResult]) -> None:
        """Take the trials of an earlier run of the same search; RequestError where this one would have drawn others."""
        for result in results:
            trial = self._study.ask()
            if self._drawn(trial) != result.choices:
                raise RequestError(
                    f"trial {trial.number} of the search was drawn by another version; begin anew, without --resume"
                )
            # by what is reported here later trials are ended early, as in the run before
            for step, loss in result.steps:
                trial.report(loss, step)
            self._take(trial, result)

    def advance(self, ask: Ask) -> TrialResult:
        """Ask for one trial more and return its result."""
        trial = self._study.ask()
        choices = self._drawn(trial)
        steps: dict[int, float] = {}

        def watch(rounds: int, loss: float) -> None:
            step = int(rounds * choices["rate"] / STEP)
            if step not in steps:
                steps[step] = loss
                trial.report(loss, step)
                if trial.should_prune():
                    raise optuna.TrialPruned

        loss: float | None = None
        with suppress(optuna.TrialPruned):
            loss = ask(choices, watch)
        result = TrialResult(choices=choices, steps=tuple(steps.items()), loss=loss)
        self._take(trial, result)
        return result

    def best(self) -> TrialResult:
        """Return the trial of least loss; the earliest of equals."""
        return min(
            (result for result in self.results if result.loss is not None),
            key=lambda result: result.loss or 0.0,
        )

    def _drawn(self, trial: Trial) -> Choices:
        choices = {name: _suggested(trial, name, each) for name, each in self._ranges.items()}
        choices["extra"] = trial.suggest_categorical("extra", (False, True))
        return choices

    def _take(self, trial: Trial, result: TrialResult) -> None:
        state = TrialState.PRUNED if result.loss is None else TrialState.COMPLETE
        self._study.tell(trial, result.loss, state)
        self.results.append(result)


def ranges() -> dict[str, Range]:
    """Return the ends of each choice, in the order of `search.toml`."""
    text = resources.files("training.data").joinpath("search.toml").read_text("utf-8")
    return {name: Range.model_validate(each) for name, each in tomllib.loads(text).items()}


def fit_of(choices: Choices, recipe: Recipe) -> dict[str, Any]:
    """Return the choices of a trial as a target declares them under `fit`: one shape and one size of leaves.

    Rounds and patience reach as far as the recipe's, whatever the rate.
    """
    shape = {"leaves": choices["leaves"], "extra": choices["extra"]}
    smallest_leaf = choices["smallest_leaf"]
    steps = recipe.rate / choices["rate"]
    return {
        "smallest_leaf": smallest_leaf,
        "smaller_leaf": smallest_leaf,
        "few_cases": 0,
        "rate": choices["rate"],
        "most_rounds": ceil(recipe.most_rounds * steps),
        "patience": ceil(recipe.patience * steps),
        "columns": choices["columns"],
        "rows": choices["rows"],
        "ridge": choices["ridge"],
        "category_smoothing": choices["category_smoothing"],
        "lighter_smoothing": choices["category_smoothing"],
        "shape": [shape],
    }


def _choices_of(recipe: Recipe) -> Choices:
    """Return the recipe's own choices, of its first shape."""
    shape = recipe.shape[0]
    named = recipe.model_dump() | shape.model_dump(include={"leaves", "extra"})
    choices = {name: named[name] for name in (*ranges(), "extra")}
    return choices | {"smallest_leaf": recipe.leaf_of(shape)}


def _within(choices: Choices, ends: dict[str, Range]) -> Choices:
    """Return choices moved inside their ends."""
    inside = {name: min(max(choices[name], each.low), each.high) for name, each in ends.items()}
    return choices | inside


def _suggested(trial: Trial, name: str, ends: Range) -> int | float:
    if isinstance(ends.low, int):
        return trial.suggest_int(name, ends.low, int(ends.high), log=ends.log)
    return float(f"{trial.suggest_float(name, ends.low, ends.high, log=ends.log):.{DIGITS}g}")
