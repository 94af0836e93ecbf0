"""The warning of a client that is dropped before it is closed."""

from __future__ import annotations

import warnings
from collections.abc import Callable

__all__ = ["DropGuard"]


class DropGuard:
    """Held by a client and all its views: warns if the last of them is dropped while something is open.

    Args:
        what: the client in words.
        is_open: whether it would have had to be closed.
        armed: whether the warning is due. An AsyncClient arms its guard when it has connected: if that is
            cancelled, no caller has a client to close.
    """

    __slots__ = ("_is_open", "_what", "armed")

    def __init__(self, what: str, is_open: Callable[[], bool], *, armed: bool = True) -> None:
        self.armed = armed
        self._what = what
        self._is_open: Callable[[], bool] | None = is_open

    def __del__(self) -> None:
        self.dropped()

    def dropped(self, _warn: Callable[..., None] = warnings.warn) -> None:
        """Warn if something is open, once, naming the line that dropped the client."""
        # The warning may be kept, and with it this object: it lets go of what is open first.
        is_open, self._is_open = self._is_open, None
        if is_open is not None and self.armed and is_open():
            _warn(f"unclosed {self._what}", ResourceWarning, stacklevel=3, source=self)
