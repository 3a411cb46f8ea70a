"""The self-test of a bundle, run as `python -m models.bundle.selftest FOLDER DIGEST` in a process that may die of it."""

from __future__ import annotations

import sys
from pathlib import Path

from features.errors import BundleError
from models.bundle.folder import bundle_digest, read_folder
from models.bundle.own_process import claim_process


def self_test(path: Path, digest: str) -> None:
    """Raise BundleError unless the folder has this digest and scores its probe rows to the bytes of its writing."""
    # LightGBM comes with it, and is imported lean only once the process is claimed
    from models.bundle.bundle import outputs_of, parsed

    files = read_folder(path)
    if bundle_digest(files) != digest:
        raise BundleError(f"{path} changed while it was being tested")
    bundle = parsed(files)
    if bundle.probe.inputs.shape[1] != len(bundle.features):
        raise BundleError("the probe rows are not as long as the feature list")
    changed = bundle.probe.differs(
        outputs_of(bundle.any_model, bundle.count_model, bundle.probe.inputs)
    )
    if changed:
        raise BundleError(
            f"the probe rows score differently from when the bundle was written: {', '.join(changed)}"
        )


def main(arguments: list[str]) -> int:
    """Return 0 when the bundle passes; else write one line to stderr and return 1."""
    claim_process()
    try:
        self_test(Path(arguments[0]), arguments[1])
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
