"""Merkle tree hashing, inclusion and consistency proofs as in RFC 6962, section 2.1 (SHA-256).

A tree is named by its size and read through `node(level, place)`, the hash of the complete subtree over the
leaves `place * 2**level` up to `(place + 1) * 2**level`; so a proof costs the logarithm of the size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
"""(level, place) -> hash of that complete subtree."""

EMPTY = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one leaf: SHA-256 over 0x00 and the entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 over 0x01 and both children."""
    return sha256(b"\x01" + left + right).digest()


def _below(n: int) -> int:
    """Return the largest power of two smaller than n (n > 1)."""
    return 1 << ((n - 1).bit_length() - 1)


def _range(node: Node, low: int, high: int) -> bytes:
    """Return the hash over the leaves low..high, where low is a multiple of a power of two >= high - low."""
    width = high - low
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return node(level, low >> level)
    cut = low + _below(width)
    return node_hash(_range(node, low, cut), _range(node, cut, high))


def root(node: Node, size: int) -> bytes:
    """Return the root of the tree of that size; the empty tree has the hash of nothing."""
    return _range(node, 0, size) if size else EMPTY


def grow(
    frontier: Sequence[bytes], size: int, leaf: bytes
) -> tuple[tuple[bytes, ...], list[bytes]]:
    """Append a leaf hash to a tree of `size` leaves, given by the roots of its complete subtrees, largest first.

    Returns the new frontier and the nodes that the leaf completes, from level 0 upwards: the node of level l
    stands at place `size >> l`.
    """
    subtrees = list(frontier)
    completed = [leaf]
    # each set low bit of the size is a complete subtree that the new one joins, as in a carry of an addition
    while size & 1:
        node = node_hash(subtrees.pop(), completed[-1])
        completed.append(node)
        size >>= 1
    return (*subtrees, completed[-1]), completed


def frontier_places(size: int) -> Iterator[tuple[int, int]]:
    """Yield level and place of the complete subtrees of a tree of that size, largest first.

    >>> list(frontier_places(5))
    [(2, 0), (0, 4)]
    """
    leaves = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield level, leaves >> level
            leaves += 1 << level


def frontier_root(frontier: Sequence[bytes]) -> bytes:
    """Return the root of the tree whose complete subtrees, largest first, have these roots."""
    if not frontier:
        return EMPTY
    result = frontier[-1]
    for subtree in reversed(frontier[:-1]):
        result = node_hash(subtree, result)
    return result


def nodes_of(leaves: Iterable[bytes]) -> tuple[Node, int]:
    """Return the reader and the size of the tree over these leaf hashes, held in memory."""
    levels = [list(leaves)]
    size = len(levels[0])
    while len(levels[-1]) > 1:
        below = levels[-1]
        # a last child without a sibling has no complete subtree above it
        left_children = range(0, len(below) - 1, 2)
        levels.append([node_hash(below[place], below[place + 1]) for place in left_children])
    return (lambda level, place: levels[level][place]), size


def audit_path(node: Node, place: int, size: int) -> list[bytes]:
    """Return the audit path of the leaf at `place` in the tree of that size, lowest sibling first."""
    if not 0 <= place < size:
        raise IndexError(f"leaf {place} is not in a tree of {size}")
    siblings: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        cut = low + _below(high - low)
        if place < cut:
            siblings.append(_range(node, cut, high))
            high = cut
        else:
            siblings.append(_range(node, low, cut))
            low = cut
    return siblings[::-1]


def sides(place: int, size: int) -> list[str]:
    """Return on which side of the growing hash each step of an audit path stands: "left" or "right".

    >>> sides(2, 5)
    ['right', 'left', 'right']
    """
    sides_upwards = []
    last = size - 1
    while last:
        if place & 1:
            sides_upwards.append("left")
        elif place < last:
            sides_upwards.append("right")
        # else the node is the last of its level and alone: it goes up without a step
        place >>= 1
        last >>= 1
    return sides_upwards


def root_by_inclusion(leaf: bytes, place: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root to which an audit path leads, or None when the path does not fit the place and size."""
    if not 0 <= place < size:
        return None
    expected_sides = sides(place, size)
    if len(expected_sides) != len(path):
        return None
    result = leaf
    for side, sibling in zip(expected_sides, path, strict=True):
        left_hash, right_hash = (sibling, result) if side == "left" else (result, sibling)
        result = node_hash(left_hash, right_hash)
    return result


def consistency(node: Node, old: int, size: int) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is the beginning of the tree of `size` leaves."""
    if not 0 < old <= size:
        raise IndexError(f"a tree of {old} is not the beginning of a tree of {size}")
    return list(_consistency(node, old, 0, size))


def _consistency(node: Node, old: int, low: int, high: int) -> Iterator[bytes]:
    if old == high:
        if low:  # the old root itself is known to whoever asks
            yield _range(node, low, high)
        return
    cut = low + _below(high - low)
    if old <= cut:
        yield from _consistency(node, old, low, cut)
        yield _range(node, cut, high)
    else:
        yield from _consistency(node, old, cut, high)
        yield _range(node, low, cut)


def is_consistent(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Say whether the proof leads from the root of the smaller tree to the root of the larger one.

    Both trees are pairs of size and root; the smaller one has at least one leaf.
    """
    (old_size, old_root), (size, new_root) = old, new
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not path and old_root == new_root
    place = old_size - 1
    last = size - 1
    # up to the largest complete subtree that ends the smaller tree: both trees hold it as it is
    while place & 1:
        place >>= 1
        last >>= 1
    proof = list(path)
    if not proof and place:
        return False
    # from it both roots are computed, each sibling on the left being common to both trees
    old_hash = new_hash = proof.pop(0) if place else old_root
    while last:
        if place & 1 or place < last:
            if not proof:
                return False
            sibling = proof.pop(0)
            if place & 1:
                old_hash = node_hash(sibling, old_hash)
                new_hash = node_hash(sibling, new_hash)
            else:
                new_hash = node_hash(new_hash, sibling)
        place >>= 1
        last >>= 1
    return not proof and (old_hash, new_hash) == (old_root, new_root)
