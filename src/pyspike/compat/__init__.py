"""Programs that are written for the official client, the package `aerospike`, run on pyspike unchanged.

There are three ways. With no change to the program:

    python -m pyspike.compat program.py arguments...
    python -m pyspike.compat -m module arguments...

With one line before anything imports `aerospike`:

    import pyspike.compat

    pyspike.compat.install()

Or by other imports, beside the official package if need be:

    from pyspike.compat import aerospike, aerospike_helpers

What the official client loses without a word is an error here; `legacy` has the switches for programs that
depend on the old way.
"""

from __future__ import annotations

from pyspike.compat.installing import install, uninstall
from pyspike.compat.switches import legacy

__all__ = ["aerospike", "aerospike_helpers", "install", "legacy", "uninstall"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyspike.compat import aerospike, aerospike_helpers


def __getattr__(name: str) -> object:
    if name not in ("aerospike", "aerospike_helpers"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return importlib.import_module(f"{__name__}.{name}")
