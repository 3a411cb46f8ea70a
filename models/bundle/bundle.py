"""A bundle: a trained model as a folder of text and JSON whose digests are checked before anything parses it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from features.errors import BundleError
from features.matrix import Matrix
from models.bundle.booster import Floats, booster_of, margins, predicted_means
from models.bundle.calibration import Calibration
from models.bundle.card import Card, card_text
from models.bundle.child_process import passed_in_a_child
from models.bundle.folder import bundle_digest, read_folder, write_folder
from models.bundle.forest import Forest, forest_of
from models.bundle.lean_lightgbm import VERSION, Booster
from models.bundle.manifest import SCORECARD, TREES, FrozenFeature, Manifest
from models.bundle.number import Number
from models.bundle.probe import Probe, chosen_rows, probe_of, probe_text

_FILES = {"bundle.json", "model_any.txt", "probe.json"}
_COUNT = "model_count.txt"


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What training hands over: LightGBM texts, the calibration, frozen features and rows to probe the model with.

    `number` says how the shares of `count_text` become numbers; without it that model gives the number if any. `card` is
    the scorecard of which `any_text` is the text, if it is one.
    """

    target: str
    as_of: str
    features: tuple[FrozenFeature, ...]
    calibration: Calibration
    any_text: str
    count_text: str | None
    probe: Matrix
    origin: Mapping[str, str]
    metrics: Mapping[str, float | None]
    number: Number | None = None
    card: Card | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A model ready to score: `any_model` gives the raw margin, which `forest` explains, `count_model` the share found.

    Where the manifest has no `number`, as in every bundle of form 1, `count_model` gives the number if any, and
    `count_forest`, which explains the share, is None.
    """

    digest: str
    manifest: Manifest
    calibration: Calibration
    any_model: Booster
    count_model: Booster | None
    forest: Forest
    count_forest: Forest | None
    probe: Probe

    @property
    def target(self) -> str:
        """The violation that is predicted."""
        return self.manifest.target

    @property
    def entity(self) -> str:
        """The kind of case that is scored: enterprise, claim or provider."""
        return self.manifest.entity

    @property
    def features(self) -> tuple[FrozenFeature, ...]:
        """The inputs in order."""
        return self.manifest.features

    def matrix(self, matrix: Matrix) -> Floats:
        """Return the model's inputs, float64 (n, F), in its own order and codes; unseen categories are missing."""
        return encoded(self.manifest, matrix)


def encoded(manifest: Manifest, matrix: Matrix) -> Floats:
    """Return a matrix's values in a manifest's order, categories recoded by text to the frozen codes."""
    if matrix.entity != manifest.entity:
        raise BundleError(
            f"this model scores cases of {manifest.entity}; got a matrix of {matrix.entity}"
        )
    names, places = manifest.names, {name: place for place, name in enumerate(matrix.names)}
    missing = [name for name in names if name not in places]
    if missing:
        raise BundleError(
            f"the matrix lacks {len(missing)} features of the model, first {missing[:5]}; build it again"
        )
    values = np.ascontiguousarray(
        matrix.values[:, [places[name] for name in names]], dtype=np.float64
    )
    for place, feature in enumerate(manifest.features):
        if (feature.categories is None) != (feature.name not in matrix.categories):
            raise BundleError(
                f"{feature.name} is a category in the model or in the matrix, not in both; train the model again"
            )
        if feature.categories is not None:
            values[:, place] = _recoded(
                values[:, place], matrix.categories[feature.name], feature.categories
            )
    return values


def _recoded(codes: Floats, given: tuple[str, ...], frozen: tuple[str, ...]) -> Floats:
    places = {text: float(place) for place, text in enumerate(frozen)}
    table = np.array([places.get(text, np.nan) for text in given] + [np.nan])
    with_missing = np.where(np.isnan(codes), len(given), codes)
    if not ((with_missing >= 0) & (with_missing <= len(given))).all():
        raise BundleError(
            f"a category code lies outside its {len(given)} categories; build the matrix again"
        )
    chosen = with_missing.astype(np.int64)
    recoded: Floats = table[chosen]
    return recoded


def write_bundle(parent: Path, parts: Parts) -> Path:
    """Write `parent/<target>-<digest12>/` whole or not at all and return it; an equal bundle is kept as it is."""
    manifest = _manifest(parts)
    models = {"model_any.txt": parts.any_text.encode()}
    if parts.count_text is not None:
        models[_COUNT] = parts.count_text.encode()
    inputs = encoded(manifest, parts.probe.take(chosen_rows(len(parts.probe))))
    boosters = {name: booster_of(name, text, manifest.names) for name, text in models.items()}
    outputs = outputs_of(boosters["model_any.txt"], boosters.get(_COUNT), inputs)
    written = (
        json.dumps(
            _plain(manifest),
            ensure_ascii=False,
            indent=1,
            sort_keys=True,
            allow_nan=False,
        )
        + "\n"
    )
    files = {
        "bundle.json": written.encode(),
        "probe.json": probe_text(Probe(inputs, outputs)),
        **models,
    }
    path = parent / f"{parts.target}-{bundle_digest(files)[:12]}"
    write_folder(path, files)
    return path


def _plain(manifest: Manifest) -> dict[str, object]:
    """Return what `bundle.json` says: in the form of boosted trees there is no word of a card."""
    left_out = {"card"} if manifest.card is None else None
    return manifest.model_dump(mode="json", exclude=left_out)


def _manifest(parts: Parts) -> Manifest:
    return Manifest(
        format=TREES if parts.card is None else SCORECARD,
        target=parts.target,
        entity=parts.probe.entity,
        as_of=parts.as_of,
        features=parts.features,
        calibration_raw=parts.calibration.raw,
        calibration_probability=parts.calibration.probability,
        versions={
            "lightgbm": VERSION,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        origin=dict(parts.origin),
        metrics=dict(parts.metrics),
        number=parts.number,
        card=parts.card,
    )


def load_bundle(path: Path, digest: str | None = None, *, cache: Path | None = None) -> Bundle:
    """Return the bundle in a folder once its digests agree (and equal `digest`, if given).

    One that this machine has not met is first parsed and self-tested in a child process, and noted in `cache`
    (by default `.tested` beside it).
    """
    files = read_folder(path)
    actual_digest = bundle_digest(files)
    if digest is not None and digest != actual_digest:
        raise BundleError(
            f"{path} has digest {actual_digest[:12]}, not {digest[:12]}; restore the bundle that was promoted"
        )
    manifest_of(files)
    passed_in_a_child(path, actual_digest, cache or path.parent / ".tested")
    return parsed(files)


def manifest_of(files: Mapping[str, bytes]) -> Manifest:
    """Return what `bundle.json` says, read without touching a model text; BundleError names the wrong field."""
    if not _FILES <= set(files) <= _FILES | {_COUNT}:
        raise BundleError(
            f"a bundle holds {sorted(_FILES)} and perhaps {_COUNT}; got {sorted(files)[:6]}"
        )
    try:
        return Manifest.model_validate_json(files["bundle.json"])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"bundle.json is wrong at {place or 'its start'}: {first['msg']}; train again"
        ) from None


def parsed(files: Mapping[str, bytes]) -> Bundle:
    """Return the bundle of files whose digests agree; LightGBM may abort the process on text that it did not write."""
    manifest = manifest_of(files)
    _check_card(manifest, files["model_any.txt"])
    calibration = Calibration(manifest.calibration_raw, manifest.calibration_probability)
    any_model = booster_of("model_any.txt", files["model_any.txt"], manifest.names)
    count_model = booster_of(_COUNT, files[_COUNT], manifest.names) if _COUNT in files else None
    forest = forest_of(files["model_any.txt"].decode())
    # a bundle of form 1 has no words for its number, so its trees are not read a second time
    has_words = manifest.number is not None and count_model is not None
    count_forest = forest_of(files[_COUNT].decode()) if has_words else None
    return Bundle(
        bundle_digest(files),
        manifest,
        calibration,
        any_model,
        count_model,
        forest,
        count_forest,
        probe_of(files["probe.json"]),
    )


def _check_card(manifest: Manifest, text: bytes) -> None:
    """Raise BundleError where a scorecard scores otherwise than by the points that its manifest says."""
    if manifest.card is None:
        return
    categories = [feature.categories for feature in manifest.features]
    if card_text(manifest.card, manifest.names, categories).encode() != text:
        raise BundleError(
            "model_any.txt is not the scorecard that bundle.json says; take a fresh copy of the bundle"
        )


def outputs_of(
    any_model: Booster, count_model: Booster | None, inputs: Floats
) -> dict[str, Floats]:
    """Return what the models say of encoded inputs: `raw` margins and, with a count model, its `count`."""
    counts = {} if count_model is None else {"count": predicted_means(count_model, inputs)}
    return {"raw": margins(any_model, inputs), **counts}
