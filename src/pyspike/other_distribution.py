"""The other distribution whose package is called `pyspike`, and what to do where both are installed.

pyspike is installed as `pyspike-aerospike`. The distribution `pyspike`, about spike trains, brings a package
of the same name. Installed in one directory their files are mixed: whichever came last has the `__init__.py`,
and uninstalling either takes it from both.
"""

from __future__ import annotations

import contextlib
import os
import sys

__all__ = ["explanation", "found_in", "is_whole"]

PACKAGE = os.path.dirname(os.path.abspath(__file__))
NAME = "pyspike"
METADATA = (".dist-info", ".egg-info", ".egg")
MEND = (
    "remove both with `pip uninstall pyspike pyspike-aerospike`, then install the one you need, "
    "or each in a virtual environment of its own"
)


def explanation(package: str = PACKAGE) -> str | None:
    """What is wrong with the installed package, with what mends it; None if nothing is.

    It lists one directory, because importlib.metadata takes longer than all of pyspike to import.

    Args:
        package: the directory of the package.
    """
    if (other := found_in(os.path.dirname(package))) is not None:
        return (
            f"the Aerospike client (distribution pyspike-aerospike) and another distribution, {other}, are "
            f"installed in one directory, and both have a package {NAME}, so their files are mixed: {MEND}"
        )
    if os.path.isdir(package) and not os.path.exists(os.path.join(package, "__init__.py")):
        return (
            f"the package {NAME} has lost its __init__.py, as when the distribution {NAME} is uninstalled "
            "beside it: `pip install --force-reinstall pyspike-aerospike`"
        )
    return None


def is_whole() -> bool:
    """Whether the package that Python has imported as `pyspike` is the Aerospike client."""
    return hasattr(sys.modules.get(NAME), "AerospikeError")


def found_in(directory: str) -> str | None:
    """The name and version of a distribution `pyspike` whose files are in this directory, or None."""
    with contextlib.suppress(OSError):  # it is in a zip file
        for entry in os.listdir(directory):
            name, _, rest = entry.partition("-")
            if name.lower() == NAME and rest.endswith(METADATA):
                return f"{NAME} {rest.rpartition('.')[0].partition('-')[0]}"
    return None
