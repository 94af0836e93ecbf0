"""What the official client warns of, told of the line of the program that calls it."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn_deprecated"]

OURS = "pyspike.compat."


def warn_deprecated(message: str) -> None:
    """Warn with a DeprecationWarning that is of the caller of this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(OURS):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DeprecationWarning, stacklevel=level)
