"""A recorded score beside its peers: which features put it above or below their mean, computed from the record's day.

Nothing of it is recorded: the same record, history and model give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from features.engine.engine import Engine, engine_of
from features.engine.matrices import columns_of_living, matrix
from features.errors import HistoryError, RequestError
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.booster import margins
from models.explain.against_peers import explain_against
from models.explain.peer_group import PeerGroup, peer_attributes, peer_group
from serving.ledger.record import record_matrix
from serving.replay.peer_comparison import PeerComparison, PeerEvidence
from serving.replay.provenance import case_evaluation


def the_comparison(evidence: PeerEvidence) -> PeerComparison:
    """Return the one score of a dossier beside its peers; RequestError where the record has more units and none is named.

    Raises BundleError as `Dossier.bundle` does, HistoryError where the history is gone.
    """
    if len(evidence.cases) != 1:
        record_id = evidence.stored.record_id
        raise RequestError(
            f"record '{record_id}' is of {len(evidence.cases) or 'many'} units; name one of them with --unit, "
            "or as `unit` over HTTP"
        )
    [comparison] = comparisons(evidence)
    return comparison


def comparisons(evidence: PeerEvidence) -> Iterator[PeerComparison]:
    """Yield each score of a dossier beside its peers; the living units of a day are classed once for all of them."""
    record = evidence.record
    attributes = peer_attributes(record.entity)
    names = tuple(chain.from_iterable(each.features for each in attributes.values()))
    bundle, store = evidence.bundle(), _history(evidence)
    engine = engine_of(store)
    living: dict[int, Matrix] = {}
    for case in evidence.cases:
        if case.as_of not in living:
            living[case.as_of] = columns_of_living(engine, record.entity, case.as_of, names)
        whole_unit = case_evaluation(record, case, store).matrix
        group = peer_group(whole_unit, living[case.as_of])
        peers = _peers(engine, group, living[case.as_of])
        peer_scores = margins(bundle.any_model, bundle.matrix(peers))
        # the row that was scored is the record's, whatever the history says today
        explanation = explain_against(bundle, record_matrix(record, case), peers)
        yield PeerComparison(
            evidence.stored.record_id,
            record,
            case,
            bundle,
            group,
            peers,
            peer_scores,
            explanation,
        )


def _history(evidence: PeerEvidence) -> Store:
    store = evidence.store()
    if store is None:
        record_id = evidence.stored.record_id
        raise HistoryError(
            f"the history of record '{record_id}' is gone, and with it the peers; restore its store and ask again"
        )
    return store


def _peers(engine: Engine, group: PeerGroup, living: Matrix) -> Matrix:
    """Return all features of the peers of a group, in the order of the living."""
    keys = living.keys[group.places].tolist()
    return matrix(engine, living.entity, int(living.as_of[0]), keys)
