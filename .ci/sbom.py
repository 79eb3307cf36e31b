"""Write the bill of materials (CycloneDX 1.6, JSON) of what `requirements.txt` pins.

It reads nothing but the lock, so it needs no network and no installed package, and two runs over
one lock give the same bytes.
"""

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)"
    r"(?:\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$"
)
HASH = re.compile(r"--hash=sha256:(?P<digest>[0-9a-f]{64})")


def components(lock: str) -> list[dict[str, Any]]:
    """Return a component per pin, in the lock's order; ValueError for a pin without a hash."""
    found: list[dict[str, Any]] = []
    for line in lock.splitlines():
        if pin := PIN.match(line):
            found.append(component(pin["name"], pin["version"], pin["marker"]))
        elif digest := HASH.search(line):
            found[-1]["hashes"].append({"alg": "SHA-256", "content": digest["digest"]})
    bare = [one["name"] for one in found if not one["hashes"]]
    if bare:
        raise ValueError(f"pinned without a hash: {', '.join(bare)}")
    return found


def component(name: str, version: str, marker: str | None) -> dict[str, Any]:
    """Return a package as CycloneDX names it; its marker says where it applies."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    purl = f"pkg:pypi/{plain}@{version}"
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": plain,
        "version": version,
        "purl": purl,
        "hashes": [],
    }
    if marker:
        made["properties"] = [{"name": "plumbline:marker", "value": marker.strip()}]
    return made


def bill(lock: str, version: str) -> dict[str, Any]:
    """Return the whole bill; its serial number is derived from the lock."""
    ours = f"pkg:generic/plumbline@{version}"
    parts = components(lock)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, version + lock)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": "plumbline",
                "version": version,
            }
        },
        "components": parts,
        "dependencies": [{"ref": ours, "dependsOn": [one["bom-ref"] for one in parts]}],
    }


def main() -> None:
    """Print the bill of this checkout."""
    project = (ROOT / "pyproject.toml").read_text()
    found = re.search(r'^version = "([^"]+)"', project, re.MULTILINE)
    assert found is not None
    lock = (ROOT / "requirements.txt").read_text()
    json.dump(bill(lock, found[1]), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
