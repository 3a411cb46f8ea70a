"""New cases: those of a target that came after a model was trained, with the labels that are known by a day."""

from __future__ import annotations

import numpy as np

from features.engine.engine import Engine
from features.engine.matrices import matrix_for
from features.engine.population import bare_cases, living, registered_cases
from features.ingest.source_toml import GroupJudging, Target
from features.matrix import Matrix
from training.data.cases import BOTH, TargetCases, unlabelled
from training.data.day_cases import ON_DAYS
from training.data.events import marks
from training.data.labels import SUBJECT
from training.data.population import population
from training.data.unit_cases import event_labelling, labelled_by


def new_cases(engine: Engine, target: Target, after: int, by: int) -> tuple[Matrix, TargetCases]:
    """Return the labelled cases of a target that are seen after a day, with their features, as known by another day.

    A visit is a case of its own, seen from the eve of its opening, whatever days the target looks from: nobody waits for
    a horizon to pass. A claim is seen on its first day, a unit whose event is sought on the last day whose horizon is over.
    """
    cases = _cases(engine, target, after, by)
    is_inside = (cases.as_of > after) & (cases.as_of <= by)
    new = cases.take(is_inside & ~np.isnan(cases.label))
    # sorted, so that the order of the source's rows changes nothing
    order = np.lexsort((new.ids, new.known))
    return _with_features(engine, target, new.take(order))


def _cases(engine: Engine, target: Target, after: int, by: int) -> TargetCases:
    """Return all cases of a target, labelled by what is known by a day."""
    if target.label == "event" and target.unit in ON_DAYS:
        last_judged = by - target.horizon
        return _event_cases(engine, target, max(after + 1, last_judged), by)
    # no split says which cases are used: all of them are
    undated = {"split": None, "judged": GroupJudging(by="groups")}
    return labelled_by(engine.store, target.model_copy(update=undated), by)


def _event_cases(engine: Engine, target: Target, day: int, by: int) -> TargetCases:
    """Return the units that live on a day; none has a label before the horizon is over."""
    subject = SUBJECT[target.unit]
    units = living(engine, subject, day)
    all_ids = np.array(engine.store.texts(subject), np.str_)
    ids = all_ids[units.code]
    part = np.full(len(units), BOTH, np.int8)
    cases = unlabelled(units.code, units.as_of, units.as_of, ids, part)
    return event_labelling(engine.store, target, by)(cases)


def _with_features(
    engine: Engine, target: Target, cases: TargetCases
) -> tuple[Matrix, TargetCases]:
    """Return the cases that the register knew on their day and the target asks of, with their features."""
    bare = bare_cases(SUBJECT[target.unit], cases.subject, cases.as_of)
    registered, _ = registered_cases(engine, bare)
    of_cases = marks(cases.subject, cases.as_of)
    of_registered = marks(registered.code, registered.as_of)
    chosen = cases.take(np.isin(of_cases, of_registered))
    matrix = matrix_for(engine, registered)
    condition = target.population.filter if target.population else ""
    inside = population(matrix, condition)
    return matrix.take(inside), chosen.take(inside)
