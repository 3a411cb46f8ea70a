"""Laws of the shelf: the model that a person promoted for a source and target answers, and no other."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from features.errors import BundleError, TargetError
from models.bundle.bundle import Parts, load_bundle, write_bundle
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import generation_file, pointer_of, promote_model
from serving.scoring.promoted_models import all_promoted, promoted

KEY = ModelKey("hand", "undeclared_workers")
CLAIM = ModelKey("hand", "fraudulent_claim")


@pytest.fixture(scope="module")
def shelf(model_parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bundle, tested on this machine, and promoted."""
    place = tmp_path_factory.mktemp("shelf")
    bundle = write_bundle(place, model_parts)
    promote_model(place, KEY, Pointer(bundle=bundle.name, digest=load_bundle(bundle).digest))
    return place


@pytest.fixture
def folder(shelf: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shelf, tmp_path / "bundles"))


def pointer_in(folder: Path) -> Pointer:
    return pointer_of(folder, KEY)


def of_before(folder: Path, name: str = KEY.file) -> Path:
    """Give a home the form of before: its model in use is named by a pointer, in a file of a name; return the file."""
    path = folder / name
    path.write_text(pointer_in(folder).model_dump_json(), "utf-8")
    generation_file(folder, KEY.source).unlink()
    return path


def test_the_promoted_bundle_is_the_one_that_answers(folder: Path) -> None:
    bundle = promoted(folder, KEY)
    assert bundle.target == KEY.target
    assert {
        target: found.digest
        for target, found in all_promoted(folder, "hand", [KEY.target, CLAIM.target]).items()
    } == {KEY.target: bundle.digest}


def test_a_bundle_that_nobody_promoted_answers_nothing(folder: Path) -> None:
    generation_file(folder, KEY.source).unlink()
    with pytest.raises(
        TargetError,
        match="'undeclared_workers' is promoted for source 'hand'; train one with `lssi train",
    ):
        promoted(folder, KEY)
    with pytest.raises(
        TargetError,
        match="no model of fraudulent_claim, undeclared_workers is promoted for source 'hand'",
    ):
        all_promoted(folder, "hand", [KEY.target, CLAIM.target])


def test_the_model_of_one_source_never_answers_for_another(folder: Path) -> None:
    with pytest.raises(TargetError, match=r"is promoted for source 'our-city' \(it is for hand\)"):
        promoted(folder, ModelKey("our-city", KEY.target))
    with pytest.raises(TargetError, match="is promoted for source 'our-city'"):
        all_promoted(folder, "our-city", [KEY.target])


def test_a_pointer_to_a_model_of_another_source_is_refused(folder: Path) -> None:
    other = ModelKey("our-city", KEY.target)
    promote_model(folder, other, pointer_in(folder))
    with pytest.raises(
        BundleError, match="points to a model of undeclared_workers for hand; promote a model of"
    ):
        promoted(folder, other)


def test_a_pointer_to_another_digest_or_another_target_is_refused(folder: Path) -> None:
    good = pointer_in(folder)
    promote_model(folder, KEY, good.model_copy(update={"digest": "0" * 64}))
    with pytest.raises(BundleError, match="digest"):
        promoted(folder, KEY)
    promote_model(folder, CLAIM, good)
    with pytest.raises(BundleError, match="points to a model of undeclared_workers for hand"):
        promoted(folder, CLAIM)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"bundle": "../../etc", "digest": "' + "0" * 64 + '"}', '{"bundle": "a"}'],
)
def test_a_damaged_pointer_is_refused(folder: Path, text: str) -> None:
    of_before(folder).write_text(text)
    with pytest.raises(BundleError, match="no pointer to a bundle"):
        promoted(folder, KEY)


def test_a_damaged_model_is_refused_before_it_is_read(folder: Path) -> None:
    with (folder / pointer_in(folder).bundle / "model_any.txt").open("a") as file:
        file.write(" ")
    with pytest.raises(BundleError):
        promoted(folder, KEY)


def named_by_target(folder: Path) -> Path:
    """Give the pointer the name that it had before sources had models of their own."""
    return of_before(folder, f"{KEY.target}.json")


def test_a_pointer_named_by_target_alone_gets_the_source_of_its_bundle(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = named_by_target(folder)
    assert promoted(folder, KEY).target == KEY.target
    assert (folder / KEY.file).exists() and not old.exists()
    assert [record.getMessage() for record in caplog.records] == [
        "models in use are now named by source and target: undeclared_workers.json -> hand.undeclared_workers.json"
    ]
    with pytest.raises(TargetError, match="is promoted for source 'our-city'"):
        promoted(folder, ModelKey("our-city", KEY.target))
    assert len(caplog.records) == 1


def test_a_move_of_a_pointer_that_was_killed_is_carried_on(folder: Path) -> None:
    shutil.copy(of_before(folder), folder / f"{KEY.target}.json")
    assert promoted(folder, KEY).target == KEY.target
    assert not (folder / f"{KEY.target}.json").exists()


def test_two_models_in_use_for_one_source_and_target_are_refused(folder: Path) -> None:
    other = pointer_in(folder).model_copy(update={"digest": "0" * 64})
    old = named_by_target(folder)
    (folder / KEY.file).write_text(other.model_dump_json(), "utf-8")
    with pytest.raises(
        BundleError, match="name two models of undeclared_workers for hand; remove one of them"
    ):
        promoted(folder, KEY)
    assert old.exists()


def pointer_in_file(path: Path) -> Pointer:
    return Pointer.model_validate_json(path.read_bytes())


def test_an_old_pointer_that_cannot_tell_its_source_is_refused_and_stays(folder: Path) -> None:
    old = named_by_target(folder)
    shutil.rmtree(folder / pointer_in_file(old).bundle)
    with pytest.raises(BundleError, match="is not a bundle folder"):
        promoted(folder, KEY)
    assert old.exists()


def test_an_old_model_that_does_not_say_its_source_is_refused_and_stays(
    folder: Path, model_parts: Parts
) -> None:
    bundle = write_bundle(folder, replace(model_parts, origin={}))
    generation_file(folder, KEY.source).unlink()
    old = folder / f"{KEY.target}.json"
    old.write_text(
        json.dumps({"bundle": bundle.name, "digest": load_bundle(bundle).digest}), "utf-8"
    )
    with pytest.raises(
        BundleError, match="does not say on which source it was trained; train again"
    ):
        promoted(folder, KEY)
    assert old.exists()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b_c"), ("a-b", "c")),
        (("a-b", "c"), ("a", "c")),
        (("a-b", "c"), ("b", "c")),
        (("a", "b"), ("a_b", "b")),
    ],
)
def test_no_two_sources_and_targets_share_a_name(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    left, right = ModelKey(*one), ModelKey(*other)
    assert left.registered != right.registered and left.file != right.file


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("hand", "../../etc/passwd"),
        ("hand", "a-b"),
        ("hand", ""),
        ("../x", "a"),
        ("A", "a"),
    ],
)
def test_a_name_that_no_source_or_target_can_have_is_no_part_of_a_path(
    source: str, target: str
) -> None:
    with pytest.raises(TargetError, match="should be lower-case letters"):
        ModelKey(source, target)
