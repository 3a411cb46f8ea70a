"""Whom an alert is about: an enterprise, a claim or a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.policy.plan_unit import KINDS


def unit_of_alert(alert: Mapping[str, Any]) -> tuple[str, str]:
    """Return the kind and the number of the unit that an alert, or its row of the journal, names."""
    return next((kind, alert[kind]) for kind in KINDS if alert.get(kind) is not None)
