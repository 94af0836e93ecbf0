"""What is released, of what and by what: a bill of materials in CycloneDX's format, and SHA256SUMS.

pyspike depends on nothing; what Cython adds to the C is compiled into the module. Of the same files and the
same tools come the same bytes.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

NAME = "pyspike-aerospike"
MADE_BY = ("setuptools", "wheel", "ziglang")


def write(out: Path, files: Sequence[Path], release: str, committed: int) -> None:
    """Write both into a directory.

    Args:
        out: the directory.
        files: the wheels, and the sdist if there is one.
        release: the version of pyspike.
        committed: when the commit was made, in seconds since 1970.

    Raises:
        SystemExit: the bill is not as the format wants it.
    """
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    text = json.dumps(bill(digests, release, committed), indent=2) + "\n"
    complaint = complaint_of_cyclonedx(text)
    if complaint:
        sys.exit(f"the bill of materials is not as CycloneDX wants it: {complaint}")
    (out / f"{NAME}.cdx.json").write_text(text)
    (out / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))


def bill(digests: dict[str, str], release: str, committed: int) -> dict[str, object]:
    """The bill, of files with these SHA-256."""
    moment = datetime.datetime.fromtimestamp(committed, datetime.timezone.utc)
    cython = package("Cython", version("Cython"), "library")
    python = {"type": "application", "name": "CPython", "version": platform.python_version()}
    made_by = [package(name, version(name), "application") for name in MADE_BY]
    files = [
        {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
        for name, digest in digests.items()
    ]
    own = {**package(NAME, release, "library"), **licensed("Apache-2.0")}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": moment.isoformat(),
            "component": own,
            "tools": {"components": [python, *made_by]},
        },
        "components": [{**cython, **licensed("Apache-2.0")}, *files],
        "dependencies": [
            {"ref": own["bom-ref"], "dependsOn": [cython["bom-ref"]]},
            {"ref": cython["bom-ref"]},
        ],
    }


def package(name: str, release: str, kind: str) -> dict[str, object]:
    """A package of the index."""
    address = f"pkg:pypi/{name.lower()}@{release}"
    return {"type": kind, "bom-ref": address, "name": name, "version": release, "purl": address}


def licensed(identifier: str) -> dict[str, object]:
    """What says under which license something is."""
    return {"licenses": [{"license": {"id": identifier}}]}


def complaint_of_cyclonedx(text: str) -> object:
    """What CycloneDX's own library has against a bill; nothing if it is all right."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
