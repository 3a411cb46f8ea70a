"""The bill of materials of what is installed, in CycloneDX 1.6, made from the lock file alone: no clock, the same bytes.

`make sbom` writes .lssi/sbom.cdx.json. Licences are not in a lock file and so are not in it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tomllib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK, BILL = ROOT / "requirements.lock", ROOT / ".lssi" / "sbom.cdx.json"
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
VIA = re.compile(r"^\s+#(?: via)?\s*(.*)$")
OURS = re.compile(r"^-r |^-c |\.in$|\.toml")
"""What a lock names in place of a package where our own list asks for it."""


@dataclass(slots=True)
class Package:
    """One package of the lock: its name, version, digests of its files, and what asks for it."""

    name: str
    version: str
    digests: list[str] = field(default_factory=list)
    needed_by: list[str] = field(default_factory=list)

    @property
    def purl(self) -> str:
        """The package's URL, which names no host."""
        return f"pkg:pypi/{self.name}@{self.version}"


def main() -> None:
    """Write the bill of a lock file."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--lock", type=Path, default=LOCK)
    words.add_argument("--out", type=Path, default=BILL)
    given = words.parse_args()
    try:
        content = bill_text(given.lock.read_text("utf-8"), own_version())
    except OSError as error:
        sys.exit(f"the lock file cannot be read ({error.strerror}): {given.lock}; say --lock FILE")
    except ValueError as error:
        sys.exit(f"{given.lock}: {error}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(content, "utf-8")
    print(f"{given.out}: {len(json.loads(content)['components'])} packages")


def own_version() -> str:
    """Return the version of lssi-risk that pyproject.toml states."""
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return str(stated["project"]["version"])


def bill_text(lock: str, version: str) -> str:
    """Return the bill of materials of a lock file's text; ValueError for a line that pins nothing."""
    packages = packages_of(lock)
    own = f"pkg:pypi/lssi-risk@{version}"
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # named by what it says, so that the same lock is the same bill
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + digest_of(lock))}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "lssi-risk",
                "version": version,
                "purl": own,
            },
            "properties": [{"name": "lssi:lock:sha256", "value": digest_of(lock)}],
        },
        "components": [_component(package) for package in packages],
        "dependencies": _dependencies(own, packages),
    }
    return json.dumps(bill, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def digest_of(lock: str) -> str:
    """Return the SHA-256 of a lock file's text."""
    return hashlib.sha256(lock.encode()).hexdigest()


def packages_of(lock: str) -> list[Package]:
    """Return the packages of a lock file's text, by name; ValueError for a line that pins nothing."""
    packages: list[Package] = []
    for number, line in enumerate(lock.splitlines(), 1):
        pin, digest, via = PINNED.match(line), HASH.search(line), VIA.match(line)
        if pin:
            packages.append(Package(pin["name"].lower(), pin["version"]))
        elif digest and packages:
            packages[-1].digests.append(digest[1])
        elif via and packages:
            packages[-1].needed_by += [name for name in [via[1].strip()] if name]
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"line {number} pins no package with a hash; make the lock again")
    lacking = [package.name for package in packages if not package.digests]
    if lacking or not packages:
        raise ValueError(f"no hash of {lacking[:3] or 'any package'}; make the lock with hashes")
    return sorted(packages, key=lambda package: package.name)


def _component(package: Package) -> dict[str, Any]:
    files = [
        {
            "type": "distribution",
            "url": package.purl,
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }
        for digest in sorted(package.digests)
    ]
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "externalReferences": files,
    }


def _dependencies(own: str, packages: list[Package]) -> list[dict[str, Any]]:
    """Return who needs what, from the comments that a lock has beside each package."""
    needs: dict[str, list[str]] = {own: []}
    purls = {package.name: package.purl for package in packages}
    needs |= {package.purl: [] for package in packages}
    for package in packages:
        for name in package.needed_by:
            by = own if OURS.search(name) else purls.get(name.lower())
            if by is None:
                raise ValueError(
                    f"{name} needs {package.name} and is not in it; make the lock again"
                )
            needs[by].append(package.purl)
    return [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in needs.items()]


if __name__ == "__main__":
    main()
