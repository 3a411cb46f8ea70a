"""Laws of a bundle: what is read is what was written, and nothing else is ever read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.errors import BundleError
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.folder import SUMS, bundle_digest, digest_list, read_folder
from models.bundle.manifest import Manifest, frozen_features
from models.bundle.score import score


@pytest.fixture
def written(model_parts: Parts, tmp_path: Path) -> Path:
    return write_bundle(tmp_path, model_parts)


def resealed(path: Path) -> None:
    """Write a digest list that agrees with whatever the folder now holds, as a forger would."""
    (path / SUMS).unlink()
    (path / SUMS).write_bytes(
        digest_list({entry.name: entry.read_bytes() for entry in path.iterdir()})
    )


def test_a_bundle_read_back_says_what_was_written(model_parts: Parts, written: Path) -> None:
    bundle = load_bundle(written)
    assert isinstance(bundle, Bundle)
    assert (bundle.target, bundle.entity, bundle.features) == (
        "undeclared_workers",
        "enterprise",
        model_parts.features,
    )
    assert bundle.calibration == model_parts.calibration
    assert written.name == f"undeclared_workers-{bundle.digest[:12]}"
    assert load_bundle(written, bundle.digest).digest == bundle.digest


def test_the_digest_is_the_hash_of_the_sorted_file_digests(written: Path) -> None:
    lines = [
        f"{hashlib.sha256(entry.read_bytes()).hexdigest()}  {entry.name}\n"
        for entry in sorted(written.iterdir())
        if entry.name != SUMS
    ]
    assert (
        bundle_digest(read_folder(written)) == hashlib.sha256("".join(lines).encode()).hexdigest()
    )
    assert (written / SUMS).read_text() == "".join(lines)


def test_writing_the_same_parts_twice_keeps_one_folder_with_the_same_digest(
    model_parts: Parts, written: Path
) -> None:
    assert write_bundle(written.parent, model_parts) == written
    assert [entry.name for entry in written.parent.iterdir()] == [written.name]


def test_a_failed_write_leaves_nothing_behind(model_parts: Parts, tmp_path: Path) -> None:
    for column, message in ((0, "infinite value"), (4, "outside its 40 categories")):
        values = model_parts.probe.values.copy()
        values[:, column] = np.inf
        with pytest.raises(BundleError, match=message):
            write_bundle(
                tmp_path, replace(model_parts, probe=replace(model_parts.probe, values=values))
            )
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_once_tested_on_this_machine_starts_no_child(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_bundle(written)
    monkeypatch.setattr("models.bundle.child_process.sys.executable", "/nowhere/python")
    load_bundle(written)
    with pytest.raises(FileNotFoundError):
        load_bundle(written, cache=written.parent / "another")


@pytest.mark.parametrize("name", ["bundle.json", "model_any.txt", "model_count.txt", "probe.json"])
def test_one_changed_byte_in_any_file_is_refused_before_anything_parses_it(
    written: Path, name: str
) -> None:
    content = bytearray((written / name).read_bytes())
    content[len(content) // 2] ^= 1
    (written / name).write_bytes(bytes(content))
    with pytest.raises(BundleError, match=f"is damaged: {name}"):
        load_bundle(written)


def test_a_missing_an_extra_and_a_linked_file_are_refused(written: Path) -> None:
    (written / "extra.pkl").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"extra \['extra.pkl'\]"):
        load_bundle(written)
    (written / "extra.pkl").unlink()
    kept = (written / "model_any.txt").read_bytes()
    (written / "model_any.txt").unlink()
    with pytest.raises(BundleError, match=r"missing \['model_any.txt'\]"):
        load_bundle(written)
    (written.parent / "elsewhere").write_bytes(kept)
    (written / "model_any.txt").symlink_to(written.parent / "elsewhere")
    with pytest.raises(BundleError, match="plain file"):
        load_bundle(written)


def test_a_folder_that_is_no_bundle_and_a_missing_list_are_refused(
    written: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="not a bundle folder"):
        load_bundle(tmp_path / "nothing")
    (written / SUMS).write_bytes(b"\xff\xfe nonsense")
    with pytest.raises(BundleError, match="not a list of digests"):
        load_bundle(written)
    (written / SUMS).unlink()
    with pytest.raises(BundleError, match=f"has no {SUMS}"):
        load_bundle(written)


def test_a_bundle_of_another_digest_than_promoted_is_refused(written: Path) -> None:
    with pytest.raises(BundleError, match="not 000000000000"):
        load_bundle(written, "0" * 64)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 1, "surplus": 2}'])
def test_resealed_but_wrong_json_is_refused_in_one_line_without_a_crash(
    written: Path, text: str
) -> None:
    (written / "bundle.json").write_text(text)
    resealed(written)
    with pytest.raises(BundleError, match="is wrong at") as caught:
        load_bundle(written)
    assert "\n" not in str(caught.value)


def test_a_resealed_model_that_would_abort_the_process_costs_only_the_child(written: Path) -> None:
    text = (written / "model_any.txt").read_text()
    (written / "model_any.txt").write_text(
        text.replace("\nleaf_value=", "\nleaf_value=nonsense ", 3)
    )
    resealed(written)
    with pytest.raises(BundleError, match="failed its self-test"):
        load_bundle(written)


def test_a_resealed_model_that_scores_differently_in_silence_is_refused(written: Path) -> None:
    lines = (written / "model_any.txt").read_text().splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if line.startswith("leaf_value="))
    digit = next(
        place for place in range(12, len(lines[first])) if lines[first][place] in "1234567"
    )
    lines[first] = (
        lines[first][:digit] + str(int(lines[first][digit]) + 1) + lines[first][digit + 1 :]
    )
    (written / "model_any.txt").write_text("".join(lines))
    resealed(written)
    with pytest.raises(BundleError, match="score differently from when the bundle"):
        load_bundle(written)


def test_a_model_of_other_features_is_refused(written: Path) -> None:
    manifest = json.loads((written / "bundle.json").read_text())
    manifest["features"][0]["name"] = "foreign"
    (written / "bundle.json").write_text(json.dumps(manifest))
    resealed(written)
    with pytest.raises(BundleError, match="trained on other features"):
        load_bundle(written)


def test_columns_are_found_by_name_and_categories_by_text(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    probe = model_parts.probe
    order = [5, 3, 4, 0, 1, 2]
    turned = tuple(reversed(probe.categories["sector"]))
    values = probe.values.copy()
    values[:, 4] = 39 - values[:, 4]
    moved = replace(
        probe,
        names=tuple(probe.names[place] for place in order),
        values=values[:, order],
        categories={**probe.categories, "sector": turned},
    )
    assert model_bundle.matrix(moved).tobytes() == model_bundle.matrix(probe).tobytes()


def test_an_unseen_category_scores_as_missing(model_parts: Parts, model_bundle: Bundle) -> None:
    row = model_parts.probe.row(3)
    values, missing = row.values.copy(), row.values.copy()
    values[0, 4], missing[0, 4] = 40, np.nan
    unseen = replace(
        row,
        values=values,
        categories={**row.categories, "sector": (*row.categories["sector"], "外星")},
    )
    assert (
        score(model_bundle, unseen).raw.tobytes()
        == score(model_bundle, replace(row, values=missing)).raw.tobytes()
    )


def test_a_matrix_that_does_not_fit_is_refused(model_parts: Parts, model_bundle: Bundle) -> None:
    probe = model_parts.probe
    with pytest.raises(BundleError, match="lacks 1 features"):
        score(model_bundle, replace(probe, names=("other", *probe.names[1:])))
    with pytest.raises(BundleError, match="scores cases of enterprise; got a matrix of claim"):
        score(model_bundle, replace(probe, entity="claim"))
    with pytest.raises(BundleError, match="category in the model or in the matrix, not in both"):
        score(model_bundle, replace(probe, categories={"sector": probe.categories["sector"]}))


def test_declarations_are_frozen_in_the_order_of_the_training_matrix(model_parts: Parts) -> None:
    declared = [*reversed(model_parts.features)]
    assert frozen_features(declared, model_parts.probe) == model_parts.features
    assert "extra" in str(Manifest.model_config)


def test_a_program_that_opens_bundles_can_still_use_lightgbm_as_it_comes() -> None:
    """A notebook trains with LightGBM's own estimators, which need scikit-learn; only `lssi` and the self-test do without."""
    from lightgbm import LGBMClassifier

    assert LGBMClassifier(n_estimators=3).n_estimators == 3
