"""A bundle's folder: a few text files and the list of their digests, written whole and read only when all agree."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from features.errors import BundleError
from features.files import built, durable

SUMS = "SHA256SUMS"
# a larger file is no bundle's: it is refused before it is read into memory
_LARGEST = 512 * 1024 * 1024


def digest_list(files: Mapping[str, bytes]) -> bytes:
    """Return the digest list of files, sorted by name, in the format that `sha256sum -c` reads."""
    lines = [f"{_sha256(content)}  {name}\n" for name, content in sorted(files.items())]
    return "".join(lines).encode()


def bundle_digest(files: Mapping[str, bytes]) -> str:
    """Return a bundle's digest: SHA-256 over its sorted file digests, as hex."""
    return _sha256(digest_list(files))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the files and their digest list as one folder: it appears whole or not at all, and an equal one is kept."""
    with_sums = {**files, SUMS: digest_list(files)}
    with built(path) as unfinished:
        for name, content in with_sums.items():
            with durable(unfinished / name) as file:
                file.write_bytes(content)
    if read_folder(path) != dict(files):
        raise BundleError(f"{path} already holds another bundle; remove it first")


def read_folder(path: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a bundle, when folder and digest list agree exactly; else raise BundleError."""
    if not path.is_dir():
        raise BundleError(f"{path} is not a bundle folder; name the folder that training wrote")
    present = {entry.name: entry for entry in path.iterdir()}
    if SUMS not in present:
        raise BundleError(f"{path} has no {SUMS}; write the bundle again")
    sums = _bytes_of(present.pop(SUMS))
    listed = _listed(sums, path)
    if set(listed) != set(present):
        missing = sorted(set(listed) - set(present))
        extra = sorted(set(present) - set(listed))
        raise BundleError(
            f"{path} should hold what {SUMS} lists; missing {missing[:5]}, extra {extra[:5]}"
        )
    files = {name: _bytes_of(entry) for name, entry in present.items()}
    damaged = sorted(name for name in files if _sha256(files[name]) != listed[name])
    if damaged:
        raise BundleError(
            f"{path} is damaged: {', '.join(damaged[:5])} differs from its digest; take a fresh copy"
        )
    # a list that says the same in other bytes, such as one cut before its last line's end, was damaged too
    if sums != digest_list(files):
        raise BundleError(f"{path} is damaged: {SUMS} is not as it was written; take a fresh copy")
    return files


def _listed(sums: bytes, path: Path) -> dict[str, str]:
    try:
        pairs = [line.split("  ", 1) for line in sums.decode("ascii").splitlines()]
        return {name: digest for digest, name in pairs}
    except ValueError:
        raise BundleError(
            f"{path / SUMS} is not a list of digests; take a fresh copy of the bundle"
        ) from None


def _bytes_of(entry: Path) -> bytes:
    if entry.is_symlink() or not entry.is_file() or entry.stat().st_size > _LARGEST:
        raise BundleError(
            f"{entry} should be a plain file below {_LARGEST} bytes; take a fresh copy of the bundle"
        )
    return entry.read_bytes()
