"""The bench: what every model of an ablation is fitted and judged on, and what each then says of the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.engine.engine import Engine
from features.engine.population import cases_of
from features.errors import TargetError
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.booster import margins
from training.data.dataset import Dataset, dataset, target_of
from training.data.folds import parts_by_key
from training.data.recipe import Recipe, recipe_of
from training.data.untested import check_test
from training.evaluation.paired import Advance, Exam, Outcome, outcomes
from training.models.fit import Fit, Lesson, fit_any, refit
from training.models.learn import lesson_of
from training.runs.families import features_of_families

Floats = NDArray[np.float64]
FITS = 3
"""Models of each kind, one a seed: their spread is the chance of the fit, and each more costs a training."""
UNSEEN_PARTS = 3
"""Parts of the units, each asked about by a model that learned from the others: more parts, more fits."""
FULL = "(full)"


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """A data set, one shape and number of rounds, one list of fit seeds; `full` is what the models that know all say."""

    store: Store
    whole: Dataset
    lesson: Lesson
    like: Fit
    recipes: tuple[Recipe, ...]
    full: tuple[Floats, ...]

    @property
    def exam(self) -> Exam:
        """The test that every model answers."""
        tested = self.whole.tested()
        capacity = self.whole.target.capacity or self.recipes[0].capacity
        return Exam(self.whole.cases.take(tested), self.whole.matrix.keys[tested], capacity)

    def answers(self, matrix: Matrix, signs: Mapping[str, int]) -> list[Floats]:
        """Return the raw scores of the test, once a fit seed, of models that know the columns of `matrix` alone."""
        return list(_answers(self.whole, Lesson(matrix, (), signs), self.like, self.recipes))

    def answers_unseen(self, matrix: Matrix, signs: Mapping[str, int]) -> list[Floats]:
        """Return the raw scores of the test, once a fit seed, each by a model that has not seen the unit that it answers.

        The units are parted by a seed; a part's cases are answered by a model that learned from the cases of the others.
        """
        return [self._unseen_by(matrix, signs, recipe) for recipe in self.recipes]

    def _unseen_by(self, matrix: Matrix, signs: Mapping[str, int], recipe: Recipe) -> Floats:
        part = parts_by_key(self._units(), UNSEEN_PARTS, recipe.seed)
        raw = np.zeros(len(matrix))
        for each in range(UNSEEN_PARTS):
            taught = self.whole.taught() & (part != each)
            lesson = Lesson(matrix.take(taught), (), signs)
            model = refit(lesson, self.whole.cases.label[taught], self.like, recipe)
            tested = self.whole.tested() & (part == each)
            raw[tested] = margins(model, matrix.values[tested])
        return raw[self.whole.tested()]

    def _units(self) -> NDArray[np.str_]:
        """Return whom each case is about: the claimant of a claim, else the unit of the matrix."""
        matrix = self.whole.matrix
        if matrix.entity != "claim":
            return matrix.keys
        days = matrix.as_of.astype(np.int64)
        engine = Engine(self.store, self.whole.catalogue)
        claims = cases_of(engine, "claim", matrix.keys.tolist(), days)
        return np.asarray(claims.keys["worker"].astype(np.str_))

    def outcomes(
        self, answers: Mapping[str, Sequence[Floats]], advance: Advance
    ) -> dict[str, Outcome]:
        """Return the outcome of each model by name, and that of the full one, all on the same draws."""
        with_full = {FULL: self.full, **answers}
        seed = self.recipes[0].seed
        return outcomes(self.exam, with_full, seed=seed, advance=advance)

    def families(self) -> dict[str, list[str]]:
        """Return the features of each family that the matrix holds."""
        return features_of_families(self.whole)


def bench_of(store: Store, name: str, seed: int | None) -> Bench:
    """Return the bench of a declared target: shape and rounds are chosen once, by the model that knows everything."""
    target = target_of(store, name)
    recipe = recipe_of(target.fit, target=name)
    whole = dataset(store, name, seed=recipe.seed)
    if target.judged is not None:
        raise TargetError(
            f"an ablation compares models on a test that lies later, and target {name!r} is judged by groups, without "
            "time; leave features out of a copy of the catalogue and compare what `lssi train` says"
        )
    check_test(store, whole)
    lesson = lesson_of(whole, recipe)
    label = whole.cases.take(whole.taught()).label
    like = fit_any(lesson, label, recipe)
    first_seed = recipe.seed if seed is None else seed
    seeds = range(first_seed, first_seed + FITS)
    recipes = tuple(recipe.model_copy(update={"seed": each}) for each in seeds)
    on_all_cases = Lesson(whole.matrix, (), lesson.directions)
    full = tuple(_answers(whole, on_all_cases, like, recipes))
    return Bench(store, whole, lesson, like, recipes, full)


def _answers(
    whole: Dataset, lesson: Lesson, like: Fit, recipes: Sequence[Recipe]
) -> Iterator[Floats]:
    """Yield the raw scores of the test of models that learn from the training cases of a lesson on all cases."""
    taught = whole.taught()
    label = whole.cases.take(taught).label
    training_lesson = Lesson(lesson.matrix.take(taught), (), lesson.directions)
    test_values = lesson.matrix.values[whole.tested()]
    for recipe in recipes:
        model = refit(training_lesson, label, like, recipe)
        yield margins(model, test_values)
