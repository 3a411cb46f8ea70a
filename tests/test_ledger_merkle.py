"""The tree hashes as RFC 6962 says, by the vectors that the Certificate Transparency implementations share."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.ledger import merkle

LEAVES = tuple(
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
)  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"


def tree(size: int) -> merkle.Node:
    node, _ = merkle.nodes_of(merkle.leaf_hash(leaf) for leaf in LEAVES[:size])
    return node


def spec_root(leaves: tuple[bytes, ...]) -> bytes:
    """The definition of section 2.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return sha256(b"\x01" + spec_root(leaves[:cut]) + spec_root(leaves[cut:])).digest()


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert (
        merkle.root(tree(0), 0).hex()
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert merkle.frontier_root(()) == merkle.EMPTY


@pytest.mark.parametrize("size", range(1, 9))
def test_the_known_roots_are_reached(size: int) -> None:
    assert merkle.root(tree(size), size).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(
    ("place", "size", "path"),
    [
        (0, 1, []),
        (0, 8, [A, B, C]),
        (5, 8, [D, E, ROOTS[3]]),
        (2, 3, [ROOTS[1]]),
        (1, 5, [ROOTS[0], B, D]),
    ],
)
def test_the_known_audit_paths_are_given(place: int, size: int, path: list[str]) -> None:
    assert [step.hex() for step in merkle.audit_path(tree(size), place, size)] == path


@pytest.mark.parametrize(
    ("old", "size", "path"),
    [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[3]]), (2, 5, [B, D])],
)
def test_the_known_consistency_proofs_are_given(old: int, size: int, path: list[str]) -> None:
    assert [step.hex() for step in merkle.consistency(tree(size), old, size)] == path


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=40), st.data())
def test_every_proof_leads_to_the_root_and_no_other(
    leaves: list[bytes], data: st.DataObject
) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    node, size = merkle.nodes_of(hashes)
    root = spec_root(tuple(leaves))
    assert merkle.root(node, size) == root
    place = data.draw(st.integers(0, size - 1))
    path = merkle.audit_path(node, place, size)
    assert merkle.root_by_inclusion(hashes[place], place, size, path) == root
    assert merkle.root_by_inclusion(merkle.leaf_hash(b"other"), place, size, path) != root
    assert merkle.root_by_inclusion(hashes[place], place, size, [*path, root]) is None
    assert not path or merkle.root_by_inclusion(hashes[place], place, size, path[:-1]) is None
    old = data.draw(st.integers(1, size))
    before = (old, spec_root(tuple(leaves[:old])))
    proof = merkle.consistency(node, old, size)
    assert merkle.is_consistent(before, (size, root), proof)
    assert not merkle.is_consistent((old, merkle.EMPTY), (size, root), proof)
    assert not merkle.is_consistent(before, (size, root), [*proof, root])
    assert not proof or not merkle.is_consistent(before, (size, root), proof[:-1])


@given(st.lists(st.binary(max_size=3), max_size=40))
def test_a_tree_grown_leaf_by_leaf_is_the_tree(leaves: list[bytes]) -> None:
    node, _ = merkle.nodes_of(merkle.leaf_hash(leaf) for leaf in leaves)
    frontier: tuple[bytes, ...] = ()
    for size, leaf in enumerate(leaves):
        frontier, completed = merkle.grow(frontier, size, merkle.leaf_hash(leaf))
        assert completed == [node(level, size >> level) for level in range(len(completed))]
    assert merkle.frontier_root(frontier) == spec_root(tuple(leaves))


def test_a_leaf_outside_the_tree_has_no_proof() -> None:
    with pytest.raises(IndexError, match="leaf 8 is not in a tree of 8"):
        merkle.audit_path(tree(8), 8, 8)
    with pytest.raises(IndexError, match="a tree of 9 is not the beginning"):
        merkle.consistency(tree(8), 9, 8)
    assert merkle.root_by_inclusion(merkle.EMPTY, 8, 8, []) is None
    assert not merkle.is_consistent((0, merkle.EMPTY), (8, merkle.EMPTY), [])
