from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from features.errors import BundleError, TargetError
from models.bundle import Parts, load_bundle, write_bundle
from serving.shelf import all_promoted, promoted

TARGET = "undeclared_workers"


@pytest.fixture(scope="module")
def shelf(model_parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bundle, tested on this machine, and promoted."""
    place = tmp_path_factory.mktemp("shelf")
    bundle = write_bundle(place, model_parts)
    point(place, TARGET, bundle.name, load_bundle(bundle).digest)
    return place


@pytest.fixture
def folder(shelf: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shelf, tmp_path / "bundles"))


def point(folder: Path, target: str, name: str, digest: str) -> None:
    (folder / f"{target}.json").write_text(json.dumps({"bundle": name, "digest": digest}))


def test_the_promoted_bundle_is_the_one_that_answers(folder: Path) -> None:
    bundle = promoted(folder, TARGET)
    assert bundle.target == TARGET
    assert {target: found.digest for target, found in all_promoted(folder, [TARGET, "fraudulent_claim"]).items()} == {
        TARGET: bundle.digest}


def test_a_bundle_that_nobody_promoted_answers_nothing(folder: Path) -> None:
    (folder / f"{TARGET}.json").unlink()
    with pytest.raises(TargetError, match="lssi train"):
        promoted(folder, TARGET)
    with pytest.raises(TargetError, match="no model of fraudulent_claim, undeclared_workers is promoted"):
        all_promoted(folder, [TARGET, "fraudulent_claim"])


def test_a_pointer_to_another_digest_or_another_target_is_refused(folder: Path) -> None:
    good = json.loads((folder / f"{TARGET}.json").read_text())
    point(folder, TARGET, good["bundle"], "0" * 64)
    with pytest.raises(BundleError, match="digest"):
        promoted(folder, TARGET)
    point(folder, "fraudulent_claim", good["bundle"], good["digest"])
    with pytest.raises(BundleError, match="points to a model of undeclared_workers"):
        promoted(folder, "fraudulent_claim")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"bundle": "../../etc", "digest": "' + "0" * 64 + '"}', '{"bundle": "a"}'])
def test_a_damaged_pointer_is_refused(folder: Path, text: str) -> None:
    (folder / f"{TARGET}.json").write_text(text)
    with pytest.raises(BundleError, match="no pointer to a bundle"):
        promoted(folder, TARGET)


def test_a_damaged_model_is_refused_before_it_is_read(folder: Path) -> None:
    name = json.loads((folder / f"{TARGET}.json").read_text())["bundle"]
    with (folder / name / "model_any.txt").open("a") as file:
        file.write(" ")
    with pytest.raises(BundleError):
        promoted(folder, TARGET)
