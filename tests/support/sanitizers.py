"""Whether the compiled module has sanitizers, which keep what is freed: memory is not measured then."""

from __future__ import annotations

import os

__all__ = ["SANITIZED"]

SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")
