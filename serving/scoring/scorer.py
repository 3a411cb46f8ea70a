"""The scorer: given a store, its models and its last closed day, units become cases with score, rank and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from features.arrays import NULL
from features.calendar import date_of
from features.cases import Cases
from features.contract.tables import contract_as_json
from features.engine.dormancy import Dormancy
from features.engine.engine import Engine
from features.engine.evaluated import Evaluation
from features.engine.evaluation import evaluation
from features.engine.population import cases_of
from features.errors import TargetError
from features.online.request import sent_evaluation
from features.online.request_case import History
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import score
from models.explain.case_reasons import case_reasons
from models.explain.expected_words import expected_words
from models.explain.explain import explain
from serving.answers import Info, Model
from serving.day.scored_day import PublishedDay
from serving.ledger.entries import canonical, sha256_of
from serving.ledger.reasons import plain_facts, plain_reason
from serving.ledger.record import Case, vector_of
from serving.scoring.loaded_day import loaded_to
from serving.scoring.ranks import Ranks
from serving.scoring.transcript import Scoring
from serving.settings import software_version

SHARED = ("cell", "division", "section", "provider", "kind")
"""The keys of a case that name what it shares with its peers, and no person."""


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """What every request needs, loaded once; it reads no clock and looks from the last closed day of its store.

    Without `dormancy` no unit is told to be dormant or not. `days` are the published days of its targets, `generation` names
    what is in use.
    """

    engine: Engine
    bundles: Mapping[str, Bundle]
    ranks: Mapping[str, Ranks]
    dormancy: Dormancy | None = None
    days: Mapping[str, PublishedDay] = field(default_factory=dict)
    generation: str | None = None

    @property
    def store(self) -> Store:
        """The store that is looked at."""
        return self.engine.store

    @property
    def day(self) -> int:
        """The day looked from."""
        return self.store.complete_to

    def bundle(self, target: str, entity: str) -> Bundle:
        """Return the model of a target that scores an entity; TargetError where none does."""
        bundle = self.bundles.get(target)
        if bundle is None or bundle.entity != entity:
            targets = [name for name, other in self.bundles.items() if other.entity == entity]
            raise TargetError(
                f"no model scores {entity} for {target!r}; "
                f"a target should be one of [{', '.join(sorted(targets))}]"
            )
        return bundle

    def check(self, target: str, entity: str, ids: Sequence[str]) -> None:
        """Raise TargetError without a model, UnknownId for the first id that the register of the day lacks."""
        self.bundle(target, entity)
        days = np.full(len(ids), self.day, np.int64)
        cases_of(self.engine, entity, ids, days)

    def by_id(self, target: str, entity: str, ids: Sequence[str]) -> Scoring:
        """Return the cases of ids, in the order given; UnknownId for the first that the register of the day lacks."""
        bundle = self.bundle(target, entity)
        evaluated = evaluation(self.engine, entity, self.day, ids)
        scoring = self._scored(bundle, evaluated)
        cases = [replace(case, dormant=self._dormant(entity, case.key)) for case in scoring.cases]
        return replace(scoring, cases=tuple(cases))

    def scores_by_id(self, target: str, entity: str, ids: Sequence[str]) -> Scoring:
        """Return the cases of ids with scores and ranks, without reasons; UnknownId as in `by_id`."""
        bundle = self.bundle(target, entity)
        inputs = evaluation(self.engine, entity, self.day, ids).matrix
        scores, ranks = score(bundle, inputs), self.ranks[target]
        cases = []
        for row, key in enumerate(map(str, inputs.keys)):
            values, texts = vector_of(inputs, row, bundle.manifest.names)
            raw = float(scores.raw[row])
            case = Case(
                key=key,
                as_of=self.day,
                values=values,
                texts=texts,
                raw=raw,
                probability=float(scores.probability[row]),
                expected=scores.expected_of(row),
                interval=scores.interval_of(row),
                contributions=np.empty(0),
                facts={},
                reasons=(),
                rank=ranks.rank(key, raw),
                of=len(ranks),
                dormant=self._dormant(entity, key),
            )
            cases.append(case)
        return Scoring(bundle, bundle.forest.base, tuple(cases))

    def by_history(self, target: str, entity: str, key: str, rows: History) -> Scoring:
        """Return the case of one unit from rows given by table; peers and cell come from the store of the same day."""
        bundle = self.bundle(target, entity)
        evaluated = sent_evaluation(self.engine, entity, key, self.day, rows)
        scoring = self._scored(bundle, evaluated)
        case = replace(scoring.cases[0], history=rows)
        store_part = {
            "day": date_of(self.day).isoformat(),
            "shared": self._shared(evaluated.cases),
            "tables": sorted(rows),
        }
        return replace(scoring, cases=(case,), met=store_part)

    def _scored(self, bundle: Bundle, evaluated: Evaluation) -> Scoring:
        inputs = evaluated.matrix
        scores = score(bundle, inputs)
        explained = explain(bundle, inputs)
        ranks = self.ranks[bundle.target]
        why = case_reasons(self.engine, bundle, evaluated, explained.contributions)
        cases = []
        for row in range(len(inputs)):
            key = str(inputs.keys[row])
            raw = float(scores.raw[row])
            features_of_case = inputs.row(row)
            words = expected_words(bundle, features_of_case, scores, row)
            values, texts = vector_of(inputs, row, bundle.manifest.names)
            case = Case(
                key=key,
                as_of=self.day,
                values=values,
                texts=texts,
                raw=raw,
                probability=float(scores.probability[row]),
                expected=scores.expected_of(row),
                interval=scores.interval_of(row),
                expected_words=words,
                contributions=explained.contributions[row],
                facts=plain_facts(why[row].facts),
                reasons=[plain_reason(reason) for reason in why[row].reasons],
                rank=ranks.rank(key, raw),
                of=len(ranks),
            )
            cases.append(case)
        return Scoring(bundle, explained.base, tuple(cases))

    def _dormant(self, entity: str, key: str) -> bool | None:
        """Tell whether a unit of the register is dormant; None where that cannot be told."""
        if entity != "enterprise" or self.dormancy is None:
            return None
        return self.dormancy.of(self.store.code(entity, key))

    def _shared(self, case: Cases) -> dict[str, str]:
        """Return what a unit sent shares with its peers, by key: its cell and its sector, or its provider."""
        keys = case.keys
        shared: dict[str, str] = {}
        for name in SHARED:
            if name not in keys:
                continue
            code = int(keys[name][0])
            texts = self.store.texts(name)
            # a code past the store's texts is one that only the request names: no peer has it
            if NULL < code < len(texts):
                shared[name] = texts[code]
        return shared


def info_of(scorer: Scorer) -> Info:
    """Return what a scorer serves: its source and day, the contract's version, and its models."""
    models = [
        Model(
            target=bundle.target,
            entity=bundle.entity,
            digest=bundle.digest,
            as_of=bundle.manifest.as_of,
            features=len(bundle.features),
            ranked=len(scorer.ranks[bundle.target]),
            scored_day=_day_digest(scorer, bundle.target),
        )
        for bundle in scorer.bundles.values()
    ]
    return Info(
        source=scorer.store.summary["name"],
        complete_to=date_of(scorer.day),
        loaded_to=loaded_to(scorer.store),
        version=software_version(),
        contract=sha256_of(canonical(contract_as_json()))[:12],
        models=models,
        generation=scorer.generation,
    )


def _day_digest(scorer: Scorer, target: str) -> str | None:
    """Return the digest of the scored day that a target is answered from; None where it has none."""
    published = scorer.days.get(target)
    return None if published is None else published.day.name.digest
