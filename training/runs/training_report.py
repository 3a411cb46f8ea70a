"""The report of a training as a page, from what the training says and how its source names things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.store.store import Store
from training.data.dataset import target_of
from training.models.count import unit_counted
from training.report.page import TrainedTarget, training_page


def report_of(store: Store, name: str, said: Mapping[str, Any]) -> str:
    """Return the page of a declared target's training, from what `lssi train --json` says of it."""
    target = target_of(store, name)
    source = store.source
    named = TrainedTarget(target.zh, target.en, source.zh, source.en, unit_counted(target))
    return training_page(said, named)
