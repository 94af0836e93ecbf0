"""Imports that are put off until they are needed, so that `import pyspike` is quick.

A fork waits until such an import is over: the child would have no thread that goes on with it, and would wait
for the import's lock for ever.
"""

from __future__ import annotations

import os
import threading

__all__ = ["importing"]

importing = threading.RLock()
"""Held while a part of pyspike is imported by who needs it first."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=importing.acquire, after_in_parent=importing.release, after_in_child=importing.release
    )
