"""Tuning: a search for better choices than the recipe's, judged on a span of days that taught no trial."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import RequestError, TargetError
from features.files import write_text
from models.bundle.booster import margins
from training.data.dataset import Dataset
from training.data.folds import Fold
from training.data.recipe import Recipe
from training.evaluation.paired import ratio_interval
from training.models.fit import Fit, Lesson, fit_any, refit, unseen_loss
from training.models.learn import lesson_of
from training.models.search import Choices, Search, TrialResult, fit_of, ranges
from training.models.tally import log_losses
from training.models.trials import Watch

Floats = NDArray[np.float64]
Advance = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """What a search rests on: the training cases of a target, its recipe, and what its source declares under `fit`.

    `searched` has the folds that trials are tried on, `judge` is the last fold, which no trial sees.
    """

    name: str
    declared: Mapping[str, Any]
    recipe: Recipe
    searched: Lesson
    judge: Fold
    label: Floats

    def digest(self, seed: int) -> str:
        """Return the SHA-256 of all that a search rests on, to the bit."""
        recipe = self.recipe.model_dump(mode="json")
        ends = [each.model_dump() for each in ranges().values()]
        declared = [recipe, self.searched.directions, seed, ends, optuna.__version__]
        total = hashlib.sha256(json.dumps(declared).encode())
        folds = (*self.searched.folds, self.judge)
        masks = chain.from_iterable((fold.seen, fold.held) for fold in folds)
        for array in (self.searched.matrix.values, self.label, *masks):
            total.update(np.ascontiguousarray(array).tobytes())
        keys = self.searched.matrix.keys.tolist()
        total.update("\n".join(keys).encode())
        return total.hexdigest()


class Stored(BaseModel):
    """What a home keeps of a search: its trials so far, and a digest of what it rests on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digest: str
    trials: tuple[TrialResult, ...]


@dataclass(frozen=True, slots=True)
class SearchFile:
    """The file in the home from which a search of some digest and seed can be resumed."""

    path: Path
    digest: str
    seed: int

    def read(self) -> list[TrialResult]:
        """Return the trials of an earlier run; RequestError where there are none of this search."""
        if not self.path.exists():
            raise RequestError(
                f"no search is to be resumed in {self.path}; leave --resume out to begin one"
            )
        try:
            stored = Stored.model_validate_json(self.path.read_bytes())
        except ValidationError:
            raise RequestError(
                f"{self.path} is damaged; leave --resume out to begin anew"
            ) from None
        if stored.digest != self.digest:
            raise RequestError(
                f"the search in {self.path} rests on other cases, another recipe or another version; "
                "leave --resume out to begin anew"
            )
        return list(stored.trials)

    def write(self, results: list[TrialResult]) -> None:
        """Keep the trials so far, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stored = Stored(digest=self.digest, trials=tuple(results))
        write_text(self.path, stored.model_dump_json(indent=1))


def search_file(home: Path, source: str, tuning: Tuning, seed: int) -> SearchFile:
    """Return the file in which a home keeps a search of a source's target."""
    path = home / "tuning" / f"{source}.{tuning.name}.{seed}.json"
    return SearchFile(path, tuning.digest(seed), seed)


def tuning_of(whole: Dataset, recipe: Recipe) -> Tuning:
    """Return what a search of a data set rests on; TargetError where its training days give fewer than two folds."""
    lesson = lesson_of(whole, recipe)
    if len(lesson.folds) < 2:
        raise TargetError(
            f"tuning {whole.name!r} needs two spans of training days at least, one of them to judge what is "
            f"found on the others; got {len(lesson.folds)}: add history"
        )
    judge = lesson.folds[-1]
    # folds of units see each other's cases: what judges must teach no trial
    folds = [Fold(fold.seen & ~judge.held, fold.held) for fold in lesson.folds[:-1]]
    searched = replace(lesson, folds=folds)
    label = whole.cases.label[whole.taught()]
    return Tuning(whole.name, dict(whole.target.fit), recipe, searched, judge, label)


def tuned(
    tuning: Tuning, file: SearchFile, *, trials: int, resume: bool, advance: Advance
) -> dict[str, Any]:
    """Return the plain values that `lssi tune` prints, after as many trials as asked for.

    The same cases, trials and seed give the same values, whether the search was stopped and resumed or not.
    """
    of_recipe = fit_any(tuning.searched, tuning.label, tuning.recipe)
    search = Search(tuning.recipe, seed=file.seed)
    if resume:
        search.replay(file.read()[:trials])
    while len(search.results) < trials:
        advance(len(search.results), trials)
        search.advance(_asker(tuning, of_recipe))
        file.write(search.results)
    return _report(tuning, search, of_recipe, file.seed)


def _asker(tuning: Tuning, of_recipe: Fit) -> Callable[[Choices, Watch], float]:
    """Return what tries choices on the folds searched, bound by the declared directions where the recipe's model is."""
    lesson = tuning.searched
    if of_recipe.directions is not None and not of_recipe.directions.bind:
        lesson = replace(lesson, directions={})

    def ask(choices: Choices, watch: Watch) -> float:
        return unseen_loss(lesson, tuning.label, _changed(tuning.recipe, choices), watch)

    return ask


def _changed(recipe: Recipe, choices: Choices) -> Recipe:
    """Return the recipe with the choices of a trial, checked as a source's own are."""
    return Recipe.model_validate(recipe.model_dump() | fit_of(choices, recipe))


def _report(tuning: Tuning, search: Search, of_recipe: Fit, seed: int) -> dict[str, Any]:
    """Return what was found, and how both do on the span that no trial saw."""
    best = search.best()
    changed = _changed(tuning.recipe, best.choices)
    of_best = fit_any(tuning.searched, tuning.label, changed)
    judged = _judged(tuning, (of_recipe, tuning.recipe), (of_best, changed), seed)
    ended_early = sum(result.loss is None for result in search.results)
    return {
        "target": tuning.name,
        "seed": seed,
        "trials": len(search.results),
        "ended_early": ended_early,
        "searched": {"recipe": of_recipe.loss, "tuned": of_best.loss},
        "judged": judged,
        "better": judged["interval"] is not None and judged["interval"][1] < 0,
        "fit": {**tuning.declared, **fit_of(best.choices, tuning.recipe)},
    }


def _judged(
    tuning: Tuning, before: tuple[Fit, Recipe], after: tuple[Fit, Recipe], seed: int
) -> dict[str, Any]:
    """Return the mean losses of two recipes on the last fold, and their paired difference with its interval."""
    losses_before = _judged_losses(tuning, *before)
    losses_after = _judged_losses(tuning, *after)
    more = losses_after - losses_before
    units = tuning.searched.matrix.keys[tuning.judge.held]
    return {
        "cases": len(more),
        "recipe": float(losses_before.mean()),
        "tuned": float(losses_after.mean()),
        "difference": float(more.mean()),
        "interval": ratio_interval(units, more, np.ones(len(more)), seed=seed),
    }


def _judged_losses(tuning: Tuning, like: Fit, recipe: Recipe) -> Floats:
    """Return the log-loss of each case of the last fold, by a model of the cases that it sees."""
    judge = tuning.judge
    seen = Lesson(tuning.searched.matrix.take(judge.seen), (), tuning.searched.directions)
    model = refit(seen, tuning.label[judge.seen], like, recipe)
    raw = margins(model, tuning.searched.matrix.values[judge.held])
    return log_losses(raw, tuning.label[judge.held])


def table_of(report: Mapping[str, Any]) -> str:
    """Return what was found as the table that a source's own file declares, with the verdict as its comment."""
    lines = [f"# {line}" for line in tuning_lines(report)]
    lines.append(f"[target.{report['target']}.fit]")
    lines += [f"{name} = {_toml(value)}" for name, value in report["fit"].items()]
    return "\n".join(lines) + "\n"


def tuning_lines(report: Mapping[str, Any]) -> list[str]:
    """Return whether the choices found are better than the recipe's, in Chinese and English, with the losses that say so."""
    judged = report["judged"]
    searched = report["searched"]
    verdict = "优于现行选择 better than the recipe"
    if not report["better"]:
        verdict = "不优于现行选择，应保留 no better than the recipe: keep it"
    unseen = f"{judged['cases']:,} 例未参与搜索 cases that no trial saw"
    both = f"损失 loss: 现行 recipe {judged['recipe']:.4f}, 搜索所得 tuned {judged['tuned']:.4f}"
    apart = f"差 difference {judged['difference']:+.4f} {_ends(judged['interval'])}"
    tried = f"搜索 searched: {report['trials']} 次 trials, {report['ended_early']} 次提前结束 ended early"
    losses = f"损失 loss {searched['recipe']:.4f} → {searched['tuned']:.4f}"
    return [
        f"{report['target']}: {verdict}",
        f"{unseen}; {both}, {apart}",
        f"{tried}, 种子 seed {report['seed']}, {losses}",
    ]


def _ends(interval: list[float] | None) -> str:
    """Return an interval in words; of a single unit there is none.

    >>> _ends([-0.02, 0.01]), _ends(None)
    ('[-0.0200, +0.0100]', '(一个单位，无区间 one unit alone: no interval)')
    """
    if interval is None:
        return "(一个单位，无区间 one unit alone: no interval)"
    low, high = interval
    return f"[{low:+.4f}, {high:+.4f}]"


def _toml(value: Any) -> str:
    """Return a choice as TOML writes it: a number, a truth value, a text, a list or a table of these.

    >>> _toml([{"leaves": 7, "extra": False}])
    '[{ leaves = 7, extra = false }]'
    """
    if isinstance(value, Mapping):
        entries = [f"{name} = {_toml(each)}" for name, each in value.items()]
        return f"{{ {', '.join(entries)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
