"""Laws of a search: it repeats to the byte, goes on where it stopped, and is judged on days that taught no trial."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import RequestError
from features.matrix import Matrix
from training.data.folds import Fold
from training.data.recipe import recipe_of
from training.models.fit import Lesson
from training.models.search import Search, fit_of
from training.runs.tune import SearchFile, Tuning, search_file, table_of, tuned

FIT = {
    "most_rounds": 30,
    "patience": 10,
    "smallest_leaf": 10,
    "few_cases": 0,
    "shape": [{"leaves": 4}],
}
TRIALS = 7
Told = Callable[..., dict[str, Any]]


def quiet(_done: int, _of: int | None) -> None:
    """Show nothing."""


def cases(seed: int = 3) -> Tuning:
    """Cases of which the first column tells, in three spans of days: two are searched, the last judges."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(900, 4))
    label = (generator.random(900) < 1 / (1 + np.exp(1 - 2 * values[:, 0]))).astype(np.float64)
    keys = np.array([f"e{place % 300:03d}" for place in range(900)])
    day = np.arange(900, dtype=np.int32) // 3
    matrix = Matrix("enterprise", keys, day, ("size", "delay", "a", "b"), values, {})
    folds = [Fold(day < start, (day >= start) & (day < start + 50)) for start in (150, 200, 250)]
    recipe = recipe_of(FIT)
    return Tuning("wages", FIT, recipe, Lesson(matrix, folds[:2]), folds[2], label)


def told(tuning: Tuning, home: Path, trials: int = TRIALS, *, resume: bool = False) -> bytes:
    file = search_file(home, "here", tuning, seed=4)
    report = tuned(tuning, file, trials=trials, resume=resume, advance=quiet)
    return json.dumps(report).encode() + file.path.read_bytes()


def test_the_same_seed_and_trials_give_the_same_bytes_and_another_seed_others(
    tmp_path: Path,
) -> None:
    first = told(cases(), tmp_path / "a")
    assert told(cases(), tmp_path / "b") == first
    other = search_file(tmp_path, "here", cases(), seed=5)
    tuned(cases(), other, trials=TRIALS, resume=False, advance=quiet)
    assert other.path.read_bytes() not in first


@pytest.mark.parametrize("stopped_after", [1, 4, TRIALS])
def test_a_search_that_was_stopped_goes_on_to_the_same_bytes(
    tmp_path: Path, stopped_after: int
) -> None:
    whole = told(cases(), tmp_path / "whole")

    def stop(done: int, _of: int | None) -> None:
        if done == stopped_after:
            raise KeyboardInterrupt

    file = search_file(tmp_path / "stopped", "here", cases(), seed=4)
    if stopped_after < TRIALS:
        with pytest.raises(KeyboardInterrupt):
            tuned(cases(), file, trials=TRIALS, resume=False, advance=stop)
        assert len(file.read()) == stopped_after
    else:
        tuned(cases(), file, trials=TRIALS, resume=False, advance=quiet)
    assert told(cases(), tmp_path / "stopped", resume=True) == whole


def test_the_span_that_judges_teaches_no_trial(tmp_path: Path) -> None:
    tuning = cases()
    label = tuning.label.copy()
    label[tuning.judge.held] = 1 - label[tuning.judge.held]
    flipped = replace(tuning, label=label)
    files = [
        search_file(tmp_path / each.label.tobytes().hex()[:9], "here", each, 4)
        for each in (tuning, flipped)
    ]
    files[1] = replace(files[1], path=tmp_path / "flipped.json")
    reports = [
        tuned(each, file, trials=TRIALS, resume=False, advance=quiet)
        for each, file in zip((tuning, flipped), files, strict=True)
    ]
    assert reports[0]["fit"] == reports[1]["fit"]
    assert reports[0]["searched"] == reports[1]["searched"]
    assert reports[0]["judged"] != reports[1]["judged"]


def test_the_first_trial_is_the_recipe_and_the_table_is_one_that_a_source_may_declare(
    tmp_path: Path,
) -> None:
    tuning = cases()
    report = tuned(
        tuning, search_file(tmp_path, "here", tuning, 4), trials=1, resume=False, advance=quiet
    )
    declared = tomllib.loads(table_of(report))["target"]["wages"]["fit"]
    assert declared == report["fit"]
    recipe = recipe_of(declared)
    alone = {
        "shape": recipe.shape,
        "smaller_leaf": recipe.smallest_leaf,
        "few_cases": 0,
        "lighter_smoothing": recipe.category_smoothing,
    }
    assert recipe == tuning.recipe.model_copy(update=alone)
    assert recipe.leaf_of(recipe.shape[0]) == 10 and recipe.shape[0].leaves == 4


def test_what_the_recipe_does_as_well_is_called_no_better(tmp_path: Path) -> None:
    """One trial is the recipe's own, so nothing can be better; both losses and the interval are said."""
    report = tuned(
        cases(), search_file(tmp_path, "here", cases(), 4), trials=1, resume=False, advance=quiet
    )
    assert report["judged"]["difference"] == 0 and report["judged"]["interval"] == [0, 0]
    assert not report["better"] and "keep it" in table_of(report)


def test_a_judge_of_one_unit_alone_gives_no_interval_and_calls_nothing_better(
    tmp_path: Path,
) -> None:
    tuning = cases()
    matrix = replace(tuning.searched.matrix, keys=np.full(900, "e000"))
    alone = replace(tuning, searched=replace(tuning.searched, matrix=matrix))
    file = search_file(tmp_path, "here", alone, 4)
    report = tuned(alone, file, trials=TRIALS, resume=False, advance=quiet)
    assert report["judged"]["interval"] is None and not report["better"]
    assert "one unit alone: no interval" in table_of(report)


def test_smaller_steps_may_take_as_many_more() -> None:
    recipe = recipe_of()
    search = Search(recipe, seed=1)
    for _ in range(5):
        choices = search.advance(lambda chosen, _watch: chosen["rate"]).choices
        changed = recipe_of(fit_of(choices, recipe))
        assert changed.most_rounds * changed.rate >= recipe.most_rounds * recipe.rate
        assert changed.patience * changed.rate >= recipe.patience * recipe.rate
    assert search.best().choices["rate"] == min(each.choices["rate"] for each in search.results)


def test_a_trial_worse_than_most_is_ended_early_and_never_the_best() -> None:
    search = Search(recipe_of(), seed=1)

    def ask(choices: dict[str, Any], watch: Callable[[int, float], None]) -> float:
        # a good trial, unless five have been: the later ones lose from the first step on
        loss = float(len(search.results) >= 5)
        for rounds in range(10, 400, 10):
            watch(rounds, loss + 1 / rounds)
        return loss

    answers = [search.advance(ask) for _ in range(7)]
    assert [answer.loss for answer in answers] == [0.0] * 5 + [None] * 2
    assert len(answers[5].steps) < len(answers[0].steps) and search.best() == answers[0]


def test_a_search_is_resumed_only_on_what_it_rests_on(tmp_path: Path) -> None:
    tuning = cases()
    with pytest.raises(RequestError, match="no search is to be resumed"):
        told(tuning, tmp_path, resume=True)
    told(tuning, tmp_path, 1)
    with pytest.raises(RequestError, match="rests on other cases"):
        told(cases(seed=9), tmp_path, resume=True)
    other = replace(tuning, recipe=recipe_of({**FIT, "ridge": 9}))
    with pytest.raises(RequestError, match="rests on other cases"):
        told(other, tmp_path, resume=True)
    file = search_file(tmp_path, "here", tuning, 4)
    stored = json.loads(file.path.read_text("utf-8"))
    stored["trials"][0]["choices"]["leaves"] = 9
    SearchFile(file.path, file.digest, 4).path.write_text(json.dumps(stored), "utf-8")
    with pytest.raises(RequestError, match="drawn by another version"):
        told(tuning, tmp_path, resume=True)
    file.path.write_text("{}", "utf-8")
    with pytest.raises(RequestError, match="is damaged"):
        told(tuning, tmp_path, resume=True)
