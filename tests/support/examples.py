"""How many examples a property is tried with: a share of them here, all of them or more for who asks."""

from __future__ import annotations

import os

__all__ = ["DEFAULT", "examples"]

SHARE = float(os.environ.get("PYSPIKE_EXAMPLES") or 0.5)
DEFAULT = 100  # of tests that say nothing else, as Hypothesis has it


def examples(count: int) -> int:
    """The share of so many examples, but ten at least."""
    return max(10, round(count * SHARE))
