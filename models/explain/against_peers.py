"""An explanation against peers: each feature's exact share of how far a raw score lies from the mean of a peer group."""

from __future__ import annotations

import math

import numpy as np

from features.errors import BundleError
from features.matrix import Matrix
from models.bundle.booster import margins
from models.bundle.bundle import Bundle
from models.explain.explain import TOLERANCE, Explanation
from models.explain.peer_kernel import contributions_against


def explain_against(bundle: Bundle, matrix: Matrix, peers: Matrix) -> Explanation:
    """Return interventional SHAP values against the rows of `peers`, checked to sum to the raw score within TOLERANCE.

    The base is the mean raw score of the peers. The bytes do not depend on the batch, nor on the order of the peers as
    long as no path of the model splits on more features than have tables.
    """
    inputs = bundle.matrix(matrix)
    peer_inputs = bundle.matrix(peers)
    of_peers = margins(bundle.any_model, peer_inputs)
    base = math.fsum(of_peers.tolist()) / len(of_peers)
    shares = contributions_against(bundle.forest, inputs, peer_inputs)
    gaps = np.abs(base + shares.sum(axis=1) - margins(bundle.any_model, inputs))
    if not (gaps <= TOLERANCE).all():
        raise BundleError(
            f"contributions against peers miss the raw score by {gaps.max():.2g}; this model cannot be compared, train it again"
        )
    return Explanation(base, shares, bundle.manifest.names)
