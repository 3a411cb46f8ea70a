"""How well probabilities can be believed: Brier score, log-loss, and what was found where a probability was told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss

Floats = NDArray[np.float64]
CLASSES = (0.0, 1.0)
"""Both labels, since scikit-learn cannot tell a class that no case has."""
LEAST_CASES = 5
"""Cases of a row of the table at least, for a share of fewer says little; a choice."""


def probability_scores(label: Floats, probability: Floats) -> dict[str, float | None]:
    """Return Brier score and log-loss, those of a model that tells every case the base rate, and the base rate."""
    if not len(label):
        names = ("brier", "brier_of_base_rate", "log_loss", "log_loss_of_base_rate", "base_rate")
        return dict.fromkeys(names)
    base_rate = float(label.mean())
    always = np.full(len(label), base_rate)
    return {
        "brier": _brier(label, probability),
        "brier_of_base_rate": _brier(label, always),
        "log_loss": float(log_loss(label, probability, labels=CLASSES)),
        "log_loss_of_base_rate": float(log_loss(label, always, labels=CLASSES)),
        "base_rate": base_rate,
    }


def weighted_log_loss(label: Floats, probability: Floats, weight: Floats) -> float:
    """Return the log-loss in which each case counts its weight."""
    return float(log_loss(label, probability, labels=CLASSES, sample_weight=weight))


def _brier(label: Floats, probability: Floats) -> float:
    return float(brier_score_loss(label, probability, labels=CLASSES, pos_label=1.0))


def calibration_table(label: Floats, probability: Floats, rows: int = 10) -> list[dict[str, float]]:
    """Return rows of rising probability, about equally full: cases, mean probability told, share of positives found.

    Cases of one probability share a row, so that the order of the cases changes nothing.
    """
    # sums of the same numbers in another order differ in their last bit
    order = np.lexsort((label, probability))
    label = label[order]
    probability = probability[order]
    number = row_numbers(probability, rows)
    table: list[dict[str, float]] = []
    for each in np.unique(number):
        in_row = number == each
        row = {
            "cases": int(in_row.sum()),
            "told": float(probability[in_row].mean()),
            "found": float(label[in_row].mean()),
        }
        table.append(row)
    return table


def row_numbers(probability: Floats, rows: int) -> NDArray[np.int64]:
    """Return the row of each case: the tenth, or other part, in which the middle of the cases of its probability lies.

    >>> row_numbers(np.array([0.2, 0.1, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 0.9, 0.9]), 10).tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    """
    row_count = min(rows, len(probability) // LEAST_CASES or 1)
    _, member, cases = np.unique(probability, return_inverse=True, return_counts=True)
    middle = np.cumsum(cases) - cases / 2
    row = np.floor(middle * row_count / len(probability))
    return np.asarray(row[member], dtype=np.int64)
