"""Laws of a scorecard in a bundle: what it scores and explains are the points that its manifest says, and no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from features.errors import BundleError
from models.bundle.bundle import Parts, load_bundle, parsed, write_bundle
from models.bundle.card import Card, CardLine, card_text
from models.bundle.folder import read_folder
from models.bundle.score import score
from models.explain.explain import explain


def card_for(parts: Parts) -> Card:
    """Return points for the first number and the first category of a bundle."""
    number = next(each.name for each in parts.features if each.categories is None)
    category = next(each for each in parts.features if each.categories is not None)
    values = category.categories[:2] if category.categories else ()
    return Card(
        start=-31,
        points_to_double=20,
        lines=(
            CardLine(feature=number, edges=(0.0, 0.5), points=(0, 7, 20, 3), cases=(10, 20, 30, 0)),
            CardLine(
                feature=category.name, values=values, points=(5, 0, 9, 1), cases=(9, 9, 40, 2)
            ),
        ),
    )


@pytest.fixture
def card_parts(model_parts: Parts) -> Parts:
    card = card_for(model_parts)
    categories = [feature.categories for feature in model_parts.features]
    names = [feature.name for feature in model_parts.features]
    return replace(model_parts, card=card, any_text=card_text(card, names, categories))


def points_by_hand(card: Card, parts: Parts) -> np.ndarray:
    """Return the sum of points of each row that a bundle is probed with."""
    number, category = card.lines
    total = np.full(len(parts.probe), float(card.start))
    for place, value in enumerate(parts.probe.column(number.feature)):
        bins = [value <= edge for edge in number.edges]
        at = 3 if np.isnan(value) else (bins.index(True) if any(bins) else 2)
        total[place] += number.points[at]
    for place, text in enumerate(parts.probe.texts(category.feature)):
        assert category.values is not None
        known = category.values.index(text) if text in category.values else 2
        total[place] += category.points[3 if text is None else known]
    return total


def test_a_scorecard_scores_exactly_its_points(card_parts: Parts, tmp_path: Path) -> None:
    bundle = load_bundle(write_bundle(tmp_path, card_parts))
    card = bundle.manifest.card
    assert card is not None and card == card_parts.card and bundle.manifest.format == 3
    raw = score(bundle, card_parts.probe).raw
    points = points_by_hand(card, card_parts)
    assert (raw == points * card.log_odds_a_point).all() and len(np.unique(points)) > 3


def test_a_feature_contributes_its_points_above_the_mean_of_training(
    card_parts: Parts, tmp_path: Path
) -> None:
    bundle = load_bundle(write_bundle(tmp_path, card_parts))
    card = bundle.manifest.card
    assert card is not None
    explained = explain(bundle, card_parts.probe)
    for line in card.lines:
        mean = np.average(line.points, weights=line.cases)
        column = explained.contributions[:, explained.names.index(line.feature)]
        points = column / card.log_odds_a_point + mean
        assert points == pytest.approx(np.round(points), abs=1e-9)
        assert set(np.round(points).astype(int)) <= set(line.points)
    others = [name for name in explained.names if name not in {line.feature for line in card.lines}]
    for name in others:
        assert not explained.contributions[:, explained.names.index(name)].any()


def forged(parts: Parts, tmp_path: Path, **changes: Any) -> Mapping[str, bytes]:
    """Return the files of a scorecard whose manifest says something else."""
    files = dict(read_folder(write_bundle(tmp_path, parts)))
    manifest = json.loads(files["bundle.json"])
    files["bundle.json"] = json.dumps(manifest | changes).encode()
    return files


def test_a_card_that_is_not_what_scores_is_refused(card_parts: Parts, tmp_path: Path) -> None:
    assert card_parts.card is not None
    other = card_parts.card.model_copy(update={"start": -30}).model_dump(mode="json")
    with pytest.raises(BundleError, match="not the scorecard"):
        parsed(forged(card_parts, tmp_path, card=other))
    for changes in ({"card": None}, {"format": 2}):
        with pytest.raises(BundleError, match="form 3 and no other has a card"):
            parsed(forged(card_parts, tmp_path, **changes))


def test_a_bundle_of_trees_says_no_word_of_a_card(model_parts: Parts, tmp_path: Path) -> None:
    manifest = json.loads(read_folder(write_bundle(tmp_path, model_parts))["bundle.json"])
    assert "card" not in manifest and manifest["format"] == 2


@pytest.mark.parametrize(
    "line",
    [
        {"edges": (1.0, 1.0), "points": (0, 1, 2, 3), "cases": (1, 1, 1, 1)},
        {"edges": (1.0,), "points": (0, 1), "cases": (1, 1)},
        {"edges": (1.0,), "values": ("A",), "points": (0, 1, 2), "cases": (1, 1, 1)},
        {"edges": (1.0,), "points": (-1, 1, 2), "cases": (1, 1, 1)},
    ],
)
def test_bins_that_do_not_follow_each_other_are_no_line(line: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CardLine(feature="size", **line)


def test_a_card_reads_only_inputs_of_its_bundle() -> None:
    card = Card(
        start=0, points_to_double=20, lines=(CardLine(feature="size", points=(0, 1), cases=(1, 1)),)
    )
    with pytest.raises(BundleError, match="size, which is no input"):
        card_text(card, ["age"], [None])
    named = CardLine(feature="kind", values=("Z",), points=(0, 1, 2), cases=(1, 1, 1))
    with pytest.raises(BundleError, match="a value of kind"):
        card_text(card.model_copy(update={"lines": (named,)}), ["kind"], [("A", "B")])
