"""The manifest of a bundle: what `bundle.json` says, with every feature's declaration and categories frozen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from pydantic import Field, FiniteFloat, model_validator

from features.matrix import Matrix
from models.bundle.card import Card
from models.bundle.number import BundlePart, Number

TREES, SCORECARD = 2, 3
"""The forms of bundles that are written: of boosted trees, and of a scorecard, which says its `card`."""
OLDEST = 1
"""The oldest form that is read: a bundle of form 1 says nothing of `number`."""


class FeatureDeclaration(Protocol):
    """What a bundle keeps of a catalogue's feature."""

    @property
    def name(self) -> str: ...
    @property
    def expression(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def direction(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...
    @property
    def reason_zh(self) -> str: ...
    @property
    def reason_en(self) -> str: ...
    @property
    def check_zh(self) -> str: ...
    @property
    def check_en(self) -> str: ...
    @property
    def tables(self) -> tuple[str, ...]: ...


class FrozenFeature(BundlePart):
    """One input of a model: the declaration in force at training; `categories` is None for a number."""

    name: str
    expression: str
    unit: str
    direction: str
    family: str
    zh: str
    en: str
    reason_zh: str = ""
    reason_en: str = ""
    check_zh: str = ""
    check_en: str = ""
    tables: tuple[str, ...] = ()
    categories: tuple[str, ...] | None = None


class Manifest(BundlePart):
    """The content of `bundle.json`."""

    format: int = Field(TREES, ge=OLDEST, le=SCORECARD)
    target: str
    entity: str
    as_of: str
    features: tuple[FrozenFeature, ...] = Field(min_length=1)
    calibration_raw: tuple[FiniteFloat, ...]
    calibration_probability: tuple[FiniteFloat, ...]
    versions: dict[str, str]
    origin: dict[str, str]
    metrics: dict[str, FiniteFloat | None]
    number: Number | None = None
    card: Card | None = None

    @model_validator(mode="after")
    def _has_a_card_where_it_is_one(self) -> Manifest:
        """Refuse a scorecard without its card, and a card in another form."""
        if (self.format == SCORECARD) != (self.card is not None):
            raise ValueError(f"form {SCORECARD} and no other has a card")
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The model's inputs in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def unit_expected(self) -> str:
        """The unit of the expected number, persons or fen; "" where the bundle does not say."""
        return "" if self.number is None else self.number.unit


def frozen_features(
    declarations: Sequence[FeatureDeclaration], matrix: Matrix
) -> tuple[FrozenFeature, ...]:
    """Return the columns of a training matrix in their order, each with its declaration and its categories frozen."""
    by_name = {declaration.name: declaration for declaration in declarations}
    return tuple(_frozen(by_name[name], matrix.categories.get(name)) for name in matrix.names)


def _frozen(declaration: FeatureDeclaration, categories: tuple[str, ...] | None) -> FrozenFeature:
    names = [field for field in FrozenFeature.model_fields if field != "categories"]
    return FrozenFeature(
        **{field: getattr(declaration, field) for field in names}, categories=categories
    )
